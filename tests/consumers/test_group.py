"""Commands by Kafka: from any client, into the shard where they belong, once, whoever serves it."""

import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
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
from tests.consumers.serving import SEAL, Cluster, Process, opened
from tests.domain import people
from tests.support.sayso import eventually
from tests.support.topics import fresh_prefix, made, read_all, sent

SOON_S = 60.0
PARTITIONS = 4


@pytest.fixture
def cluster(broker: Broker, tmp_path: Path) -> Iterator[Cluster]:
    prefix = fresh_prefix()
    made(broker, prefix, PARTITIONS)
    with closing(Cluster(broker.bootstrap, prefix, PARTITIONS, tmp_path)) as cluster:
        assert cluster.ledgers
        yield cluster


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
        letter_of(_bytes(m.key()), _bytes(m.value()), [(n, _bytes(v)) for n, v in _headers(m)])
        for m in read_all(broker, cluster.topics[Topic.DEAD_LETTERS])
    ]


# --- any client -------------------------------------------------------------------------------------


def test_commands_are_decided_once_however_often_they_come(cluster: Cluster, broker: Broker) -> None:
    """P2"""
    batch = follows(300)
    with working(cluster):
        sent(broker, records(cluster, batch))
        sent(broker, records(cluster, reversed(batch)))
        last = follows(4)
        sent(broker, records(cluster, last))
        all_decided(cluster, [*batch, *last])


def test_clients_with_another_partitioner_are_understood(cluster: Cluster, broker: Broker) -> None:
    """P2, P9: librdkafka and kcat put records elsewhere; each is forwarded once."""
    topic = cluster.topics[Topic.COMMANDS]
    by_library, by_program = follows(60, accounts=10), follows(20, accounts=1)
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for command in by_library:
        producer.produce(topic, commands.write(command), command.account)
    assert producer.flush(SOON_S) == 0
    subprocess.run(
        ["kcat", "-P", "-b", broker.bootstrap, "-t", topic, "-k", by_program[0].account],
        input=b"".join(commands.write(command) + b"\n" for command in by_program),
        check=True,
        timeout=SOON_S,
    )
    misrouted = [m for m in read_all(broker, topic) if m.partition() != shard_of(_text(m.key()), PARTITIONS)]
    assert misrouted
    with working(cluster):
        all_decided(cluster, [*by_library, *by_program])
        eventually(lambda: everything_is_read(cluster, broker), SOON_S)
    forwarded = [m for m in read_all(broker, topic) if ("sayso-forwarded", b"1") in _headers(m)]
    assert sorted(_bytes(m.value()) for m in forwarded) == sorted(_bytes(m.value()) for m in misrouted)
    assert all(m.partition() == shard_of(_text(m.key()), PARTITIONS) for m in forwarded)
    assert letters(cluster, broker) == []


def test_what_the_headers_know_of_a_trace_the_events_know(cluster: Cluster, broker: Broker) -> None:
    (command,) = follows(1)
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    ((topic, partition, key, value, _),) = records(cluster, [command])
    with working(cluster):
        sent(broker, [(topic, partition, key, value, [("traceparent", trace.encode())])])
        all_decided(cluster, [command])
    assert {one.context.traceparent for one in cluster.events(partition)} == {trace}


# --- what cannot be used ----------------------------------------------------------------------------


