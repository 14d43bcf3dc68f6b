"""What tests of worker processes over topics share: commands, how they get there, and what became of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from deploy.local.broker import Broker
from schemas import codec, commands
from schemas import events as e
from schemas.commands import Command
from schemas.letters import Letter, letter_of
from schemas.partitions import shard_of
from schemas.topics import Topic
from tests.consumers.serving import Cluster, Process
from tests.domain import people
from tests.support.sayso import eventually
from tests.support.topics import read_all

SOON_S = 60.0
PARTITIONS = 4


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


def receipts_count(cluster: Cluster) -> int:
    """How many receipts there are, told without reading them."""
    ledgers = [ledger for ledger, _ in cluster.ledgers]
    names = [codec.peek(data).name for one in ledgers for _, data in one.notifications(0, 1_000_000)]
    return sum(name.startswith("command-") for name in names)


def all_decided(cluster: Cluster, batch: Iterable[Command]) -> None:
    """Wait until each of `batch` has its one receipt, in its own shard, and nothing else has any."""
    wanted = Counter({command.command_id for command in batch})
    eventually(lambda: receipts_count(cluster) >= wanted.total(), SOON_S)
    assert receipts(cluster) == wanted
    for shard in range(PARTITIONS):
        assert {shard_of(one.context.account, PARTITIONS) for one in cluster.events(shard)} <= {shard}


def letters(cluster: Cluster, broker: Broker) -> list[Letter]:
    return [
        letter_of(as_bytes(m.key()), as_bytes(m.value()), [(n, as_bytes(v)) for n, v in headers_of(m)])
        for m in read_all(broker, cluster.topics[Topic.DEAD_LETTERS])
    ]


def everything_is_read(cluster: Cluster, broker: Broker) -> bool:
    """Whether every record of the commands topic has been decided, forwarded or kept."""
    ends = Counter(m.partition() for m in read_all(broker, cluster.topics[Topic.COMMANDS]))
    return all(cluster.position(shard) == ends[shard] for shard in range(PARTITIONS))


def as_bytes(value: Any) -> Any:
    """librdkafka's types allow text, which it never gives."""
    assert value is None or isinstance(value, bytes)
    return value


def headers_of(message: Any) -> list[tuple[str, bytes]]:
    return message.headers() or []


def account_of(key: str | bytes | None) -> str:
    assert isinstance(key, bytes)
    return key.decode()
