"""A shard's events, read from the topics in the order of its ledger."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import RLock
from time import monotonic
from typing import Any

from consumers.merging import Merge
from projections.source import SourceUnavailable
from projections.topics.partitions import Fetching, Partitions, Span
from projections.topics.tails import newest
from projections.topics.wire import ClusterError, Wire
from schemas import codec

EVENTS_WAITING_MAX = 20_000
BYTES_WAITING_MAX = 32 * 1024 * 1024
FETCH_BYTES_MAX = 128 * 1024
"""Of one topic in one answer, compressed; a broker gives a whole batch even if that is larger."""
FETCH_WAIT_S = 0.5
"""How long brokers wait for something to answer with."""
GAP_WAIT_S = 0.01
"""The same, while events wait for one that comes before them."""
GAP_PATIENCE_S = 3.0
ANSWER_S_MAX = 5.0
LAST_S = 1.0
"""How old the knowledge of the newest event may get while we read older ones."""


class TopicLog:
    """A log of one shard's events on the topics, as views follow it: `projections.source.LiveSource`.

    For one reader: it reads ahead, a bounded amount, from wherever that reader is. Another reader, who is
    somewhere else, needs a log of its own. Calls from several threads take turns, but for `wake`, and for
    `last_notification`, which then answers with what is known.

    Reading raises `SourceUnavailable` where the cluster cannot be reached (the next call tries again),
    `LogBroken` where an event is there twice or will never be there.
    """

    def __init__(
        self,
        shard: int,
        client: Mapping[str, Any],
        topics: Collection[str],
        *,
        events_max: int = EVENTS_WAITING_MAX,
        bytes_max: int = BYTES_WAITING_MAX,
        gap_patience_s: float = GAP_PATIENCE_S,
    ) -> None:
        """Nothing is read yet. `client`: as kafka-python's clients take it. `topics`: all of events."""
        self._shard = shard
        self._client = client
        self._topics = list(topics)
        self._events_max = events_max
        self._bytes_max = bytes_max
        self._gap_patience_s = gap_patience_s
        self._lock = RLock()
        self._wire: Wire | None = None
        self._partitions: Partitions | None = None
        self._merge: Merge | None = None
        self._fetching: Fetching | None = None
        self._woken = False
        self._last = 0
        self._last_at_s = float("-inf")

    def notifications(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """At most `limit` events that follow number `after`, in order; none, if none is there just now."""
        with self._lock, self._own_errors():
            merge = self._merge_at(after)
            began_s = monotonic()
            while not merge.ready and not merge.read_since(began_s):
                if monotonic() > began_s + ANSWER_S_MAX:
                    raise ClusterError(f"event {after + 1} cannot be read yet")
                self._advance(merge, began_s + ANSWER_S_MAX, wait=False)
            taken = merge.take(limit)
            self._read_ahead(merge)
            return taken

    def last_notification(self) -> int:
        """The number of the newest event, as of about a second ago."""
        if self._lock.acquire(blocking=False):
            try:
                with self._own_errors():
                    self._refresh_last()
            finally:
                self._lock.release()
        return self._last

    def wait(self, timeout_s: float) -> None:
        """Return when there may be something new, when woken, or after `timeout_s`."""
        with self._lock, self._own_errors():
            deadline = monotonic() + timeout_s
            while self._merge is not None and not self._merge.ready and not self._woken:
                if monotonic() >= deadline:
                    break
                self._advance(self._merge, deadline, wait=True)
            self._woken = False

    def wake(self) -> None:
        """End a wait, or the next one. From any thread."""
        self._woken = True
        wire = self._wire
        if wire is not None:
            wire.wake()

    def close(self) -> None:
        """Let the cluster go."""
        self.wake()
        with self._lock:
            self._disconnect()

    # --- where the reader is ------------------------------------------------------------------------

    def _merge_at(self, after: int) -> Merge:
        """What waits for a reader who is there: what we have, if that is where we are."""
        if self._merge is None or self._merge.position != after:
            self._fetching = None
            partitions = self._connected()
            spans = partitions.spans(self._topics)
            offsets = {
                topic: self._offset_after(partitions, topic, span, after) for topic, span in spans.items()
            }
            self._merge = Merge(after, offsets, self._events_max, self._bytes_max)
            self._last_at_s = float("-inf")
            self._refresh_last()
        return self._merge

    @staticmethod
    def _offset_after(partitions: Partitions, topic: str, span: Span, after: int) -> int:
        """Where the events begin whose numbers are higher than `after`, found by halves."""
        low, high = span
        while after and low < high:
            middle = (low + high) // 2
            record = partitions.first(topic, middle, Span(span.start, high))
            if record is None or codec.sequence_of(record[1]) > after:
                high = middle
            else:
                low = record[0] + 1
        return low

    # --- reading on ---------------------------------------------------------------------------------

    def _advance(self, merge: Merge, deadline: float, *, wait: bool) -> None:
        """Have one more answer, if it comes in time; ask, if nothing is under way."""
        if self._fetching is None:
            self._ask(merge, wait=wait)
        fetching = self._fetching
        if fetching is None:
            return
        wire = self._wire
        assert wire is not None
        while not fetching.answered and monotonic() < deadline:
            wire.poll(deadline - monotonic())
            if wait and self._woken:
                return
        if fetching.answered:
            self._accept(merge, fetching)

    def _ask(self, merge: Merge, *, wait: bool) -> None:
        hungry = merge.hungry()
        if not hungry:
            return
        wait_s = GAP_WAIT_S if not merge.empty else FETCH_WAIT_S if wait else 0.0
        offsets = {lane.topic: lane.offset for lane in hungry}
        self._fetching = self._connected().begin_fetch(offsets, FETCH_BYTES_MAX, wait_s)

    def _accept(self, merge: Merge, fetching: Fetching) -> None:
        self._fetching = None
        for topic, page in self._connected().collect(fetching).items():
            lane = merge.lanes[topic]
            merge.put(lane, (data for _, data in page.records))
            lane.offset = page.next_offset
            if page.next_offset >= page.end:
                lane.read_at_s = fetching.at_s
            if page.next_offset >= page.high:
                lane.ended_at_s = fetching.at_s
        self._last = max(self._last, merge.newest)
        if merge.empty and merge.read_since(fetching.at_s):
            self._last_at_s = monotonic()
        merge.look_for_gap(self._gap_patience_s)

    def _read_ahead(self, merge: Merge) -> None:
        """Ask for more before it is needed: the answer comes while the reader works."""
        if self._fetching is None and self._last > merge.newest:
            self._refresh_last()
            self._ask(merge, wait=False)
            if self._wire is not None:
                self._wire.poll(0)
                self._wire.poll(0)  # the first makes it ready, the second sends it

    def _refresh_last(self) -> None:
        if monotonic() > self._last_at_s + LAST_S:
            self._last = max(self._last, newest(self._connected(), self._topics))
            self._last_at_s = monotonic()

    # --- the cluster --------------------------------------------------------------------------------

    def _connected(self) -> Partitions:
        if self._partitions is None:
            self._wire = Wire(self._client, self._topics, f"topic-log-{self._shard}")
            self._partitions = Partitions(self._wire, self._shard)
        return self._partitions

    def _disconnect(self) -> None:
        self._fetching = self._partitions = None
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        """Where the cluster fails, begin anew with the next call: what waits here is still good."""
        try:
            yield
        except ClusterError as error:
            self._disconnect()
            raise SourceUnavailable(str(error)) from error
