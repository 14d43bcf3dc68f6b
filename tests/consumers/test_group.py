"""Commands by Kafka: from any client, into the shard where they belong, once, whoever serves it."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from confluent_kafka import Producer

from deploy.local.broker import Broker
from schemas import commands
from schemas import events as e
from schemas.actors import CARRIER, SYSTEM
from schemas.commands import COMMAND_BYTES_MAX, Command
from schemas.letters import Letter, letter_of
from schemas.partitions import shard_of
from schemas.topics import Topic
from tests.consumers.serving import SEAL, Cluster, Process
from tests.domain import people
from tests.support.sayso import eventually
from tests.support.topics import fresh_prefix, made, read_all, sent

SOON_S = 60.0
PARTITIONS = 4


@pytest.fixture
def cluster(broker: Broker, tmp_path: Path) -> Cluster:
    prefix = fresh_prefix()
    made(broker, prefix, PARTITIONS)
    return Cluster(broker.bootstrap, prefix, PARTITIONS, tmp_path)


@contextmanager
def working(cluster: Cluster, members: int = 1) -> Iterator[list[Process]]:
    """`members` worker processes, all in this one."""
    processes = [Process(cluster).start() for _ in range(members)]
    try:
        yield processes
    finally:
        for process in processes:
            process.stop()


def follows(count: int, accounts: int = 20) -> list[Command]:
    """Commands of many accounts, each with one event beside its receipt."""
    return [
        people.follow(f"candidate-{number}").model_copy(
            update={"account": f"account-{number % accounts}", "command_id": uuid4()}
        )
        for number in range(count)
    ]


def records(
    cluster: Cluster, batch: Iterable[Command]
) -> Iterator[tuple[str, int, bytes, bytes, list[tuple[str, bytes]]]]:
    """`batch` as records, each where it belongs."""
    topic = cluster.topics[Topic.COMMANDS]
    for command in batch:
        account = command.account
        yield topic, shard_of(account, PARTITIONS), account.encode(), commands.write(command), []


def receipts(cluster: Cluster) -> Counter[UUID]:
    """How many receipts each command has."""
    return Counter(
        one.context.command_id
        for shard in range(PARTITIONS)
        for one in cluster.events(shard)
        if isinstance(one.event, e.Receipt)
    )


def all_decided(cluster: Cluster, batch: Iterable[Command]) -> None:
    """Wait until each of `batch` has its one receipt, in its own shard, and nothing else has any."""
    wanted = Counter({command.command_id for command in batch})
    eventually(lambda: receipts(cluster).total() >= wanted.total(), SOON_S)
    assert receipts(cluster) == wanted
    for shard in range(PARTITIONS):
        assert {shard_of(one.context.account, PARTITIONS) for one in cluster.events(shard)} <= {shard}


def letters(cluster: Cluster, broker: Broker) -> list[Letter]:
    return [
        letter_of(m.key(), m.value(), m.headers() or []) for m in read_all(broker, cluster.topics[Topic.DEAD_LETTERS])
    ]


def test_commands_are_decided_once_however_often_they_come(cluster: Cluster, broker: Broker) -> None:
    """P2"""
    batch = follows(300)
    with working(cluster):
        sent(broker, records(cluster, batch))
        sent(broker, records(cluster, reversed(batch)))
        sent(broker, records(cluster, follows(1)))
        t = time.monotonic()
        eventually(lambda: receipts(cluster).total() >= 301, SOON_S)
        print(time.monotonic() - t)
    all = receipts(cluster)
    assert set(all.values()) == {1}
