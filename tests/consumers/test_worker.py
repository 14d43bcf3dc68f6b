"""The worker: many callers, one order; whatever fails, it goes on or stops, and nobody waits for ever."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from consumers.inbox import Inbox
from consumers.shard import Decided
from consumers.worker import Worker
from schemas import commands
from schemas import events as e
from schemas.commands import Command
from schemas.door import Busy, Unavailable
from schemas.receipts import Answer
from tests.consumers.shards import Rig, code, disk_full, kinds, ready
from tests.domain import people

WAIT_S = 20


class Running:
    """A worker at work on a rig."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.told: list[Decided] = []
        self.inbox = Inbox(rig.ledger.position())
        self.worker = Worker(rig.shard, self.inbox, [self.told.append])

    def put(self, *batch: Command) -> list["Future[Answer]"]:
        return [self.inbox.put(command) for command in batch]

    def accepted(self, batch: Iterable[Command]) -> Iterator["Future[Answer]"]:
        """The replies to those that were taken in, up to the first that was not."""
        with suppress(Busy):
            for command in batch:
                yield self.inbox.put(command)

    def answers(self, *batch: Command) -> list[Answer]:
        return [reply.result(WAIT_S) for reply in self.put(*batch)]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with Rig(tmp_path) as rig, capture_logs():  # what a full disk leads to must not need the disk
        rig.process(*ready())
        at_work = Running(rig)
        at_work.worker.start()
        yield at_work
        at_work.worker.stop()


def sends(count: int) -> list[Command]:
    return [people.send(f"{number:0100}", command_id=uuid4()) for number in range(count)]


# --- at work ----------------------------------------------------------------------------------------


def test_each_command_is_answered_once_it_is_stored(running: Running) -> None:
    (answer,) = running.answers(people.send())
    assert code(answer) is None
    assert kinds(running.rig.events())[-3:] == [e.TextQueued, e.SegmentsDebited, e.CommandAccepted]


def test_many_callers_are_served_in_batches_and_each_command_once(running: Running) -> None:
    """P2, P4: 49 of 60 texts find a credit, whoever sends them, however often each is repeated."""
    batch = sends(60)
    with ThreadPoolExecutor(6) as callers:
        answers = list(callers.map(lambda command: running.answers(command, command), batch * 2))
    by_id = {command.command_id: set[str | None]() for command in batch}
    for pair in answers:
        for answer in pair:
            by_id[answer.context.command_id].add(code(answer))
    assert all(len(codes) == 1 for codes in by_id.values())
    assert sorted(str(code) for (code,) in by_id.values()) == ["None"] * 50 + ["insufficient_credit"] * 10
    assert kinds(running.rig.events()).count(e.TextQueued) == 50
    assert running.rig.account().balance == 0


def test_commands_are_decided_in_the_order_in_which_they_came(running: Running) -> None:
    answers = running.answers(
        people.withdraw(), people.send(), people.add_consent(), people.send(command_id=uuid4())
    )
    assert [code(answer) for answer in answers] == [None, "consent_withdrawn", None, None]
    positions = [answer.context.position for answer in answers]
    assert positions == sorted(set(positions))


def test_listeners_hear_of_each_batch_once_it_is_stored(running: Running) -> None:
    running.answers(*sends(20))
    running.worker.stop()
    told = [(one.stream, one.version) for decided in running.told for one in decided.recorded]
    assert told == [(one.stream, one.version) for one in running.rig.events()[-60:]]


def test_a_listener_that_fails_keeps_nobody_waiting(tmp_path: Path) -> None:
    def fail(_: Decided) -> None:
        raise RuntimeError("I am not well.")

    with Rig(tmp_path) as rig:
        inbox = Inbox(0)
        worker = Worker(rig.shard, inbox, [fail])
        worker.start()
        for command in ready():
            inbox.put(command).result(WAIT_S)
        assert worker.alive
        worker.stop()


def test_callers_who_left_do_not_disturb_the_others(running: Running) -> None:
    batch = sends(40)
    replies = running.put(*batch)
    for reply in replies[::2]:
        reply.cancel()
    for reply in replies[1::2]:
        assert code(reply.result(WAIT_S)) is None
    assert all(answer.repeated for answer in running.answers(*batch))


