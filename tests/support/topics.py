"""Topics of a test's own on the broker that all tests share."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from uuid import uuid4

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from deploy.local.broker import Broker
from schemas.letters import Headers
from schemas.topics import Topic

STANDARD_PREFIX = "sayso."
SETTINGS = {Topic.DEAD_LETTERS: {"max.message.bytes": str(2 * (1024 * 1024 + 12))}}
"""A letter is larger than the record in it."""


def fresh_prefix() -> str:
    """What no other test's topics and groups begin with."""
    return f"t{uuid4().hex[:12]}."


def named(prefix: str) -> Mapping[Topic, str]:
    """The names of all topics where ours begin with `prefix`."""
    return {topic: prefix + topic.value.removeprefix(STANDARD_PREFIX) for topic in Topic}


def made(broker: Broker, prefix: str, partitions: int) -> Mapping[Topic, str]:
    """Every topic, made with names that begin with `prefix`; their names."""
    names = named(prefix)
    with closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap)) as admin:
        admin.create_topics(
            [
                NewTopic(name, partitions, 1, topic_configs=SETTINGS.get(topic))
                for topic, name in names.items()
            ]
        )
        admin.wait_for_topics([*names.values()], timeout_ms=60_000)
    return names


def sent(
    broker: Broker, records: Iterable[tuple[str, int | None, bytes | None, bytes | None, Headers]]
) -> None:
    """Publish records (topic, partition, key, value, headers); when this returns, they are there."""
    with KafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=5) as producer:
        sending = [
            producer.send(topic, value, key, list(headers), partition)
            for topic, partition, key, value, headers in records
        ]
        for one in sending:
            one.get(60)


def read_all(broker: Broker, topic: str) -> list[Message]:
    """Everything that is committed on `topic`, partition by partition, as librdkafka reads it."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": "nobody",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
        }
    )
    try:
        partitions = consumer.list_topics(topic, 60).topics[topic].partitions
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
        found, ended = list[Message](), set[int]()
        while len(ended) < len(partitions):
            message = consumer.poll(60)
            assert message is not None, "the topic does not end"
            error = message.error()
            if error is None:
                found.append(message)
            else:
                assert error.code() == KafkaError._PARTITION_EOF, error
                ended.add(message.partition() or 0)
    finally:
        consumer.close()
    return sorted(found, key=lambda message: (message.partition(), message.offset()))
