"""Commands by Kafka: from any client, into the shard where they belong, once, whoever serves it."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import closing
from uuid import uuid4

from confluent_kafka import Producer

from consumers.membership import RECORDS_PER_POLL_MAX
from consumers.partition_source import RECORDS_WAITING_MAX
from consumers.shard import Decided
from deploy.local.broker import Broker
from schemas import commands
from schemas.actors import SYSTEM
from schemas.partitions import shard_of
from schemas.topics import Topic
from tests.consumers.crowd import (
    PARTITIONS,
    SOON_S,
    account_of,
    all_decided,
    as_bytes,
    everything_is_read,
    follows,
    headers_of,
    letters,
    receipts,
    receipts_count,
    records,
    working,
)
from tests.consumers.serving import Cluster, Process, opened
from tests.domain import people
from tests.support.sayso import eventually
from tests.support.topics import read_all, sent

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
    misrouted = [
        m for m in read_all(broker, topic) if m.partition() != shard_of(account_of(m.key()), PARTITIONS)
    ]
    assert misrouted
    with working(cluster):
        all_decided(cluster, [*by_library, *by_program])
        eventually(lambda: everything_is_read(cluster, broker), SOON_S)
    forwarded = [m for m in read_all(broker, topic) if ("sayso-forwarded", b"1") in headers_of(m)]
    assert sorted(as_bytes(m.value()) for m in forwarded) == sorted(as_bytes(m.value()) for m in misrouted)
    assert all(m.partition() == shard_of(account_of(m.key()), PARTITIONS) for m in forwarded)
    assert letters(cluster, broker) == []


def test_what_the_headers_know_of_a_trace_the_events_know(cluster: Cluster, broker: Broker) -> None:
    (command,) = follows(1)
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    ((topic, partition, key, value, _),) = records(cluster, [command])
    with working(cluster):
        sent(broker, [(topic, partition, key, value, [("traceparent", trace.encode())])])
        all_decided(cluster, [command])
    assert {one.context.traceparent for one in cluster.events(partition)} == {trace}


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


def test_a_slow_shard_holds_up_no_other_and_only_so_much_waits_for_it(
    cluster: Cluster, broker: Broker
) -> None:
    slow = follows(3_500, accounts=1)
    home = shard_of(slow[0].account, PARTITIONS)
    others = [one for one in follows(60) if shard_of(one.account, PARTITIONS) != home]
    go_on = threading.Event()

    def slowly(_: Decided) -> None:
        go_on.wait(SOON_S)

    with working(cluster) as (process,):
        eventually(lambda: process.member.shards == [0, 1, 2, 3], SOON_S)
        source = process.opened[home].source
        process.opened[home].listeners.append(slowly)
        sent(broker, records(cluster, slow))
        eventually(lambda: source.full, SOON_S)
        sent(broker, records(cluster, others))
        eventually(lambda: {one.command_id for one in others} <= set(receipts(cluster)), SOON_S)
        assert source.waiting <= RECORDS_WAITING_MAX + RECORDS_PER_POLL_MAX
        assert home in process.member.shards
        go_on.set()
        all_decided(cluster, [*slow, *others])


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
            eventually(lambda: sorted(shards_of(shared)) == [0, 1, 2, 3] and all(map(serves, shared)), SOON_S)
            sent(broker, records(cluster, parts[2]))
            others[0].stop()
            sent(broker, records(cluster, parts[3]))
            eventually(lambda: sorted(shards_of([first, others[1]])) == [0, 1, 2, 3], SOON_S)
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
        eventually(lambda: receipts_count(cluster) > 0, SOON_S)
        doomed.kill()
    killed_at = time.monotonic()
    with working(cluster) as (process,):
        sent(broker, records(cluster, batch[1_000:]))
        eventually(lambda: process.member.shards == [0, 1, 2, 3], SOON_S)
        sys.stdout.write(f"served again after {time.monotonic() - killed_at:.1f} s\n")
        all_decided(cluster, batch)


def shards_of(processes: Iterable[Process]) -> list[int]:
    return [shard for process in processes for shard in process.member.shards]


def serves(process: Process) -> bool:
    return bool(process.member.shards)
