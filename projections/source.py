"""Where views read: a log of encoded events, by ascending position."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Protocol, runtime_checkable

from schemas.codec import decode
from schemas.events import Recorded
from schemas.sealing import Keys


class EventSource(Protocol):
    """A log. Positions start at 1 and may have gaps; what was read once never changes. A ledger is one."""

    def notifications(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """At most `limit` events that follow position `after`, each with its position, in order."""
        ...

    def last_notification(self) -> int:
        """The position of the newest event; 0 if there is none."""
        ...


@runtime_checkable
class LiveSource(EventSource, Protocol):
    """A log that tells when there is more."""

    def wait(self, timeout_s: float) -> None:
        """Return when there may be something new, when woken, or after `timeout_s`."""
        ...

    def wake(self) -> None:
        """End a wait, or the next one. From any thread."""
        ...


class Told:
    """A log in this process, and somebody who calls `wake` when it has grown: a `LiveSource`."""

    def __init__(self, log: EventSource) -> None:
        self._woken = Event()
        self.notifications = log.notifications
        self.last_notification = log.last_notification

    def wait(self, timeout_s: float) -> None:
        self._woken.wait(timeout_s)
        self._woken.clear()

    def wake(self) -> None:
        self._woken.set()


class SourceUnavailable(Exception):
    """A log cannot be read just now; the next try may succeed."""


class Unfoldable(Exception):
    """An event that cannot be read or folded. The message names its position, never what it holds."""

    def __init__(self, position: int, what: str) -> None:
        super().__init__(f"The event at position {position} cannot be projected: {what}")
        self.position = position


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive events of a log: all that follow `after`, up to the last one here."""

    after: int
    events: Sequence[tuple[int, Recorded]]

    @property
    def last(self) -> int:
        """The position of the last event; `after`, if there is none."""
        return self.events[-1][0] if self.events else self.after

    def since(self, position: int) -> list[Recorded]:
        """The events that follow `position`."""
        if position <= self.after:
            return [recorded for _, recorded in self.events]
        return [recorded for at, recorded in self.events if at > position]

    def singles(self) -> Iterator["Batch"]:
        """The same events, one batch each."""
        after = self.after
        for position, recorded in self.events:
            yield Batch(after, ((position, recorded),))
            after = position


def read_batch(source: EventSource, keys: Keys, after: int, limit: int) -> Batch:
    """The next events after `after`, each decoded once, whatever the number of views. Empty: there are none.

    An unreadable event ends the batch before it.

    Raises:
        Unfoldable: the very next event is unreadable.
    """
    events: list[tuple[int, Recorded]] = []
    for position, data in source.notifications(after, limit):
        try:
            events.append((position, decode(data, keys)))
        except ValueError as error:
            if not events:
                raise Unfoldable(position, str(error)) from error
            break
    return Batch(after, events)
