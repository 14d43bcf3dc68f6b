"""Receipts as they appear on their topic, for whoever waits for one in this process."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition

from schemas import codec
from schemas.codec import Unreadable
from schemas.events import CommandAccepted, CommandRefused
from schemas.receipts import Answer

log = structlog.get_logger()

RECENT_MAX = 20_000  # about 1 kB each
POLL_MS = 100
RETRY_S = 1.0
START_TIMEOUT_S = 60.0


class ReceiptsFeed:
    """Reads every partition of the receipts topic from where it ends at the start, and belongs to no group.

    `seen` is called in a thread of its own with each receipt's stream; whether anybody asks for the receipt
    itself is the listener's affair, since most are for others.
    """

    def __init__(
        self,
        client: Mapping[str, Any],
        topic: str,
        seen: Callable[[str], None],
        idle: Callable[[], None] = lambda: None,
    ) -> None:
        """`idle`: called in the same thread, several times a second; must be quick."""
        self._client = client
        self._topic = topic
        self._seen = seen
        self._idle = idle
        self._recent: OrderedDict[str, bytes] = OrderedDict()
        self._places: dict[TopicPartition, int] = {}
        self._following = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receipts", daemon=True)

    @property
    def following(self) -> bool:
        """Whether receipts are being read."""
        return self._following.is_set() and self._thread.is_alive()

    def start(self) -> None:
        """Begin; when this returns, no later receipt is missed.

        Raises:
            TimeoutError: the broker does not answer.
        """
        self._thread.start()
        if not self._following.wait(START_TIMEOUT_S):
            self.close()
            raise TimeoutError(f"{self._topic} cannot be read")

    def close(self) -> None:
        """Let go."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def recent(self, stream: str) -> Answer | None:
        """The receipt in `stream`, if it came lately."""
        data = self._recent.get(stream)
        return None if data is None else _answer(data)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except Exception:  # whoever waits is answered from the view meanwhile
                log.exception("receipts_not_read", topic=self._topic)
                self._following.clear()
                self._stopping.wait(RETRY_S)

    def _follow(self) -> None:
        consumer = KafkaConsumer(
            **self._client,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        try:
            self._begin(consumer)
            self._following.set()
            while not self._stopping.is_set():
                for place, records in consumer.poll(POLL_MS).items():
                    for record in records:
                        self._take(record.value)
                    self._places[place] = records[-1].offset + 1
                self._idle()
        finally:
            consumer.close(autocommit=False, timeout_ms=POLL_MS)

    def _begin(self, consumer: KafkaConsumer) -> None:
        """At the end; after a failure, where it stood."""
        partitions = consumer.partitions_for_topic(self._topic)
        if not partitions:
            raise LookupError(f"no topic {self._topic}")
        places = [TopicPartition(self._topic, number) for number in sorted(partitions)]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        for place in places:
            self._places.setdefault(place, ends[place])
            consumer.seek(place, self._places[place])

    def _take(self, data: bytes | None) -> None:
        try:
            stream = codec.peek(data or b"").stream
        except Unreadable:
            log.exception("receipt_unreadable", topic=self._topic)
            return
        assert data is not None
        self._recent[stream] = data
        if len(self._recent) > RECENT_MAX:
            self._recent.popitem(last=False)
        self._seen(stream)


class _NoKeys:
    """Receipts hold nothing personal."""

    def cipher(self, stream: str) -> None:  # noqa: ARG002  # as `Keys` asks for it
        return None


def _answer(data: bytes) -> Answer | None:
    recorded = codec.decode(data, _NoKeys())
    receipt = recorded.event
    return (
        Answer(receipt, recorded.context) if isinstance(receipt, CommandAccepted | CommandRefused) else None
    )
