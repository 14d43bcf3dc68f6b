"""Events of several topics come out in the order of their numbers, whatever answers they came in."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.merging import LogBroken, Merge

TOPICS = ("a", "b", "c")
MUCH = 1_000_000


def event(number: int, size: int = 0) -> bytes:
    head = f'{{"specversion":"1.0","id":"s.{number}","type":"thread-read.v1","subject":"s",'
    return f'{head}"streamversion":{number},"sequence":"{number}",{"x" * size}'.encode()


def merge(position: int = 0, events_max: int = MUCH, bytes_max: int = MUCH) -> Merge:
    return Merge(position, dict.fromkeys(TOPICS, 0), events_max, bytes_max)


def put(merge: Merge, topic: str, *numbers: int) -> None:
    merge.put(merge.lanes[topic], [event(number) for number in numbers])


def taken(merge: Merge, limit: int = MUCH) -> list[int]:
    return [number for number, _ in merge.take(limit)]


@given(
    st.lists(st.sampled_from(TOPICS), max_size=60),
    st.lists(st.tuples(st.sampled_from(TOPICS), st.integers(1, 9), st.integers(0, 9)), max_size=60),
    st.integers(0, 5),
)
def test_the_order_is_that_of_the_numbers(
    where: Sequence[str], answers: Sequence[tuple[str, int, int]], position: int
) -> None:
    topics = {topic: [n for n, at in enumerate(where, position + 1) if at == topic] for topic in TOPICS}
    merged, found = merge(position), list[int]()
    for topic, size, limit in [*answers, *((topic, MUCH, MUCH) for topic in TOPICS * 2)]:
        put(merged, topic, *topics[topic][:size])
        del topics[topic][:size]
        found += taken(merged, limit)
        assert merged.position == position + len(found)
    assert found == list(range(position + 1, position + len(where) + 1))
    assert merged.empty
    assert not merged.ready


def test_an_event_waits_for_the_one_before_it() -> None:
    merged = merge()
    put(merged, "a", 2, 3)
    assert (merged.ready, merged.empty, merged.newest, taken(merged)) == (False, False, 3, [])
    put(merged, "b", 1)
    assert merged.ready
    assert taken(merged) == [1, 2, 3]


def test_a_lane_that_is_ahead_is_not_fed_and_one_that_is_empty_always_is() -> None:
    merged = merge(events_max=9)
    put(merged, "a", 2, 3, 4)
    assert [lane.topic for lane in merged.hungry()] == ["b", "c"]
    put(merged, "b", 1)
    assert taken(merged, 2) == [1, 2]
    assert [lane.topic for lane in merged.hungry()] == ["a", "b", "c"]


def test_bytes_are_bounded_as_events_are() -> None:
    merged = merge(bytes_max=3_000)
    merged.put(merged.lanes["a"], [event(1, 1_000)])
    assert [lane.topic for lane in merged.hungry()] == ["b", "c"]
    taken(merged)
    assert merged.lanes["a"].bytes == 0


def test_an_event_twice_in_one_topic_is_named() -> None:
    merged = merge()
    put(merged, "a", 1, 2)
    with pytest.raises(LogBroken, match="Event 2 is on a after event 2"):
        put(merged, "a", 2)


def test_an_event_that_was_passed_on_does_not_come_again() -> None:
    merged = merge()
    put(merged, "a", 1, 2)
    taken(merged)
    with pytest.raises(LogBroken, match="Event 1 is on b"):
        put(merged, "b", 1)


def test_an_event_on_two_topics_is_named_with_both() -> None:
    merged = merge()
    put(merged, "a", 5, 6)
    put(merged, "b", 4)
    with pytest.raises(LogBroken, match="Event 5 is on a and on c"):
        put(merged, "c", 5)


def test_a_gap_is_certain_once_every_topic_had_nothing_more_after_it() -> None:
    merged = merge()
    put(merged, "a", 2)
    merged.look_for_gap(0)
    for lane in merged.lanes.values():
        merged.look_for_gap(0)
        lane.ended_at_s = float("inf")
    with pytest.raises(LogBroken, match="Event 1 is missing: a, b, c hold later ones"):
        merged.look_for_gap(0)
    merged.look_for_gap(float("inf"))


def test_a_gap_is_certain_if_every_topic_is_past_it() -> None:
    merged = merge()
    for number, topic in enumerate(TOPICS, 2):
        merged.look_for_gap(0)
        put(merged, topic, number)
    with pytest.raises(LogBroken, match="Event 1 is missing"):
        merged.look_for_gap(0)
