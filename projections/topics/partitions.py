"""One shard's partition of several topics, read as far as it is committed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, NamedTuple

from kafka.future import Future
from kafka.protocol.consumer import FetchRequest, ListOffsetsRequest

from projections.topics.batches import CorruptBatch, Record, committed
from projections.topics.wire import REQUEST_TIMEOUT_S, ClusterError, Node, Wire, check

READ_UNCOMMITTED, READ_COMMITTED = 0, 1
EARLIEST, LATEST = -2, -1
LIST_OFFSETS_VERSION_MIN = 2  # the first that knows what is committed
FETCH_VERSION_MIN, FETCH_VERSION_MAX = 4, 12  # from 13 on topics go by ids
ANSWER_BYTES_MAX = 8 * 1024 * 1024
OPENED_BYTES_MAX = 512 * 1024
"""Of one topic in one answer, give or take a batch."""
PEEK_BYTES = 64 * 1024
TAIL_RECORDS = 32


class Span(NamedTuple):
    """From where to where a partition can be read: its first offset, and the one after the last decided."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Page:
    """What a partition answered to one fetch."""

    records: Sequence[Record]
    next_offset: int
    end: int
    """After the last offset that is decided."""
    high: int
    """After the last offset that is written. Beyond `end`, transactions are still open."""


@dataclass(frozen=True, slots=True)
class Fetching:
    """A fetch under way: what each broker was asked, and from where."""

    sent: Sequence[Future]
    offsets: Mapping[str, int]
    at_s: float

    @property
    def answered(self) -> bool:
        """Whether every broker has answered."""
        return all(future.is_done for future in self.sent)


