"""A ledger is filled with the very bytes of another one, and tells whoever listens what it stored."""

from collections.abc import Sequence

import pytest

from domain.ledger import Ledger, VersionConflict
from tests.domain.ledger.conftest import Opener
from tests.domain.ledger.given import OPENED, READ, History, debited
from tests.domain.ledger.places import Place


@pytest.fixture
def stored(ledger: Ledger, history: History) -> list[bytes]:
    ledger.append([*history.of("c1", OPENED, READ), *history.of("a1", debited(49))], 4)
    ledger.append(history.of("a1", debited(48)), 7)
    return [data for _, data in ledger.notifications(0, 100)]


@pytest.fixture
def other(place: Place) -> Ledger:
    """An empty one, beside the first."""
    other = place.ledger(place.keys(), shard=1)
    other.take()
    return other


def test_the_bytes_and_all_that_follows_from_them_are_the_same(
    ledger: Ledger, other: Ledger, stored: list[bytes], history: History
) -> None:
    assert other.restore(stored[:3], 4) == range(1, 4)
    assert other.restore(stored[3:], 7) == range(4, 5)
    assert [data for _, data in other.notifications(0, 100)] == stored
    assert (other.position(), other.last_notification()) == (7, 4)
    for stream in ("c1", "a1"):
        assert other.read(stream) == ledger.read(stream)
    assert other.append(history.of("a1", debited(47)), 8) == range(5, 6)


@pytest.mark.parametrize("places", [(1, 2), (0, 2), (0, 0), (3,)])
def test_only_the_events_that_follow_are_stored(
    other: Ledger, stored: list[bytes], places: Sequence[int]
) -> None:
    with pytest.raises(ValueError, match="stands where event"):
        other.restore([stored[place] for place in places], 9)
    assert (other.position(), other.last_notification()) == (0, 0)


def test_a_stream_that_does_not_fit_is_refused(open_ledger: Opener, stored: list[bytes]) -> None:
    """As if a ledger had been filled from two others."""
    fifth = stored[0].replace(b'"sequence":"1"', b'"sequence":"5"')
    ledger = open_ledger()
    ledger.take()
    with pytest.raises(VersionConflict):
        ledger.restore([fifth], 8)


def test_whoever_listens_hears_what_was_stored(
    ledger: Ledger, other: Ledger, stored: list[bytes], history: History
) -> None:
    heard: list[tuple[int, Sequence[bytes]]] = []
    other.listen(lambda first, events: heard.append((first, events)))
    other.restore(stored, 7)
    other.append([], 8)
    other.append(history.of("a1", debited(47)), 9)
    ((_, last),) = other.notifications(4, 1)
    assert heard == [(1, stored), (5, [last])]
