"""Topics of a test's own on the shared broker, events to fill them with, and another client to read them."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from deploy.local.broker import Broker
from schemas.codec import peek
from schemas.events import CandidateFollowed, CommandAccepted, SegmentsDebited, TextReceived
from schemas.topics import Topic
from tests.projections.history import History, conversation

EVENT_TOPICS: list[Topic] = [topic for topic in Topic if topic not in (Topic.COMMANDS, Topic.DEAD_LETTERS)]
NUMBER = "+14155550123"
SOON_S = 60.0

Topics = Mapping[Topic, str]


def client_of(broker: Broker) -> dict[str, Any]:
    return {"bootstrap_servers": broker.bootstrap}


def create_topics(broker: Broker, partitions: int = 2) -> Topics:
    """A topic for each kind of events, with names that no other test has."""
    prefix = f"{uuid4().hex[:8]}."
    topics: Topics = {topic: topic.value.replace("sayso.", prefix) for topic in EVENT_TOPICS}
    with closing(KafkaAdminClient(**client_of(broker))) as admin:
        admin.create_topics([NewTopic(name, partitions, 1) for name in topics.values()])
        admin.wait_for_topics([*topics.values()], timeout_ms=60_000)
    _until_led(broker, topics.values(), partitions)
    return topics


def _until_led(broker: Broker, topics: Iterable[str], partitions: int) -> None:
    """Return when the broker serves the new partitions, some moments after it said that they are there."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "nobody"})
    waiting = [TopicPartition(topic, number) for topic in topics for number in range(partitions)]
    deadline = monotonic() + SOON_S
    try:
        while waiting:
            try:
                consumer.get_watermark_offsets(waiting[-1], timeout=SOON_S)
                waiting.pop()
            except KafkaException:
                assert monotonic() < deadline
    finally:
        consumer.close()


def things_happen(history: History, times: int) -> History:
    """Three events for each of `times` commands, now in these topics and now in those."""
    for _ in range(times):
        number = history.commands
        text = UUID(int=number)
        events: list[Any] = [
            ("account", SegmentsDebited(text_id=text, segments=1, balance=number)),
            (f"receipt-{number}", CommandAccepted(command_type="t", fingerprint="f")),
        ]
        if number % 3:
            events.insert(
                0, (conversation(NUMBER), TextReceived(sid=f"SM{number}", body="Hello" * (number % 40)))
            )
        else:
            events.append((f"candidate-{number}", CandidateFollowed(candidate=f"c{number}", member="ada")))
        history.decided(events)
    return history


def on_the_topics(broker: Broker, topics: Topics, partition: int) -> dict[str, list[bytes]]:
    """Everything that is committed, topic by topic, as librdkafka reads it."""
    found: dict[str, list[bytes]] = {name: [] for name in topics.values()}
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
        consumer.assign([TopicPartition(name, partition, OFFSET_BEGINNING) for name in found])
        ended = set[str]()
        while len(ended) < len(found):
            message = consumer.poll(SOON_S)
            assert message is not None, "the topics do not end"
            error = message.error()
            topic, value = message.topic(), message.value()
            assert topic is not None
            if error is None:
                assert value is not None
                found[topic].append(value)
            elif error.code() == KafkaError._PARTITION_EOF:
                ended.add(topic)
            else:
                raise AssertionError(error)
    finally:
        consumer.close()
    return found


def published(broker: Broker, topics: Topics, partition: int = 0) -> list[bytes]:
    """Everything that is committed, in the order of its numbers; each topic was in that order by itself."""
    found = on_the_topics(broker, topics, partition)
    for events in found.values():
        numbers = numbers_of(events)
        assert numbers == sorted(numbers)
    return sorted(
        (data for events in found.values() for data in events), key=lambda data: peek(data).sequence
    )


def numbers_of(events: Iterable[bytes]) -> list[int]:
    return [peek(data).sequence for data in events]
