"""What every door for commands promises, whether a queue or a topic lies behind it."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from consumers.inbox import Inbox
from consumers.worker import Worker
from deploy.local.broker import Broker
from domain.receipts import receipt_stream
from producers.kafka_door import KafkaDoor
from schemas.actors import CARRIER
from schemas.commands import Command
from schemas.door import Busy, CommandDoor
from schemas.events import Recorded
from schemas.receipts import Answer
from schemas.topics import Topic
from tests.consumers.serving import SEAL, Cluster, Process, known_to
from tests.consumers.shards import NAMES, Rig, code
from tests.domain import people
from tests.support.sayso import eventually
from tests.support.topics import fresh_prefix, made

SOON_S = 60.0
PARTITIONS = 2


@dataclass
class Entrance:
    """A door with workers behind it."""

    door: CommandDoor

    def submit(self, command: Command, wait_s: float = SOON_S) -> Answer | None:
        return asyncio.run(self._submit(command, wait_s))

    async def _submit(self, command: Command, wait_s: float) -> Answer | None:
        return await self.door.submit(command, wait_s)

    def answer(self, command: Command) -> Answer:
        answer = self.submit(command)
        assert answer is not None
        return answer

    def events(self) -> list[Recorded]:
        raise NotImplementedError

    def close_door(self) -> None:
        raise NotImplementedError


@dataclass
class ByQueue(Entrance):
    door: Inbox
    rig: Rig

    def events(self) -> list[Recorded]:
        return self.rig.events()

    def close_door(self) -> None:
        self.door.close()


@dataclass
class ByTopic(Entrance):
    door: KafkaDoor
    cluster: Cluster

    def events(self) -> list[Recorded]:
        return [one for shard in range(PARTITIONS) for one in self.cluster.events(shard)]

    def close_door(self) -> None:
        self.door.close()


@pytest.fixture(params=["queue", "topic"])
def entrance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Entrance]:
    if request.param == "queue":
        with Rig(tmp_path) as rig:
            inbox = Inbox(rig.ledger.position() or 0)
            worker = Worker(rig.shard, inbox)
            worker.start()
            yield ByQueue(inbox, rig)
            worker.stop()
    else:
        yield from by_topic(request.getfixturevalue("broker"), tmp_path)


def by_topic(broker: Broker, folder: Path) -> Iterator[ByTopic]:
    prefix = fresh_prefix()
    made(broker, prefix, PARTITIONS)
    with closing(Cluster(broker.bootstrap, prefix, PARTITIONS, folder)) as cluster:
        assert cluster.ledgers
        process = Process(cluster, publishes=True).start()
        door = door_of(cluster)
        door.start()
        yield ByTopic(door, cluster)
        door.close()
        process.stop()


def door_of(cluster: Cluster) -> KafkaDoor:
    topics = cluster.topics
    return KafkaDoor(
        cluster.client,
        topics[Topic.COMMANDS],
        topics[Topic.RECEIPTS],
        PARTITIONS,
        NAMES,
        SEAL,
        known_to(cluster),
    )


def follow(**more: object) -> Command:
    return people.follow("ada").model_copy(update={"command_id": uuid4(), **more})


def receipts(entrance: Entrance, command: Command) -> list[Recorded]:
    return [one for one in entrance.events() if one.stream == receipt_stream(NAMES, command)]


def test_whoever_waits_gets_the_receipt(entrance: Entrance) -> None:
    accepted, refused = follow(), people.send(command_id=uuid4())
    yes, no = entrance.answer(accepted), entrance.answer(refused)
    assert (code(yes), code(no)) == (None, "not_activated")
    assert yes.context.command_id == accepted.command_id
    assert not any(answer.repeated or answer.conflict for answer in (yes, no))


def test_whoever_does_not_wait_is_let_go_and_the_command_is_done(entrance: Entrance) -> None:
    command = follow()
    assert entrance.submit(command, 0) is None
    eventually(lambda: receipts(entrance, command), SOON_S)


def test_a_repeat_gets_the_first_answer_and_does_nothing(entrance: Entrance) -> None:
    """P2"""
    command = follow()
    first, again = entrance.answer(command), entrance.answer(command)
    assert again.repeated
    assert not again.conflict
    assert (again.receipt, again.context.position) == (first.receipt, first.context.position)
    assert len(receipts(entrance, command)) == 1
    assert entrance.door.put(command).result(SOON_S).repeated


def test_an_id_used_for_something_else_is_a_conflict_and_does_nothing(entrance: Entrance) -> None:
    """P2"""
    command = follow()
    entrance.answer(command)
    before = len(entrance.events())
    other = entrance.answer(people.follow("bob").model_copy(update={"command_id": command.command_id}))
    assert other.repeated
    assert other.conflict
    assert len(entrance.events()) == before


def test_of_many_who_say_the_same_at_once_all_hear_the_same(entrance: Entrance) -> None:
    """P2"""
    commands = [follow() for _ in range(20)]
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda command: entrance.door.put(command).result(SOON_S), commands * 4))
    heard: dict[UUID, set[str]] = {}
    for answer in answers:
        assert not answer.conflict
        heard.setdefault(answer.context.command_id, set()).add(
            repr((answer.receipt, answer.context.position))
        )
    assert set(heard) == {command.command_id for command in commands}
    assert all(len(said) == 1 for said in heard.values())
    assert sum(not answer.repeated for answer in answers) <= len(commands)
    assert all(len(receipts(entrance, command)) == 1 for command in commands)


def test_what_one_caller_says_is_decided_in_that_order(entrance: Entrance) -> None:
    said = [follow(), people.unfollow("ada").model_copy(update={"command_id": uuid4()}), follow()]
    replies = [entrance.door.put(command) for command in said]
    positions = [reply.result(SOON_S).context.position for reply in replies]
    assert positions == sorted(set(positions))


def test_our_own_doors_are_believed_and_have_ids_of_their_own(entrance: Entrance) -> None:
    command = follow()
    within = command.model_copy(update={"actor": CARRIER})
    ours = entrance.answer(command)
    theirs = entrance.answer(within)
    assert not theirs.repeated
    assert theirs.context.actor.kind == "carrier"
    assert ours.context.actor.kind == "member"


def test_a_closed_door_takes_nothing(entrance: Entrance) -> None:
    entrance.close_door()
    with pytest.raises(Busy):
        entrance.submit(follow())
    with pytest.raises(Busy):
        entrance.door.put(follow())
