"""What was just committed waits in a bounded run without gaps; what does not fit is forgotten."""

from producers.backlog import Backlog


def events(*numbers: int) -> list[bytes]:
    return [str(number).encode() for number in numbers]


def test_what_was_offered_is_taken_in_order() -> None:
    backlog = Backlog()
    backlog.offer(1, events(1, 2))
    backlog.offer(3, events(3))
    assert backlog.take(0, 2, 1_000) == events(1, 2)
    assert backlog.take(2, 10, 1_000) == events(3)
    assert backlog.take(3, 10, 1_000) == []
    assert not backlog.misses(3)


def test_no_more_is_taken_than_allowed_but_always_something() -> None:
    backlog = Backlog()
    backlog.offer(1, [b"x" * 100] * 5)
    assert len(backlog.take(0, 10, 150)) == 2
    assert len(backlog.take(2, 10, 1)) == 1


def test_what_is_published_already_is_dropped() -> None:
    backlog = Backlog()
    backlog.offer(5, events(5, 6, 7))
    assert backlog.take(6, 10, 1_000) == events(7)


def test_events_that_come_later_than_needed_wait_for_the_ledger() -> None:
    backlog = Backlog()
    backlog.offer(5, events(5, 6))
    assert backlog.misses(2)
    assert backlog.take(2, 10, 1_000) == []
    assert backlog.take(4, 10, 1_000) == events(5, 6)


def test_a_gap_forgets_what_was_before_it() -> None:
    backlog = Backlog()
    backlog.offer(1, events(1, 2))
    backlog.offer(4, events(4))
    assert backlog.take(0, 10, 1_000) == []
    assert backlog.misses(0)
    assert backlog.take(3, 10, 1_000) == events(4)


def test_too_many_events_or_bytes_are_forgotten() -> None:
    for backlog in (Backlog(events_max=3), Backlog(bytes_max=3)):
        backlog.offer(1, events(1, 2, 3))
        assert not backlog.misses(0)
        backlog.offer(4, events(4))
        assert backlog.misses(0)
        assert backlog.take(0, 10, 1_000) == []
        backlog.offer(5, events(5))
        assert backlog.take(4, 10, 1_000) == events(5)


def test_an_empty_offer_changes_nothing_that_follows() -> None:
    backlog = Backlog()
    backlog.offer(1, events(1))
    backlog.offer(2, [])
    backlog.offer(2, events(2))
    assert backlog.take(0, 10, 1_000) == events(1, 2)
