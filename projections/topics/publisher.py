"""Publishing single records so that it is certain, or known not to be.

kafka-python's producer, once a record was not acknowledged in time, may keep the next ones for ever. So every
record has a deadline of our own here, and a producer that failed one is replaced.
"""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from schemas.letters import Headers
from schemas.topics import COMPRESSION

log = structlog.get_logger()

WITHIN_S = 10.0
LOOK_EVERY_S = 0.25
GRACE_S = 1.0
"""How much later than the client we give a record up."""
RETRY_S = 1.0
RECORD_BYTES_MAX = 4 * 1024 * 1024
FLUSH_TIMEOUT_S = 0.1


class Parcel(NamedTuple):
    """A record to be published."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: Headers


class NotAcknowledged(Exception):
    """The broker did not say that it has the record. It may have it all the same, or get it yet."""


class NotSent(NotAcknowledged):
    """The record never left this process, and never will."""


class Publisher:
    """One idempotent producer at a time; `acks=all`. Any thread may publish; none waits for the broker."""

    def __init__(self, client: Mapping[str, Any], within_s: float = WITHIN_S) -> None:
        """`within_s`: after how long without an acknowledgement a record is given up."""
        self._settings = {
            **client,
            "acks": "all",
            "enable_idempotence": True,
            "compression_type": COMPRESSION,
            "max_request_size": RECORD_BYTES_MAX,
            "max_block_ms": int(within_s * 1_000),
            "bootstrap_timeout_ms": int(within_s * 1_000),
            "request_timeout_ms": int(within_s * 500),
            "delivery_timeout_ms": int(within_s * 1_000),
            "metrics_enabled": False,
            "allow_auto_create_topics": False,
        }
        self._within_s = within_s
        self._topics: tuple[str, ...] = ()
        self._producer: Any = None
        self._retired: list[tuple[float, Any]] = []
        self._retiring = threading.Lock()
        self._under_way: dict[Future[int], float] = {}
        self._stopping = threading.Event()
        self._watch = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self, *topics: str) -> list[int]:
        """Connect, and learn where `topics` are; how many partitions each has.

        Raises:
            NotSent: the broker does not answer, or a topic is not there.
        """
        self._topics = topics
        try:
            self._producer = KafkaProducer(**self._settings)
            counts = [len(self._producer.partitions_for(topic)) for topic in topics]
        except KafkaError as error:
            self.close()
            raise NotSent(f"{error!r}") from error
        self._watch.start()
        return counts

    @property
    def under_way(self) -> int:
        """How many records the broker has not acknowledged yet."""
        return len(self._under_way)

    def publish(self, parcel: Parcel) -> "Future[int]":
        """Send `parcel` on its way; the future is its offset, or fails with `NotAcknowledged`.

        Raises:
            NotSent: there is no connection just now, or no such partition.
        """
        producer = self._producer
        if producer is None:
            raise NotSent("there is no connection just now")
        acknowledged: Future[int] = Future()
        self._under_way[acknowledged] = time.monotonic() + self._within_s + GRACE_S
        try:
            topic, partition, key, value, headers = parcel
            sent = producer.send(topic, value, key, list(headers), partition)
        except (KafkaError, ValueError) as error:
            del self._under_way[acknowledged]
            raise NotSent(f"{error!r}") from error
        sent.add_callback(partial(self._acknowledged, acknowledged))
        sent.add_errback(partial(self._failed, acknowledged, producer))
        return acknowledged

    def close(self) -> None:
        """Wait for what is under way, for as long as it may take, and let go."""
        until = time.monotonic() + self._within_s
        while self._under_way and time.monotonic() < until:
            time.sleep(0.01)
        self._stopping.set()
        if self._watch.ident is not None:
            self._watch.join()
        self._give_up(float("inf"))
        producer, self._producer = self._producer, None
        for one in [*(old for _, old in self._retired), *([] if producer is None else [producer])]:
            _end(one)

    def _acknowledged(self, acknowledged: "Future[int]", metadata: Any) -> None:
        if self._under_way.pop(acknowledged, None) is not None:
            acknowledged.set_result(metadata.offset)

    def _failed(self, acknowledged: "Future[int]", producer: Any, error: BaseException) -> None:
        if not isinstance(
            error, MessageSizeTooLargeError | RecordListTooLargeError
        ):  # those are the record's fault
            self._retire(producer)
        if self._under_way.pop(acknowledged, None) is not None:
            acknowledged.set_exception(NotAcknowledged(f"{error!r}"))

    # --- watching --------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            now = time.monotonic()
            if self._give_up(now) and self._producer is not None:
                self._retire(self._producer)
            with self._retiring:
                due = [old for old in self._retired if old[0] < now]
                self._retired = [old for old in self._retired if old[0] >= now]
            for _, producer in due:
                _end(producer)
            if self._producer is None:
                self._connect_again()

    def _give_up(self, now: float) -> bool:
        late = [future for future, deadline in list(self._under_way.items()) if deadline < now]
        for future in late:
            if self._under_way.pop(future, None) is not None:
                future.set_exception(NotAcknowledged("the broker was silent"))
        return bool(late)

    def _retire(self, producer: Any) -> None:
        """Use it no more, and end it once all that it has under way is acknowledged or given up."""
        with self._retiring:
            if producer is self._producer:
                self._producer = None
                self._retired.append((time.monotonic() + self._within_s + GRACE_S, producer))

    def _connect_again(self) -> None:
        try:
            producer = KafkaProducer(**self._settings)
            for topic in self._topics:
                producer.partitions_for(topic)
        except KafkaError as error:
            log.warning("broker_away", error=type(error).__name__)
            self._stopping.wait(RETRY_S)
        else:
            self._producer = producer


def _end(producer: Any) -> None:
    """Close it, whatever it still holds."""
    try:
        producer.close(FLUSH_TIMEOUT_S)
    except KafkaError:  # it did not get rid of all, and left its thread running
        producer._sender.force_close()