class Partitions:
    """The same partition of several topics. Bound to a thread as its wire is; raises `ClusterError`."""

    def __init__(self, wire: Wire, number: int) -> None:
        self._wire = wire
        self.number = number

    def spans(self, topics: Iterable[str]) -> dict[str, Span]:
        """From where to where each of `topics` can be read just now."""
        names = list(topics)
        asked = [(name, when) for name in names for when in (EARLIEST, LATEST)]
        requests = [(self._leader(name), self._list_offsets(name, when)) for name, when in asked]
        offsets = []
        for (name, _), answer in zip(asked, self._wire.ask_all(requests), strict=True):
            found = answer.topics[0].partitions[0]
            check(found.error_code, f"the ends of {name}")
            offsets.append(found.offset)
        pairs = zip(offsets[::2], offsets[1::2], strict=True)
        return {name: Span(*pair) for name, pair in zip(names, pairs, strict=True)}

    def undecided(self, spans: Mapping[str, Span]) -> dict[str, Span]:
        """From where to where each of these topics holds what was written and not decided: those that do.

        `spans`: where they can be read, as was found before.
        """
        requests = [
            (self._leader(name), self._list_offsets(name, LATEST, READ_UNCOMMITTED)) for name in spans
        ]
        found = {}
        for (name, span), answer in zip(spans.items(), self._wire.ask_all(requests), strict=True):
            end = answer.topics[0].partitions[0]
            check(end.error_code, f"the end of {name}")
            if end.offset > span.end:
                found[name] = Span(span.end, end.offset)
        return found

    def high(self, topic: str, within_s: float) -> int:
        """The offset after the last record that is written, decided or not; asked for `within_s` seconds."""
        sent = self._wire.send(self._leader(topic), self._list_offsets(topic, LATEST, READ_UNCOMMITTED))
        (answer,) = self._wire.collect([sent], monotonic() + within_s)
        found = answer.topics[0].partitions[0]
        check(found.error_code, f"the end of {topic}")
        return int(found.offset)

    def fetch(self, offsets: Mapping[str, int], bytes_max: int = PEEK_BYTES) -> dict[str, Page]:
        """What each topic holds from its offset on: a batch at least, and about `bytes_max` at most."""
        return self.collect(self.begin_fetch(offsets, bytes_max, 0))

    def begin_fetch(
        self, offsets: Mapping[str, int], bytes_max: int, wait_s: float, isolation: int = READ_COMMITTED
    ) -> Fetching:
        """Ask for what each topic holds from its offset on; a broker that has nothing waits for something."""
        by_leader: dict[Node, dict[str, int]] = {}
        for topic, offset in offsets.items():
            by_leader.setdefault(self._leader(topic), {})[topic] = offset
        sent = [
            self._wire.send(leader, self._fetch(wanted, bytes_max, wait_s, isolation))
            for leader, wanted in by_leader.items()
        ]
        return Fetching(sent, dict(offsets), monotonic())

    def collect(self, fetching: Fetching) -> dict[str, Page]:
        """What came of it, waiting as long as need be."""
        pages = {}
        for answer in self._wire.collect(fetching.sent, monotonic() + REQUEST_TIMEOUT_S):
            check(answer.error_code or 0, "reading the topics")
            for topic in answer.responses:
                for found in topic.partitions:
                    check(found.error_code, f"reading {topic.topic}")
                    pages[topic.topic] = _page(found, fetching.offsets[topic.topic])
        return pages

    def last(self, topic: str, span: Span) -> bytes | None:
        """The value of the newest committed record; None if there is none."""
        records = self.tail(topic, span, lambda _: True)
        return records[-1][1] if records else None

    def tail(self, topic: str, span: Span, enough: Callable[[bytes], bool]) -> list[Record]:
        """The newest committed records, so many that the first of them is `enough`, or all there are."""
        back = TAIL_RECORDS
        while True:
            begin = max(span.start, span.end - back)
            records = [record for page in self._pages(topic, begin, span.end) for record in page.records]
            if begin == span.start or (records and enough(records[0][1])):
                return records
            back *= 8  # markers, and what was written in vain

    def first(self, topic: str, offset: int, span: Span) -> Record | None:
        """The first committed record from `offset` on; None if there is none."""
        for page in self._pages(topic, offset, span.end):
            if page.records:
                return page.records[0]
        return None

    def all(self, topic: str, span: Span) -> list[Record]:
        """Every record of `span`, whether it is decided or not."""
        pages = self._pages(topic, span.start, span.end, READ_UNCOMMITTED)
        return [record for page in pages for record in page.records]

    def _pages(self, topic: str, begin: int, end: int, isolation: int = READ_COMMITTED) -> Iterable[Page]:
        while begin < end:
            page = self.collect(self.begin_fetch({topic: begin}, PEEK_BYTES, 0, isolation))[topic]
            if page.next_offset <= begin:
                raise ClusterError(f"{topic} ends at {begin}, not at {end}")
            yield page
            begin = page.next_offset

    def _leader(self, topic: str) -> Node:
        return self._wire.leader(topic, self.number)

    def _list_offsets(self, topic: str, when: int, isolation: int = READ_COMMITTED) -> Any:
        kind = ListOffsetsRequest.ListOffsetsTopic
        partition = kind.ListOffsetsPartition(
            partition_index=self.number, current_leader_epoch=-1, timestamp=when
        )
        return ListOffsetsRequest(
            replica_id=-1,
            isolation_level=isolation,
            topics=[kind(name=topic, partitions=[partition])],
            min_version=LIST_OFFSETS_VERSION_MIN,
        )

    def _fetch(self, offsets: Mapping[str, int], bytes_max: int, wait_s: float, isolation: int) -> Any:
        kind = FetchRequest.FetchTopic
        topics = [
            kind(
                topic=topic,
                partitions=[
                    kind.FetchPartition(
                        partition=self.number,
                        current_leader_epoch=-1,
                        fetch_offset=offset,
                        last_fetched_epoch=-1,
                        partition_max_bytes=bytes_max,
                    )
                ],
            )
            for topic, offset in offsets.items()
        ]
        return FetchRequest(
            max_wait_ms=int(wait_s * 1_000),
            min_bytes=1,
            max_bytes=ANSWER_BYTES_MAX,
            isolation_level=isolation,
            session_id=0,
            session_epoch=-1,
            topics=topics,
            forgotten_topics_data=[],
            rack_id="",
            min_version=FETCH_VERSION_MIN,
            max_version=FETCH_VERSION_MAX,
        )


def _page(found: Any, offset: int) -> Page:
    aborted = [(one.producer_id, one.first_offset) for one in found.aborted_transactions or ()]
    try:
        opened = committed(bytes(found.records or b""), aborted, offset, OPENED_BYTES_MAX)
    except CorruptBatch as error:
        raise ClusterError(str(error)) from error
    return Page(opened.records, opened.next_offset, found.last_stable_offset, found.high_watermark)
