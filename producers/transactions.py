"""Kafka transactions of one producer: records of several topics that appear together or not at all.

    Fenced          another producer has our transactional id, or the coordinator gave our transaction up
    ClusterError    anything else; whether the transaction took effect is unknown

Nothing is ever repeated after either: the end of a transaction that was sent twice could end the next one,
which is the fault behind KAFKA-17754. Close the wire, open another, `begin` anew (that fences whatever of
ours is still under way, and ends what it left open), and look at the topics' tails.

Source: Apache Kafka, "Kafka Protocol" and KIP-98. The versions of the messages are those before KIP-890's
second part: it has brokers wait 20 ms where we can wait one.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from random import uniform
from time import monotonic
from typing import Any

from kafka.errors import (
    ConcurrentTransactionsError,
    InvalidProducerEpochError,
    ProducerFencedError,
    for_code,
)
from kafka.protocol.producer import (
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    InitProducerIdRequest,
    ProduceRequest,
)

from producers.record_batches import Producer, encode
from projections.topics.wire import REQUEST_TIMEOUT_S, ClusterError, Node, Wire, check

TRANSACTION_TIMEOUT_S = 60.0
"""When the coordinator gives a transaction up. Each of its few requests is given up long before."""
BEGIN_TIMEOUT_S = 30.0
RETRY_S_FIRST, RETRY_S_MAX = 0.001, 0.02
BATCH_BYTES_MAX = 512 * 1024
"""Of the records in a batch; a broker takes twice as much by default (`message.max.bytes`)."""
SEQUENCES = 2**31
ALL_IN_SYNC = -1
PRODUCE_VERSION_MIN, PRODUCE_VERSION_MAX = 3, 11
ADD_PARTITIONS_VERSION_MAX = 3
END_VERSION_MAX = 3
INIT_VERSION_MAX = 4
_FENCED = (ProducerFencedError.errno, InvalidProducerEpochError.errno)
_BUSY = ConcurrentTransactionsError.errno

Records = Sequence[tuple[bytes, bytes]]
"""Keys and values."""


class Fenced(Exception):
    """The cluster listens to another producer with our transactional id."""


class TransactionalProducer:
    """Writes to one partition of several topics, for one thread."""

    def __init__(self, wire: Wire, transactional_id: str, partition: int, *, compress: bool = True) -> None:
        self._wire = wire
        self._id = transactional_id
        self._partition = partition
        self._compress = compress
        self._coordinator: Any = None
        self._producer = Producer(-1, -1)
        self._sequences: dict[str, int] = {}

    def begin(self) -> None:
        """Become the one producer with our transactional id. What an earlier one left open is ended first.

        Raises:
            Fenced, ClusterError.
        """
        self._coordinator = self._wire.coordinator(self._id)
        request = InitProducerIdRequest(
            transactional_id=self._id,
            transaction_timeout_ms=int(TRANSACTION_TIMEOUT_S * 1_000),
            producer_id=-1,
            producer_epoch=-1,
            max_version=INIT_VERSION_MAX,
        )
        answer = self._ask_coordinator(request, lambda found: [found.error_code], BEGIN_TIMEOUT_S)
        self._producer = Producer(answer.producer_id, answer.producer_epoch)
        self._sequences.clear()

    def publish(self, batches: Mapping[str, Records], also: Collection[str] = ()) -> None:
        """Append `batches`, the records of each topic, in one transaction. When this returns, they count.

        They can be read some milliseconds later, when each partition knows of it. So can whatever an earlier
        producer of our id left undecided in these topics, or `also` in others: see `hanging`.

        Raises:
            Fenced, ClusterError.
        """
        self._add({*batches, *also})
        self._produce(batches)
        self._end()

    def _add(self, topics: Collection[str]) -> None:
        """Tell the coordinator what the transaction is about to write to."""
        kind = AddPartitionsToTxnRequest.AddPartitionsToTxnTopic
        request = AddPartitionsToTxnRequest(
            v3_and_below_transactional_id=self._id,
            v3_and_below_producer_id=self._producer.id,
            v3_and_below_producer_epoch=self._producer.epoch,
            v3_and_below_topics=[kind(name=topic, partitions=[self._partition]) for topic in topics],
            max_version=ADD_PARTITIONS_VERSION_MAX,
        )
        self._ask_coordinator(request, _added, REQUEST_TIMEOUT_S)

    def _produce(self, batches: Mapping[str, Records]) -> None:
        """Append; a broker takes one batch of a partition in each request, and the requests in order."""
        now_ms = time.time_ns() // 1_000_000
        rounds = zip_longest(*(self._encoded(topic, records, now_ms) for topic, records in batches.items()))
        requests = [request for found in rounds for request in self._requests(filter(None, found))]
        for answer in self._wire.ask_all(requests):
            for topic in answer.responses:
                for found in topic.partition_responses:
                    _require(found.error_code, "writing")

    def _encoded(self, topic: str, records: Records, now_ms: int) -> Iterator[tuple[str, bytes]]:
        """The batches of one topic."""
        for chunk in _chunks(records):
            sequence = self._sequences.get(topic, 0)
            self._sequences[topic] = (sequence + len(chunk)) % SEQUENCES
            yield topic, encode(chunk, self._producer, sequence, now_ms, compress=self._compress)

    def _requests(self, batches: Iterable[tuple[str, bytes]]) -> Iterator[tuple[Node, Any]]:
        """A request to each leader, with a batch of each of its topics."""
        kind = ProduceRequest.TopicProduceData
        by_leader: dict[Node, list[Any]] = {}
        for topic, batch in batches:
            partition = kind.PartitionProduceData(index=self._partition, records=batch)
            leader = self._wire.leader(topic, self._partition)
            by_leader.setdefault(leader, []).append(kind(name=topic, partition_data=[partition]))
        for leader, topics in by_leader.items():
            request = ProduceRequest(
                transactional_id=self._id,
                acks=ALL_IN_SYNC,
                timeout_ms=int(REQUEST_TIMEOUT_S * 1_000),
                topic_data=topics,
                min_version=PRODUCE_VERSION_MIN,
                max_version=PRODUCE_VERSION_MAX,
            )
            yield leader, request

    def _end(self) -> None:
        """Commit. Sent once: see above."""
        request = EndTxnRequest(
            transactional_id=self._id,
            producer_id=self._producer.id,
            producer_epoch=self._producer.epoch,
            committed=True,
            max_version=END_VERSION_MAX,
        )
        _require(self._wire.ask(self._coordinator, request).error_code, "ending the transaction")

    def _ask_coordinator(self, request: Any, codes: Any, timeout_s: float) -> Any:
        """The answer, once the transaction before is wholly ended: the coordinator does not wait for that."""
        deadline, retry_s = monotonic() + timeout_s, RETRY_S_FIRST
        while True:
            answer = self._wire.ask(self._coordinator, request)
            found = codes(answer)
            if _BUSY not in found:
                for code in found:
                    _require(code, "beginning a transaction")
                return answer
            if monotonic() > deadline:
                raise ClusterError("The transaction before does not end")
            time.sleep(retry_s * uniform(0.8, 1.2))  # noqa: S311  # no secret
            retry_s = min(2 * retry_s, RETRY_S_MAX)


def _added(answer: Any) -> list[int]:
    return [
        found.partition_error_code
        for topic in answer.results_by_topic_v3_and_below
        for found in topic.results_by_partition
    ]


def _require(code: int, what: str) -> None:
    if code in _FENCED:
        raise Fenced(f"{what}: {for_code(code).__name__}")
    check(code, what)


def _chunks(records: Records) -> list[Records]:
    """`records` in runs that a broker takes as one batch."""
    chunks, begin, size = [], 0, 0
    for place, (_, value) in enumerate(records):
        size += len(value)
        if size > BATCH_BYTES_MAX and place > begin:
            chunks.append(records[begin:place])
            begin, size = place, len(value)
    chunks.append(records[begin:])
    return chunks
