"""P1 on brokers: a text's last look comes after whatever the topic held when it was asked for."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from time import monotonic, sleep

import pytest
from confluent_kafka import Producer

from consumers import topic_first
from consumers.group import GroupMember
from consumers.inbox import Incoming
from consumers.outgoing import Outgoing
from consumers.partition_source import PartitionSource
from consumers.reading import Reader
from consumers.topic_first import TopicEnd, TopicFirst
from deploy.clock import utc_now
from deploy.local.broker import Broker
from schemas.commands import Command
from schemas.door import Busy, Unavailable
from schemas.receipts import Answer
from schemas.topics import Topic
from tests.consumers.serving import SEAL, Cluster
from tests.domain import people
from tests.domain.given import NUMBER
from tests.support.sayso import eventually
from tests.support.topics import sent

SHARD = 0
SOON_S = 60.0


class Fed:
    """A shard's source that the group feeds, and nobody works off but who polls it here."""

    def __init__(self, source: PartitionSource) -> None:
        self.source = source
        self.alive = True

    def close(self) -> None:
        self.source.close()


@contextmanager
def opened(
    cluster: Cluster, waits: Callable[[str], bool] = lambda _: False
) -> Iterator[tuple[PartitionSource, TopicFirst]]:
    """The source of one shard, and the dispatcher's door to it."""
    outgoing, topics = Outgoing(cluster.client), cluster.topics
    with (
        closing(outgoing),
        closing(TopicEnd(cluster.client, topics[Topic.COMMANDS], SHARD)) as end,
    ):
        reader = Reader(SHARD, cluster.partitions, SEAL)
        source = PartitionSource(reader, outgoing, topics[Topic.DEAD_LETTERS], 0, utc_now)
        yield source, TopicFirst(source, end, waits)


@contextmanager
def fed(cluster: Cluster, source: PartitionSource) -> Iterator[None]:
    """The group reads for it; other shards have sources of their own."""

    def open_shard(shard: int) -> Fed:
        if shard == SHARD:
            return Fed(source)
        reader = Reader(shard, cluster.partitions, SEAL)
        return Fed(PartitionSource(reader, source._outgoing, "nowhere", 0, utc_now))

    member = GroupMember(cluster.client, cluster.group, cluster.topics[Topic.COMMANDS], open_shard)
    member.start()
    try:
        yield
    finally:
        member.stop()


def put(pool: ThreadPoolExecutor, door: TopicFirst, command: Command) -> "Future[Future[Answer]]":
    return pool.submit(door.put, command)


def polled(source: PartitionSource, until_own: int) -> list[Incoming]:
    """What the source gives, until so many of the shard's own commands are among it."""
    found: list[Incoming] = []

    def enough() -> bool:
        found.extend(source.poll(100, 0.1))
        return sum(item.reply is not None for item in found) >= until_own

    eventually(enough, SOON_S)
    return found


def a_record(cluster: Cluster) -> tuple[str, int, bytes, bytes, list[tuple[str, bytes]]]:
    """A record on the shard's partition, of whatever kind."""
    return cluster.topics[Topic.COMMANDS], SHARD, b"anybody", b"{}", []


def test_a_last_look_comes_after_all_that_the_topic_held(cluster: Cluster, broker: Broker) -> None:
    with opened(cluster) as (source, door), ThreadPoolExecutor(2) as pool:
        sent(broker, [a_record(cluster)] * 5)
        asked = put(pool, door, people.start())
        sleep(0.3)
        assert not asked.done()
        assert source.inbox.waiting == 0
        with fed(cluster, source):
            polled(source, 1)
            asked.result(SOON_S)
            assert source.position == 5


def test_what_was_read_and_not_decided_comes_before_it(cluster: Cluster, broker: Broker) -> None:
    with opened(cluster) as (source, door), ThreadPoolExecutor(2) as pool:
        sent(broker, [a_record(cluster)] * 3)
        with fed(cluster, source):
            eventually(lambda: source.waiting == 3, SOON_S)
            asked = put(pool, door, people.start())
            door.put(people.follow()).cancel()  # what sends nothing waits for nobody
            sleep(0.2)
            assert not asked.done()
            found = polled(source, 1)
            assert found[-1].position == 3


