"""Reading the dead letters on the cluster, and sending one again."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from schemas import records
from schemas.letters import Letter, letter_of
from schemas.partitions import shard_of

READ_TIMEOUT_MS = 5_000
SEND_TIMEOUT_S = 30.0


def letters(client: Mapping[str, Any], topic: str) -> Iterator[Letter]:
    """Every letter on `topic` by now, partition by partition; one that was written twice comes once.

    Raises:
        kafka.errors.KafkaError: the cluster cannot be reached.
        ValueError: something else is on the topic.
    """
    options = {"enable_auto_commit": False, "isolation_level": "read_committed", "group_id": None}
    with closing(KafkaConsumer(**client, **options)) as consumer:
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        ends = consumer.end_offsets(places)
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        seen = set[str]()
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(READ_TIMEOUT_MS).values():
                for record in records:
                    letter = letter_of(record.key, record.value, record.headers)
                    if letter.origin not in seen:
                        seen.add(letter.origin)
                        yield letter


def replay(client: Mapping[str, Any], commands_topic: str, partitions: int, letter: Letter) -> None:
    """Put the letter's record on the commands topic again, as it was; when this returns, it is there.

    Raises:
        kafka.errors.KafkaError: it could not be put there.
    """
    headers = [(name, value) for name, value in letter.headers if name != records.FORWARDED]
    partition = None if letter.account is None else shard_of(letter.account, partitions)
    with closing(KafkaProducer(**client, acks="all", enable_idempotence=True)) as producer:
        sent = producer.send(commands_topic, letter.value, letter.key, headers, partition)
        sent.get(SEND_TIMEOUT_S)
