"""How old what is not followed yet can be, without reading it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple


class Lag(NamedTuple):
    """How far somebody is behind."""

    events: int
    seconds: float
    """How old the oldest of these events is, at most."""


def utc_now() -> datetime:
    """The machine's time."""
    return datetime.now(UTC)


class Freshness:
    """What a follower of a log knows of the age of the next event.

    The next event is no older than the last one it had, and no older than the moment when it last found
    nothing more to read. The later of the two is at most a moment too early.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._begun = clock()
        self._reached: datetime | None = None
        self._at_end: datetime | None = None

    def reached(self, at: datetime) -> None:
        """It has had an event that happened then, and all before."""
        self._reached = at

    def at_end(self) -> None:
        """There was nothing more to read just now."""
        self._at_end = self._clock()

    def lag(self, events: int) -> Lag:
        """The lag of somebody who is `events` behind."""
        if events <= 0:
            return Lag(0, 0.0)
        known = [moment for moment in (self._reached, self._at_end) if moment is not None]
        since = max(known, default=self._begun)
        return Lag(events, max(0.0, (self._clock() - since).total_seconds()))
