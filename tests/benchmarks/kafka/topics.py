"""The topics of one run: commands go in as one transaction, and what comes out is read and counted.

Both by librdkafka, which is quick enough to be in nobody's way: about a microsecond a record.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from uuid import uuid4

import confluent_kafka
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from tests.benchmarks.kafka.load import Wanted

INPUT = "commands"
OUTPUTS = ("messages", "credits", "receipts")  # a send makes one record in each
PATIENCE_S = 120.0
AT_ONCE = 10_000
LOG_ERRORS = 3  # not that a new coordinator is being waited for


class Stuck(Exception):
    """What was expected did not come."""


def create(bootstrap: str, prefix: str, partitions: int) -> None:
    """The topics that a peer needs. Sayso makes its own."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(prefix + name, partitions, 1) for name in (INPUT, *OUTPUTS)])
    admin.close()


def load(bootstrap: str, prefix: str, wanted: Sequence[Wanted]) -> float:
    """Put commands on their topic; all can be read from the moment that is returned (perf_counter) on."""
    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": bootstrap,
            "transactional.id": f"load-{uuid4().hex}",
            "log_level": LOG_ERRORS,
            "queue.buffering.max.messages": 0,  # as many as there are
            "linger.ms": 5,
            "batch.size": 262_144,
        }
    )
    producer.init_transactions()
    producer.begin_transaction()
    for one in wanted:
        producer.produce(prefix + INPUT, one.value, one.key, one.partition)
    producer.commit_transaction()
    return time.perf_counter()


class Reader:
    """An independent, read_committed reader of what a system publishes."""

    def __init__(self, bootstrap: str, prefix: str, partitions: int) -> None:
        self._prefix = prefix
        self.counts: Counter[str] = Counter()
        self._client = confluent_kafka.Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"reader-{uuid4().hex}",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 100,
                "queued.max.messages.kbytes": 262_144,
            }
        )
        self._client.assign(
            [
                confluent_kafka.TopicPartition(prefix + name, partition, 0)
                for name in OUTPUTS
                for partition in range(partitions)
            ]
        )

    def read(self, timeout_s: float = 0.05) -> list[confluent_kafka.Message]:
        """What has come, counted; after at most `timeout_s`, which is also how long it waits for more."""
        return self._counted(self._client.consume(AT_ONCE, timeout_s))

    def read_now(self, timeout_s: float = 0.05) -> list[confluent_kafka.Message]:
        """The same, as soon as anything comes."""
        first = self._client.poll(timeout_s)
        return [] if first is None else self._counted([first, *self._client.consume(AT_ONCE, 0)])

    def _counted(self, found: list[confluent_kafka.Message]) -> list[confluent_kafka.Message]:
        for message in found:
            error = message.error()
            if error is not None:
                raise Stuck(str(error))
        self.counts.update(str(message.topic()).removeprefix(self._prefix) for message in found)
        return found

    def read_until(self, expected: dict[str, int], meanwhile: Callable[[], None] = lambda: None) -> float:
        """Count until each topic has at least that many records; the moment of the last (perf_counter).

        Raises:
            Stuck: nothing came for a long time.
        """
        last_s = time.perf_counter()
        while any(self.counts[topic] < number for topic, number in expected.items()):
            if self.read():
                last_s = time.perf_counter()
            elif time.perf_counter() - last_s > PATIENCE_S:
                raise Stuck(f"expected {expected}, found {dict(self.counts)}")
            meanwhile()
        return last_s

    def close(self) -> None:
        self._client.close()
