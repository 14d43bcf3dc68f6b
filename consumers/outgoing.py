"""What workers send on: commands to the shard where they belong, and dead letters. Never unsure."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError

from schemas.letters import Headers

log = structlog.get_logger()

REQUEST_TIMEOUT_S = 5
ACKNOWLEDGED_WITHIN_S = 10
RECORD_BYTES_MAX = 4 * 1024 * 1024  # a letter holds a whole record, and says what is wrong with it

_SURE: Mapping[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    "compression_type": "lz4",
    "max_request_size": RECORD_BYTES_MAX,
    "max_block_ms": ACKNOWLEDGED_WITHIN_S * 1_000,
    "request_timeout_ms": REQUEST_TIMEOUT_S * 1_000,
    "delivery_timeout_ms": ACKNOWLEDGED_WITHIN_S * 1_000,
}


class NotAcknowledged(Exception):
    """The broker did not say that it has them all. Some may be there."""


class Parcel(NamedTuple):
    """A record to be sent."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: Headers


class Outgoing:
    """One producer for all shards of a process, made when it is first needed. Any thread may send."""

    def __init__(self, client: Mapping[str, Any]) -> None:
        self._client = client
        self._producer: Any = None
        self._making = threading.Lock()

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Send `parcels`, those of one partition in order. When this returns, the broker has them all.

        Raises:
            NotAcknowledged: it may not; send them all again.
        """
        if not parcels:
            return
        producer = self._made()
        try:
            sent = [producer.send(p.topic, p.value, p.key, list(p.headers), p.partition) for p in parcels]
            for one in sent:
                one.get(ACKNOWLEDGED_WITHIN_S + 1)
        except (KafkaError, ValueError) as error:  # a topic without that partition is a ValueError
            self._discard(producer)
            raise NotAcknowledged(f"{len(parcels)} records: {error!r}") from error

    def close(self) -> None:
        """Let the connection go."""
        with self._making:
            producer = self._producer
            self._producer = None
        if producer is not None:
            producer.close(ACKNOWLEDGED_WITHIN_S)

    def _made(self) -> Any:
        with self._making:
            if self._producer is None:
                try:
                    self._producer = KafkaProducer(**self._client, **_SURE)
                except KafkaError as error:
                    raise NotAcknowledged(f"no broker: {error!r}") from error
            return self._producer

    def _discard(self, producer: Any) -> None:
        """After a failure its numbering may have holes: the next one begins anew."""
        with self._making:
            if producer is not self._producer:
                return
            self._producer = None
        producer.close(0)