def test_marks_of_transactions_at_the_end_are_nothing_to_wait_for(cluster: Cluster) -> None:
    topic = cluster.topics[Topic.COMMANDS]
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "transactional.id": cluster.prefix})
    producer.init_transactions(SOON_S)
    producer.begin_transaction()
    producer.produce(topic, b"{}", b"anybody", SHARD)
    with opened(cluster) as (source, door), ThreadPoolExecutor(1) as pool, fed(cluster, source):
        producer.flush(SOON_S)
        held = put(pool, door, people.start())
        sleep(0.3)
        assert not held.done()  # what stands behind an open transaction cannot be read
        producer.abort_transaction(SOON_S)
        held.result(SOON_S)
        assert len(polled(source, 1)) == 1
        assert source.position == 0


def test_what_came_while_it_waited_for_long_is_waited_for_as_well(cluster: Cluster, broker: Broker) -> None:
    with opened(cluster) as (source, door), ThreadPoolExecutor(1) as pool:
        sent(broker, [a_record(cluster)])
        asked = put(pool, door, people.start())
        sleep(2 * topic_first.OLD_AFTER_S)
        sent(broker, [a_record(cluster)])  # acknowledged before the shard has come to where the topic ended
        source.passed(1)
        sleep(topic_first.OLD_AFTER_S)
        assert not asked.done()
        source.passed(2)
        asked.result(SOON_S)


def test_who_is_too_far_behind_says_so_and_begins_anew(
    cluster: Cluster, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic_first, "WAIT_S_MAX", 0.1)
    with opened(cluster) as (source, door):
        for behind in (0, 1):  # there once, and behind again: where the topic ended then is of no use
            sent(broker, [a_record(cluster)])
            source.passed(behind)
            with pytest.raises(Busy):
                door.put(people.start())
        source.passed(2)
        door.put(people.start())


def test_while_a_call_of_the_number_waits_there_is_no_last_look(cluster: Cluster, broker: Broker) -> None:
    waiting = {NUMBER}
    with opened(cluster, waiting.__contains__) as (source, door), ThreadPoolExecutor(1) as pool:
        with pytest.raises(Busy):
            door.put(people.start())
        door.put(people.start(number=people.OTHER_NUMBER))
        waiting.clear()
        sent(broker, [a_record(cluster)])
        asked = put(pool, door, people.start())
        sleep(2 * topic_first.OLD_AFTER_S)
        waiting.add(NUMBER)  # it was answered while the hand waited for the shard
        source.passed(1)
        with pytest.raises(Busy):
            asked.result(SOON_S)


def test_a_closed_source_is_not_waited_for(cluster: Cluster, broker: Broker) -> None:
    with opened(cluster) as (source, door), ThreadPoolExecutor(1) as pool:
        sent(broker, [a_record(cluster)])
        asked = put(pool, door, people.start())
        sleep(0.1)
        source.close()
        with pytest.raises(Busy):
            asked.result(SOON_S)


def test_a_topic_that_cannot_be_asked_holds_all_texts(cluster: Cluster) -> None:
    nowhere = {"bootstrap_servers": "127.0.0.1:1"}
    with (
        opened(cluster) as (source, _),
        closing(TopicEnd(nowhere, cluster.topics[Topic.COMMANDS], SHARD)) as end,
    ):
        door = TopicFirst(source, end, lambda _: False)
        with pytest.raises(Unavailable, match="does not say"):
            door.put(people.start())
        began = monotonic()
        with pytest.raises(Unavailable, match="just now"):
            door.put(people.start())
        assert monotonic() - began < 1  # it is left alone for a while
        assert source.inbox.waiting == 0


def test_those_who_ask_at_once_share_an_answer(cluster: Cluster, broker: Broker) -> None:
    with (
        closing(TopicEnd(cluster.client, cluster.topics[Topic.COMMANDS], SHARD)) as end,
        ThreadPoolExecutor(8) as pool,
    ):
        for count in range(1, 4):
            sent(broker, [a_record(cluster)])
            answers = [*pool.map(lambda ask: ask(), [partial(TopicEnd.now, end)] * 40)]
            assert set(answers) == {count}