def test_stopping_finishes_what_is_at_hand_and_answers_everybody(running: Running) -> None:
    replies = running.put(*sends(40))
    running.worker.stop()
    assert not running.worker.alive
    stored = kinds(running.rig.events()).count(e.TextQueued)
    done = [reply for reply in replies if reply.exception(0) is None]
    assert len(done) == stored
    assert all(isinstance(reply.exception(0), Unavailable) for reply in replies if reply not in done)
    with pytest.raises(Busy):
        running.put(people.send())


# --- when something fails ---------------------------------------------------------------------------


def test_while_the_disk_is_full_nothing_is_done_and_then_it_goes_on(running: Running) -> None:
    """P2, P4"""
    big = [people.add_number(f"+1415555{2600 + i}", f"candidate-{i}") for i in range(300)]
    with disk_full(running.rig.folder):
        replies = running.put(*big, people.send())
        failed = [reply.exception(WAIT_S) for reply in replies]
    assert any(isinstance(error, Unavailable) for error in failed)
    assert running.worker.alive
    answers = running.answers(*big, people.send())
    assert [code(answer) for answer in answers] == [None] * 301
    assert [answer.repeated for answer in answers] == [error is None for error in failed]
    assert running.rig.account().balance == 49


def test_what_was_decided_upon_a_batch_that_failed_fails_with_it(running: Running) -> None:
    """P4: no answer is given that rests on what was never stored."""
    with disk_full(running.rig.folder):
        texts = sends(300)
        replies = running.put(*texts)
        for number in range(200):
            replies += running.put(people.cancel(text_id=texts[number % 40].command_id))
        outcomes = [reply.exception(WAIT_S) for reply in replies]
    told = [reply.result(0) for reply, error in zip(replies, outcomes, strict=True) if error is None]
    stored = {one.context.command_id for one in running.rig.events() if isinstance(one.event, e.Receipt)}
    assert {answer.context.command_id for answer in told} <= stored


def test_a_worker_that_lost_its_shard_stops_and_leaves_nobody_waiting(running: Running) -> None:
    """P2, P3: what is being stored, what is being decided and what waits is all answered."""
    with Rig(running.rig.folder, running.rig.clock) as successor:
        successor.process(people.send())
        replies = list(running.accepted(sends(1_500)))  # it may find out while they still come in
        assert replies
        for reply in replies:
            assert isinstance(reply.exception(WAIT_S), Unavailable)
        running.worker._thread.join(WAIT_S)
        assert not running.worker.alive
        with pytest.raises(Busy):
            running.put(people.send())
        assert kinds(successor.events()).count(e.TextQueued) == 1


def test_a_decision_that_could_not_look_something_up_blames_no_command(running: Running) -> None:
    """P2: the command gets no receipt, and can be tried again."""
    stranger = people.follow("stranger")
    file = running.rig.folder / "ledger.db"
    with closing(sqlite3.connect(file)) as other:
        other.execute("ALTER TABLE stored_snapshots RENAME TO elsewhere")
        (reply,) = running.put(stranger)
        assert isinstance(reply.exception(WAIT_S), Unavailable)
        other.execute("ALTER TABLE elsewhere RENAME TO stored_snapshots")
    (answer,) = running.answers(stranger)
    assert code(answer) is None
    assert not answer.repeated


# --- kill -9 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["before", "after", "while"])
def test_whatever_moment_the_process_dies_each_command_takes_effect_once(tmp_path: Path, moment: str) -> None:
    """P2: and what was answered is there."""
    batch = [*ready(), *sends(30), *(people.adjust(1) for _ in range(300))]
    lines = b"".join(commands.write(command) + b"\n" for command in batch)
    crashed = subprocess.run(
        [sys.executable, "-m", "tests.consumers.crashing", str(tmp_path), moment],
        input=lines,
        stdout=subprocess.PIPE,
        check=False,
        env=dict(os.environ),
        timeout=60,
    )
    assert crashed.returncode in ({-9} if moment != "while" else {-9, 0})
    answered = crashed.stdout.decode().split()
    with Rig(tmp_path) as rig:
        stored = {str(one.context.command_id) for one in rig.events() if isinstance(one.event, e.Receipt)}
        assert set(answered) <= stored
        assert len(stored) > (1 if moment == "after" else 0)
        answers = rig.process(*batch)
        assert {str(answer.context.command_id) for answer in answers if answer.repeated} == stored
        assert [code(answer) for answer in answers] == [None] * len(batch)
        assert kinds(rig.events()).count(e.TextQueued) == 30
        assert rig.account().balance == 50 - 30 + 300