def test_what_cannot_be_used_is_kept_and_what_stands_around_it_is_decided(
    cluster: Cluster, broker: Broker
) -> None:
    """P9, P2"""
    good = follows(10, accounts=1)
    account = good[0].account
    key, topic, home = account.encode(), cluster.topics[Topic.COMMANDS], shard_of(account, PARTITIONS)
    elsewhere = (home + 1) % PARTITIONS
    (value,) = {value for *_, value, _ in records(cluster, follows(1, accounts=1))}
    within = people.follow("c").model_copy(update={"account": account, "actor": CARRIER})
    pretending = people.follow("c").model_copy(
        update={"account": account, "actor": SYSTEM.model_copy(update={"permissions": frozenset()})}
    )
    reused = people.follow("another").model_copy(
        update={"account": account, "command_id": good[0].command_id}
    )
    bad: list[tuple[str, int, bytes | None, bytes | None, list[tuple[str, bytes]]]] = [
        ("no_key", home, None, value, []),
        ("no_key", home, b"", value, []),
        ("too_large", home, key, b"x" * (COMMAND_BYTES_MAX + 1), []),
        ("too_large", home, key, b"x" * 1_000_000, [("some", b"header")]),
        ("invalid_command", home, key, None, []),
        ("invalid_command", home, key, b"", []),
        ("invalid_command", home, key, b"\xff\x00 no JSON", []),
        ("invalid_command", home, key, b"[" * 60_000, []),
        ("invalid_command", home, key, b'{"type": "fly-away"}', []),
        ("invalid_command", home, key, value.replace(b'"candidate":"', b'"candidate":"!'), []),
        ("invalid_command", home, key, value.replace(b'"actor":{', b'"actor":null,"was":{'), []),
        ("wrong_key", home, b"somebody-else", value, []),
        ("wrong_key", home, b"\xff", value, []),
        ("not_sealed", home, key, commands.write(within), []),
        ("not_sealed", home, key, commands.write(pretending), []),
        ("not_sealed", home, key, commands.write(within), [("sayso-seal", SEAL.of(value))]),
        ("misrouted", elsewhere, key, value, [("sayso-forwarded", b"1")]),
        ("command_id_reused", home, key, commands.write(reused), []),
    ]
    sealed = commands.write(within)
    mixed: list[Any] = [(topic, home, key, commands.write(good[0]), [])]
    for number, (_, *record) in enumerate(bad):
        mixed.append((topic, *record))
        if number < len(good):
            mixed.append((topic, home, key, commands.write(good[number]), []))
    with working(cluster) as (process,):
        sent(broker, mixed)
        sent(broker, [(topic, home, key, sealed, [("sayso-seal", SEAL.of(sealed))])])
        all_decided(cluster, [*good, within])
        eventually(lambda: everything_is_read(cluster, broker), SOON_S)
        assert cluster.position(home) > 2 * len(good)
    told = sum((serving.letters for serving in process.opened.values()), Counter[str]())
    assert told == Counter(reason for reason, *_ in bad)
    kept = letters(cluster, broker)
    wanted = [(reason, key, value, headers) for reason, _, key, value, headers in bad]
    assert sorted(_comparable(one.reason, one.key, one.value, one.headers) for one in kept) == sorted(
        _comparable(*one) for one in wanted
    )
    assert len({one.origin for one in kept}) == len(bad)
    assert all(one.origin.startswith(f"{topic}/") and one.detail for one in kept)
    assert {one.account for one in kept if one.reason not in ("no_key", "wrong_key")} == {account}


def test_nothing_but_bad_records_still_moves_the_position(cluster: Cluster, broker: Broker) -> None:
    """P9: they are not read again and again."""
    topic = cluster.topics[Topic.COMMANDS]
    with working(cluster):
        sent(broker, [(topic, 0, b"account-1", b"no command", [])] * 700)
        eventually(lambda: cluster.position(0) == 700, SOON_S)
    assert cluster.events(0) == []
    with working(cluster) as (process,):
        eventually(lambda: len(process.member.shards) == PARTITIONS, SOON_S)
        assert process.opened[0].source.position == 700
    assert Counter(one.origin for one in letters(cluster, broker)) == Counter(
        f"{topic}/0/{offset}" for offset in range(700)
    )


# --- our own workers --------------------------------------------------------------------------------


def test_what_a_shards_own_workers_ask_for_is_decided_among_the_rest_and_moves_nothing(
    cluster: Cluster, broker: Broker
) -> None:
    batch = follows(200, accounts=1)
    home = shard_of(batch[0].account, PARTITIONS)
    own = [
        people.follow("c").model_copy(
            update={"account": batch[0].account, "actor": SYSTEM, "command_id": uuid4()}
        )
        for _ in range(50)
    ]
    with working(cluster) as (process,):
        eventually(lambda: home in process.member.shards, SOON_S)
        sent(broker, records(cluster, batch[:100]))
        replies = [process.opened[home].inbox.put(command) for command in own]
        sent(broker, records(cluster, batch[100:]))
        answers = [reply.result(SOON_S) for reply in replies]
        again = [process.opened[home].inbox.put(command).result(SOON_S) for command in own]
        all_decided(cluster, [*batch, *own])
    assert not any(answer.repeated for answer in answers)
    assert all(answer.repeated and not answer.conflict for answer in again)
    assert cluster.position(home) == 200
    positions = [one.context.position for one in cluster.events(home)]
    assert positions == sorted(positions)


# --- whoever comes and goes -------------------------------------------------------------------------


def test_a_shard_goes_on_where_its_ledger_stands(cluster: Cluster, broker: Broker) -> None:
    """P2, P5"""
    first, second = follows(100), follows(100)
    with working(cluster):
        sent(broker, records(cluster, first))
        all_decided(cluster, first)
    sent(broker, records(cluster, second))
    with working(cluster) as (process,):
        all_decided(cluster, [*first, *second])
        assert (
            sum(len(decided.answers) for one in process.opened.values() for decided in one.committed) == 100
        )


