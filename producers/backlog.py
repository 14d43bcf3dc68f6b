"""What was just committed and waits to be published: the relay's fast path, which spares reading it back."""

from collections import deque
from collections.abc import Sequence
from threading import Lock

EVENTS_MAX = 50_000
BYTES_MAX = 64 * 1024 * 1024


class Backlog:
    """A bounded run of consecutive events. What does not fit or follow is forgotten: the ledger has it.

    Offered to by one thread, taken from by another; neither waits for more than a few moments of the other.
    """

    def __init__(self, events_max: int = EVENTS_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._events_max = events_max
        self._bytes_max = bytes_max
        self._lock = Lock()
        self._run: deque[bytes] = deque()
        self._first = 1
        self._bytes = 0

    def offer(self, first: int, events: Sequence[bytes]) -> None:
        """`events` were stored, the first of them as number `first`."""
        size = sum(map(len, events))
        with self._lock:
            if first != self._first + len(self._run):
                self._forget(first)
            self._run.extend(events)
            self._bytes += size
            if len(self._run) > self._events_max or self._bytes > self._bytes_max:
                self._forget(first + len(events))

    def take(self, after: int, events_max: int, bytes_max: int) -> list[bytes]:
        """The events that follow number `after`, as many as are here and allowed; what is older is dropped.

        None: they are not here, or there are none.
        """
        with self._lock:
            while self._run and self._first <= after:
                self._pop()
            taken = list[bytes]()
            if self._first != after + 1:
                return taken
            while self._run and len(taken) < events_max and bytes_max > 0:
                taken.append(self._pop())
                bytes_max -= len(taken[-1])
            return taken

    def misses(self, after: int) -> bool:
        """Whether an event was offered, and not the one that follows number `after`."""
        with self._lock:
            return self._first > after + 1

    def _pop(self) -> bytes:
        event = self._run.popleft()
        self._bytes -= len(event)
        self._first += 1
        return event

    def _forget(self, first: int) -> None:
        self._run.clear()
        self._bytes = 0
        self._first = first
