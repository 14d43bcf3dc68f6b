"""The door over topics: what it publishes, whose receipt answers whom, and HTTP in front of it."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from prometheus_client import CollectorRegistry

from deploy.local.broker import Broker
from producers.http import ids
from producers.http.app import create_app
from producers.http.call_intake import CallIntake
from producers.http.webhooks import INBOUND_PATH
from producers.kafka_door import KafkaDoor, Known
from schemas import commands
from schemas.actors import CARRIER
from schemas.commands import Command
from schemas.door import Unavailable, Uncertain
from schemas.events import Receipt
from schemas.partitions import shard_of
from schemas.receipts import Answer
from schemas.topics import Topic
from tests.consumers.serving import SEAL, Cluster, Process, known_to
from tests.consumers.shards import NAMES
from tests.domain import people
from tests.producers.test_commands import code
from tests.producers.world import Caller, Json, World, calling, fresh_number
from tests.support.intakes import intake
from tests.support.sayso import eventually
from tests.support.topics import fresh_prefix, made, read_all

SOON_S = 60.0
PARTITIONS = 2
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture
def cluster(broker: Broker, tmp_path: Path) -> Iterator[Cluster]:
    prefix = fresh_prefix()
    made(broker, prefix, PARTITIONS)
    with closing(Cluster(broker.bootstrap, prefix, PARTITIONS, tmp_path)) as cluster:
        assert cluster.ledgers
        yield cluster


@contextmanager
def door(cluster: Cluster, known: Known | None = None, within_s: float = 10.0) -> Iterator[KafkaDoor]:
    topics = cluster.topics
    made = KafkaDoor(
        cluster.client,
        topics[Topic.COMMANDS],
        topics[Topic.RECEIPTS],
        PARTITIONS,
        NAMES,
        SEAL,
        known or known_to(cluster),
        within_s,
    )
    made.start()
    with closing(made):
        yield made


@contextmanager
def working(cluster: Cluster) -> Iterator[Process]:
    process = Process(cluster, publishes=True).start()
    try:
        yield process
    finally:
        process.stop()


def follow(candidate: str = "ada", **more: object) -> Command:
    return people.follow(candidate).model_copy(update={"command_id": uuid4(), **more})


# --- what is published ------------------------------------------------------------------------------


def test_a_command_lies_in_its_own_partition_as_it_is_with_what_it_needs(
    cluster: Cluster, broker: Broker
) -> None:
    plain, ours = follow(traceparent=TRACE), follow(actor=CARRIER, account="umbrella")
    with door(cluster) as entrance:
        for command in (plain, ours):
            assert asyncio.run(entrance.submit(command, 0)) is None
    found = {message.key(): message for message in read_all(broker, cluster.topics[Topic.COMMANDS])}
    for command, names in ((plain, ["traceparent"]), (ours, ["sayso-seal"])):
        message = found[command.account.encode()]
        value = message.value()
        assert isinstance(value, bytes)
        assert message.partition() == shard_of(command.account, PARTITIONS)
        assert commands.read(value) == commands.read(commands.write(command))
        assert list(dict(message.headers() or [])) == names
    sealed = found[b"umbrella"]
    assert dict(sealed.headers() or [])["sayso-seal"] == SEAL.of(sealed.value())  # type: ignore[arg-type]


def test_another_number_of_partitions_is_noticed(cluster: Cluster) -> None:
    other = Cluster(cluster.bootstrap, cluster.prefix, PARTITIONS, cluster.folder)
    topics = other.topics
    wrong = KafkaDoor(
        other.client, topics[Topic.COMMANDS], topics[Topic.RECEIPTS], 3, NAMES, SEAL, known_to(other)
    )
    with closing(wrong), pytest.raises(ValueError, match="has 2 partitions, not 3"):
        wrong.start()


# --- whose answer it is -----------------------------------------------------------------------------


def test_of_two_processes_that_use_one_id_for_different_things_one_has_a_conflict(cluster: Cluster) -> None:
    """P2: neither could know of the other before."""
    with door(cluster) as one, door(cluster) as two:
        ours, theirs = follow("ada"), follow("bob")
        theirs = theirs.model_copy(update={"command_id": ours.command_id})
        replies = [one.put(ours), two.put(theirs)]
        with working(cluster):
            answers = [reply.result(SOON_S) for reply in replies]
    assert sorted(answer.conflict for answer in answers) == [False, True]
    assert answers[0].receipt == answers[1].receipt


def test_a_repeat_whose_receipt_came_before_this_process_is_answered_though_the_view_is_late(
    cluster: Cluster,
) -> None:
    """P2: a repeat makes no new receipt; the view is asked again."""
    command, asked = follow(), list[UUID]()

    def late(account: str, command_id: UUID) -> Answer | None:
        asked.append(command_id)
        return known_to(cluster)(account, command_id) if len(asked) > 1 else None

    with working(cluster):
        with door(cluster) as before:
            first = before.put(command).result(SOON_S)
        with door(cluster, late) as after:
            again = after.put(command).result(SOON_S)
    assert again.repeated
    assert not again.conflict
    assert again.receipt == first.receipt
    assert len(asked) > 1


def test_known_repeats_are_not_published(cluster: Cluster, broker: Broker) -> None:
    """P2: not the same again, and not something else under the same id."""
    command = follow()
    with working(cluster), door(cluster) as entrance:
        entrance.put(command).result(SOON_S)
        with door(cluster) as another:
            for again in (command, follow("bob").model_copy(update={"command_id": command.command_id})):
                for entered in (entrance, another):
                    assert entered.put(again).result(SOON_S).repeated
    assert len(read_all(broker, cluster.topics[Topic.COMMANDS])) == 1


def test_where_the_broker_does_not_answer_nothing_is_promised(tmp_path: Path) -> None:
    """P2: and what was meant well and arrived late all the same is done once."""
    command = follow()
    with Broker(tmp_path / "broker") as broker:
        prefix = fresh_prefix()
        made(broker, prefix, PARTITIONS)
        with closing(Cluster(broker.bootstrap, prefix, PARTITIONS, tmp_path)) as cluster:
            assert cluster.ledgers
            with door(cluster, within_s=2.0) as entrance:
                broker.pause()
                try:
                    with pytest.raises(Uncertain):
                        asyncio.run(entrance.submit(command, SOON_S))
                finally:
                    broker.resume()
                with working(cluster):
                    eventually(lambda: _taken_in(entrance, command), SOON_S)
                    assert asyncio.run(entrance.submit(command, SOON_S)) is not None
                found = [one for shard in range(PARTITIONS) for one in cluster.events(shard)]
                assert [one.context.command_id for one in found if isinstance(one.event, Receipt)] == [
                    command.command_id
                ]


def _taken_in(entrance: KafkaDoor, command: Command) -> bool:
    """Whether it is taken in by now; while the connection is made anew it is not."""
    try:
        return asyncio.run(entrance.submit(command, SOON_S)) is not None
    except Unavailable:
        return False


# --- HTTP in front of it ----------------------------------------------------------------------------


@contextmanager
def http(world: World, entrance: KafkaDoor) -> Iterator[httpx.Client]:
    """The same API, with this door instead of the queue."""
    deps = world.sayso.app.state.deps
    with calling(create_app(replace(deps, door=entrance, registry=CollectorRegistry()))) as client:
        yield client


def test_http_answers_202_once_the_broker_has_it_and_the_receipt_to_whoever_waits(
    world: World, cluster: Cluster, broker: Broker
) -> None:
    caller = world.caller("acme", *(permission for permission in people.RECRUITER.permissions))
    with door(cluster) as entrance, http(world, entrance) as client:
        sayso = Caller(World(world.sayso, client), "acme", caller.token)
        command = {"type": "follow-candidate", "candidate": "ada", "command_id": str(uuid4())}
        taken = sayso.post(command, wait=None)
        assert taken.status_code == 202
        assert len(read_all(broker, cluster.topics[Topic.COMMANDS])) == 1
        with working(cluster):
            receipt = sayso.post({**command, "candidate": "eve", "command_id": str(uuid4())}, wait=30)
            assert receipt.status_code == 200, receipt.text
            replayed = eventually(lambda: _found(sayso.post(command, wait=None)), SOON_S)
            assert replayed is not None
            assert replayed.headers["Idempotent-Replayed"] == "true"
            assert code(sayso.post({**command, "candidate": "bob"}, wait=30)) == "command_id_reused"


# --- the carrier's calls ------------------------------------------------------------------------------


@contextmanager
def called(world: World, entrance: KafkaDoor, folder: Path) -> Iterator[tuple[World, CallIntake]]:
    """An API process in front of this door, as the carrier sees it. It replays nothing until started."""
    deps, registry = world.sayso.app.state.deps, CollectorRegistry()
    with intake(world.sayso.stores, folder, entrance, registry=registry) as calls:
        app = create_app(replace(deps, door=entrance, calls=calls, registry=registry))
        with calling(app) as client:
            yield World(world.sayso, client), calls


def inbound(boss: Caller, number: str, body: str) -> Json:
    sender = boss.get().json()["sender"]
    return {"MessageSid": f"SM{uuid4().hex}", "From": number, "To": sender, "Body": body, "NumMedia": "0"}


def decided(cluster: Cluster, account: str) -> list[UUID]:
    """Whose receipts there are, in order."""
    events = cluster.events(shard_of(account, PARTITIONS))
    return [one.context.command_id for one in events if isinstance(one.event, Receipt)]


def test_webhooks_are_published_and_sealed(
    world: World, cluster: Cluster, broker: Broker, tmp_path: Path
) -> None:
    boss = world.account()
    form = inbound(boss, fresh_number(), "Hello")
    with door(cluster) as entrance, called(world, entrance, tmp_path / "spool") as (twilio, _):
        assert twilio.carrier_posts(INBOUND_PATH, form).status_code == 200
        (message,) = read_all(broker, cluster.topics[Topic.COMMANDS])
        assert message.key() == boss.account.encode()
        assert "sayso-seal" in dict(message.headers() or [])
        with working(cluster):
            shard = shard_of(boss.account, PARTITIONS)
            eventually(lambda: cluster.position(shard) == 1, SOON_S)
    assert read_all(broker, cluster.topics[Topic.DEAD_LETTERS]) == []


def test_a_message_that_two_processes_hear_of_at_once_is_one_reply(
    world: World, cluster: Cluster, broker: Broker, tmp_path: Path
) -> None:
    """It may lie on the topic several times, as it does where a process starts anew; it is decided once."""
    boss = world.account()
    form, last = (inbound(boss, fresh_number(), "Hello") for _ in range(2))
    with (
        door(cluster) as entrance,
        door(cluster) as another,
        called(world, entrance, tmp_path / "1") as (one, _),
        called(world, another, tmp_path / "2") as (other, _),
        ThreadPoolExecutor(8) as pool,
    ):
        asked = [pool.submit((one, other)[n % 2].carrier_posts, INBOUND_PATH, form) for n in range(8)]
        assert {answer.result().status_code for answer in asked} == {200}
        other.carrier_posts(INBOUND_PATH, last)
        assert len(read_all(broker, cluster.topics[Topic.COMMANDS])) > 1
        with working(cluster):
            expected = [ids.of_inbound(one["MessageSid"]) for one in (form, last)]
            eventually(lambda: decided(cluster, boss.account) == expected, SOON_S)


def test_while_the_broker_is_silent_calls_are_answered_and_spooled_and_then_decided_once(
    world: World, tmp_path: Path
) -> None:
    boss, number = world.account(), fresh_number()
    forms = [inbound(boss, number, f"answer {n}") for n in range(5)]
    with Broker(tmp_path / "broker") as broker:
        prefix = fresh_prefix()
        made(broker, prefix, PARTITIONS)
        with (
            closing(Cluster(broker.bootstrap, prefix, PARTITIONS, tmp_path)) as cluster,
            door(cluster, within_s=2.0) as entrance,
            called(world, entrance, tmp_path / "spool") as (twilio, calls),
        ):
            assert cluster.ledgers
            calls.start()
            broker.pause()
            try:
                answers = [twilio.carrier_posts(INBOUND_PATH, form).status_code for form in forms]
                assert answers == [200] * len(forms)
                assert calls.spool.standing().waiting == len(forms)
            finally:
                broker.resume()
            eventually(lambda: calls.spool.standing().waiting == 0, SOON_S)
            with working(cluster):
                expected = [ids.of_inbound(form["MessageSid"]) for form in forms]
                eventually(lambda: decided(cluster, boss.account) == expected, SOON_S)


def _found(response: httpx.Response) -> httpx.Response | None:
    return response if response.status_code == 200 else None