def test_members_share_and_nothing_is_lost_or_doubled_as_they_come_and_go(
    cluster: Cluster, broker: Broker
) -> None:
    """P2"""
    batch = follows(600)
    parts = [batch[at : at + 100] for at in range(0, 600, 100)]
    with working(cluster) as (first,):
        sent(broker, records(cluster, parts[0]))
        with working(cluster, 2) as others:
            sent(broker, records(cluster, parts[1]))
            shared = [first, *others]
            eventually(lambda: sorted(_shards(shared)) == [0, 1, 2, 3] and all(map(_serves, shared)), SOON_S)
            sent(broker, records(cluster, parts[2]))
            others[0].stop()
            sent(broker, records(cluster, parts[3]))
            eventually(lambda: sorted(_shards([first, others[1]])) == [0, 1, 2, 3], SOON_S)
        sent(broker, records(cluster, parts[4]))
        eventually(lambda: first.member.shards == [0, 1, 2, 3], SOON_S)
        sent(broker, records(cluster, parts[5]))
        all_decided(cluster, batch)


def test_whoever_lost_a_shard_writes_no_more_and_opens_it_again_only_where_it_stands(
    cluster: Cluster, broker: Broker
) -> None:
    """P2, P5: somebody else moved the ledger on; what is decided upon what was before is not stored."""
    batch = follows(40, accounts=1)
    home = shard_of(batch[0].account, PARTITIONS)
    with working(cluster) as (process,):
        sent(broker, records(cluster, batch[:10]))
        all_decided(cluster, batch[:10])
        lost = process.opened[home]
        successor, keys = opened(cluster.folder, home)
        with closing(keys), closing(successor):
            successor.take()
            successor.append([], 25)
        sent(broker, records(cluster, batch[10:]))
        eventually(lambda: process.opened[home] is not lost and home in process.member.shards, SOON_S)
        assert not lost.alive
        all_decided(cluster, [*batch[:10], *batch[25:]])
        assert cluster.position(home) == 40


def test_what_could_not_be_stored_is_not_left_out(cluster: Cluster, broker: Broker) -> None:
    """P2, P9: the ledger fails for a while; the shard is opened again, and nothing was passed over."""
    batch = follows(40, accounts=1)
    home = shard_of(batch[0].account, PARTITIONS)
    with working(cluster) as (process,):
        sent(broker, records(cluster, batch[:10]))
        all_decided(cluster, batch[:10])
        broken = process.opened[home]
        with closing(sqlite3.connect(cluster.folder / f"ledger-{home}.db")) as ledger:
            ledger.execute(
                "CREATE TRIGGER full BEFORE UPDATE ON tracking BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
            sent(broker, records(cluster, batch[10:30]))
            eventually(lambda: not broken.alive, SOON_S)
            ledger.execute("DROP TRIGGER full")
        sent(broker, records(cluster, batch[30:]))
        all_decided(cluster, batch)


def test_a_killed_process_is_replaced_and_its_successor_repeats_nothing(
    cluster: Cluster, broker: Broker
) -> None:
    """P2: kill -9 under load; the shards are served again, and each command is decided once."""
    batch = follows(2_000)
    with subprocess.Popen(
        [
            sys.executable, "-m", "tests.consumers.serving",
            broker.bootstrap, cluster.prefix, str(PARTITIONS), str(cluster.folder),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as doomed:  # fmt: skip
        assert doomed.stdout is not None
        assert sorted(doomed.stdout.readline() for _ in range(PARTITIONS)) == [
            f"opened {number}\n".encode() for number in range(PARTITIONS)
        ]
        sent(broker, records(cluster, batch[:1_000]))
        eventually(lambda: receipts(cluster).total() > 0, SOON_S)
        doomed.kill()
    killed_at = time.monotonic()
    with working(cluster) as (process,):
        sent(broker, records(cluster, batch[1_000:]))
        eventually(lambda: process.member.shards == [0, 1, 2, 3], SOON_S)
        sys.stdout.write(f"served again after {time.monotonic() - killed_at:.1f} s\n")
        all_decided(cluster, batch)


# --- helpers ----------------------------------------------------------------------------------------


def everything_is_read(cluster: Cluster, broker: Broker) -> bool:
    """Whether every record of the commands topic has been decided, forwarded or kept."""
    ends = Counter(m.partition() for m in read_all(broker, cluster.topics[Topic.COMMANDS]))
    return all(cluster.position(shard) == ends[shard] for shard in range(PARTITIONS))


def _shards(processes: Iterable[Process]) -> list[int]:
    return [shard for process in processes for shard in process.member.shards]


def _serves(process: Process) -> bool:
    return bool(process.member.shards)


def _bytes(value: Any) -> Any:
    """librdkafka's types allow text, which it never gives."""
    assert value is None or isinstance(value, bytes)
    return value


def _headers(message: Any) -> list[tuple[str, bytes]]:
    return message.headers() or []


def _text(key: str | bytes | None) -> str:
    assert isinstance(key, bytes)
    return key.decode()


def _comparable(
    reason: str, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]
) -> tuple[str, str, str, str]:
    return str(reason), repr(key), repr(value), repr(list(headers))
