"""Puts events of several topics back into the order in which they were decided.

They are numbered without gaps, so the next one is known: no event waits for more than itself.
"""

from collections import deque
from collections.abc import Collection, Iterable
from time import monotonic

from schemas import codec


class LogBroken(Exception):
    """The topics do not hold each event once. The message says which and where, never what is in it."""


class Lane:
    """What of one topic has been read and not been passed on."""

    __slots__ = ("bytes", "ended_at_s", "newest", "offset", "read_at_s", "topic", "waiting")

    def __init__(self, topic: str, offset: int) -> None:
        self.topic = topic
        self.offset = offset
        """Where to read on."""
        self.waiting: deque[tuple[int, bytes]] = deque()
        self.bytes = 0
        self.newest = 0
        """The number of the last event that was read."""
        self.read_at_s = float("-inf")
        """When the topic was last asked and had nothing more that is decided."""
        self.ended_at_s = float("-inf")
        """The same, and nothing undecided either."""


class Merge:
    """The lanes of a shard's topics, and the number up to which they were passed on."""

    def __init__(self, position: int, offsets: dict[str, int], events_max: int, bytes_max: int) -> None:
        """`events_max` and `bytes_max` bound what waits, all lanes together, give or take one answer each."""
        self.position = position
        self.lanes = {topic: Lane(topic, offset) for topic, offset in offsets.items()}
        self._events_max = events_max // len(offsets)
        self._bytes_max = bytes_max // len(offsets)
        self._heads: dict[int, Lane] = {}
        """The first event that waits in each lane, by its number."""
        self._gap_since_s: float | None = None

    @property
    def ready(self) -> bool:
        """Whether the next event is here."""
        return self.position + 1 in self._heads

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._heads

    @property
    def newest(self) -> int:
        """The highest number that was read."""
        return max(self.position, *(lane.newest for lane in self.lanes.values()))

    def read_since(self, began_s: float) -> bool:
        """Whether nothing waits, and every topic was asked since then and had nothing more."""
        return self.empty and all(lane.read_at_s >= began_s for lane in self.lanes.values())

    def hungry(self) -> Collection[Lane]:
        """The lanes that can take more. One that is empty always can: the next event may be in it."""
        return [
            lane
            for lane in self.lanes.values()
            if not lane.waiting or (len(lane.waiting) < self._events_max and lane.bytes < self._bytes_max)
        ]

    def put(self, lane: Lane, events: Iterable[bytes]) -> None:
        """`events` are what follows in that lane's topic.

        Raises:
            LogBroken: one of them was there already.
            schemas.codec.Unreadable: one of them is none of ours.
        """
        waited = bool(lane.waiting)
        newest = max(lane.newest, self.position)
        for data in events:
            number = codec.sequence_of(data)
            if number <= newest:
                raise LogBroken(f"Event {number} is on {lane.topic} after event {newest}.")
            newest = lane.newest = number
            lane.waiting.append((number, data))
            lane.bytes += len(data)
        if lane.waiting and not waited:
            self._lead(lane)

    def take(self, limit: int) -> list[tuple[int, bytes]]:
        """The next events, as many as are here, with their numbers."""
        taken = list[tuple[int, bytes]]()
        heads, expected = self._heads, self.position + 1
        while len(taken) < limit and (lane := heads.pop(expected, None)) is not None:
            event = lane.waiting.popleft()
            lane.bytes -= len(event[1])
            taken.append(event)
            if lane.waiting:
                self._lead(lane)
            expected += 1
        if taken:
            self.position = expected - 1
            self._gap_since_s = None
        return taken

    def look_for_gap(self, patience_s: float) -> None:
        """Return, if the next event may still come.

        Whatever is numbered lower was written before anything higher was committed. So once a higher one was
        seen, and every topic was asked again and has nothing left, it will never come. The patience is for a
        new leader of a partition, which may not know at once everything that its predecessor promised.

        Raises:
            LogBroken: it cannot.
        """
        if self.empty or self.ready:
            self._gap_since_s = None
            return
        if self._gap_since_s is None:
            self._gap_since_s = monotonic()
        since_s = self._gap_since_s + patience_s
        if all(lane.waiting or lane.ended_at_s > since_s for lane in self.lanes.values()):
            topics = ", ".join(sorted(self.lanes))
            raise LogBroken(
                f"Event {self.position + 1} is missing: {topics} hold later ones, and none of them it."
            )

    def _lead(self, lane: Lane) -> None:
        number = lane.waiting[0][0]
        other = self._heads.setdefault(number, lane)
        if other is not lane:
            raise LogBroken(f"Event {number} is on {other.topic} and on {lane.topic}.")
        if number <= self.position:
            raise LogBroken(f"Event {number} is on {lane.topic}, and was read before.")
