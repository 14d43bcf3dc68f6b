"""What views follow, a ledger in this process or the topics of a shard, keeps one contract."""

from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

from deploy.local.broker import Broker
from projections.source import LiveSource
from schemas.codec import peek
from tests.consumers.sources import Followed, FollowedLedger, FollowedTopics, open_followed

AGES_S = 60.0


@pytest.fixture(params=[FollowedLedger, FollowedTopics])
def followed(request: pytest.FixtureRequest, broker: Broker, tmp_path: Path) -> Iterator[Followed]:
    followed = open_followed(request.param, broker, tmp_path)
    yield followed
    followed.close()


def numbers(source: LiveSource, after: int, limit: int) -> list[int]:
    found = source.notifications(after, limit)
    assert [peek(data).sequence for _, data in found] == [number for number, _ in found]
    return [number for number, _ in found]


def test_at_first_there_is_nothing(followed: Followed) -> None:
    assert numbers(followed.source, 0, 10) == []
    assert followed.source.last_notification() == 0


def test_events_come_in_order_and_no_more_than_asked_for(followed: Followed) -> None:
    followed.happens(4)
    assert numbers(followed.source, 0, 5) == [1, 2, 3, 4, 5]
    assert numbers(followed.source, 5, 100) == [6, 7, 8, 9, 10, 11, 12]
    assert numbers(followed.source, 12, 100) == []
    assert followed.source.last_notification() == 12


def test_it_is_read_from_anywhere_as_often_as_one_likes(followed: Followed) -> None:
    followed.happens(30)
    for after in (80, 3, 0, 89, 90, 45, 45):
        assert numbers(followed.source, after, 10) == [*range(after + 1, min(after + 11, 91))]


def test_what_there_is_comes_without_waiting(followed: Followed) -> None:
    assert numbers(followed.source, 0, 10) == []
    for last in (3, 6, 9):
        followed.happens(1)
        assert numbers(followed.source, last - 3, 10) == [last - 2, last - 1, last]


def test_waiting_ends_with_something_new(followed: Followed) -> None:
    assert numbers(followed.source, 0, 10) == []
    timer = Timer(0.2, followed.happens, [1])
    timer.start()
    while not (found := numbers(followed.source, 0, 10)):
        followed.source.wait(AGES_S)
    timer.join()
    assert found[0] == 1


def test_waiting_ends_when_woken_before_or_meanwhile(followed: Followed) -> None:
    assert numbers(followed.source, 0, 10) == []
    followed.source.wake()
    followed.source.wait(AGES_S)
    timer = Timer(0.2, followed.source.wake)
    timer.start()
    followed.source.wait(AGES_S)
    timer.join()


def test_waiting_in_vain_ends(followed: Followed) -> None:
    assert numbers(followed.source, 0, 10) == []
    followed.source.wait(0.05)
    assert numbers(followed.source, 0, 10) == []
