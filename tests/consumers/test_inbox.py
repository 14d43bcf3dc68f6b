"""The queue in memory: bounded, in order, and nobody who waits is left without an answer."""

import asyncio
import threading
from concurrent.futures import Future
from uuid import uuid4

import pytest

from consumers.inbox import Inbox
from schemas.commands import Command
from schemas.door import Busy, Unavailable
from schemas.events import CommandRefused, Context
from schemas.receipts import Answer
from tests.domain import people
from tests.domain.given import NOW


def _command() -> Command:
    return people.send(command_id=uuid4())


REFUSED = CommandRefused(command_type="send-text", fingerprint="f", code="no_sender", sentence="No sender.")
ANSWER = Answer(REFUSED, Context("acme", people.RECRUITER, NOW, uuid4(), 0, 1))


def _settle(reply: "Future[Answer] | None") -> None:
    assert reply is not None
    reply.set_result(ANSWER)


def test_commands_come_out_in_the_order_in_which_they_went_in_each_in_the_next_place() -> None:
    inbox = Inbox(last_position=41)
    commands = [_command() for _ in range(5)]
    for command in commands:
        inbox.put(command)
    assert inbox.waiting == 5
    first, second = inbox.poll(3, 0), inbox.poll(3, 0)
    assert [item.command for item in (*first, *second)] == commands
    assert [item.position for item in (*first, *second)] == [42, 43, 44, 45, 46]
    assert inbox.waiting == 0


def test_where_nothing_comes_nothing_is_returned_and_nobody_waits_for_a_full_batch() -> None:
    inbox = Inbox(0)
    assert inbox.poll(10, 0) == []
    assert inbox.poll(10, 0.01) == []
    inbox.put(_command())
    assert len(inbox.poll(10, 60)) == 1


def test_whoever_polls_is_woken_by_the_first_command() -> None:
    inbox = Inbox(0)
    threading.Timer(0.02, inbox.put, [_command()]).start()
    assert len(inbox.poll(10, 60)) == 1


def test_a_full_queue_takes_nothing_more_and_says_so_at_once() -> None:
    """3.19: the caller is told when to try again."""
    inbox = Inbox(0, waiting_max=2)
    inbox.put(_command())
    inbox.put(_command())
    with pytest.raises(Busy) as busy:
        inbox.put(_command())
    assert busy.value.retry_after_s >= 1
    assert len(inbox.poll(10, 0)) == 2
    inbox.put(_command())


def test_an_answer_reaches_whoever_put_the_command() -> None:
    inbox = Inbox(0)
    reply = inbox.put(_command())
    (item,) = inbox.poll(1, 0)
    _settle(item.reply)
    assert reply.result(0) is ANSWER


def test_submitting_waits_until_it_is_stored_and_answers_only_whoever_wants_to_wait() -> None:
    """When `submit` returns, the command survives a crash."""

    async def both() -> tuple[Answer | None, Answer | None]:
        inbox = Inbox(0)
        waiting = asyncio.create_task(inbox.submit(_command(), 1.0))
        leaving = asyncio.create_task(inbox.submit(_command(), 0))
        await asyncio.sleep(0)
        for item in inbox.poll(2, 1):
            assert not waiting.done()
            assert not leaving.done()
            _settle(item.reply)
        return await waiting, await leaving

    assert asyncio.run(both()) == (ANSWER, None)


def test_submitting_to_a_full_queue_raises_busy() -> None:
    async def submit() -> None:
        inbox = Inbox(0, waiting_max=1)
        inbox.put(_command())
        with pytest.raises(Busy):
            await inbox.submit(_command(), 1.0)

    asyncio.run(submit())


def test_a_caller_who_has_left_before_the_turn_came_is_not_answered_but_the_command_is_done() -> None:
    inbox = Inbox(0)
    reply = inbox.put(_command())
    assert reply.cancel()
    (item,) = inbox.poll(1, 0)
    assert item.reply is None


def test_a_caller_who_leaves_later_does_not_disturb_whoever_answers() -> None:
    async def leave() -> None:
        inbox = Inbox(0)
        caller = asyncio.create_task(inbox.submit(_command(), 1.0))
        await asyncio.sleep(0)
        (item,) = inbox.poll(1, 1)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        _settle(item.reply)

    asyncio.run(leave())


def test_a_closed_inbox_takes_nothing_and_tells_those_who_wait_that_nothing_was_done() -> None:
    inbox = Inbox(0)
    waiting, gone = inbox.put(_command()), inbox.put(_command())
    gone.cancel()
    inbox.close()
    with pytest.raises(Unavailable):
        waiting.result(0)
    with pytest.raises(Busy):
        inbox.put(_command())
    assert inbox.poll(10, 0) == []
    inbox.close()


def test_of_many_who_put_at_once_while_it_closes_each_gets_an_answer() -> None:
    inbox = Inbox(0)
    outcomes: list[str] = []

    def put() -> None:
        for _ in range(200):
            try:
                inbox.put(_command()).result(10)
            except (Busy, Unavailable) as error:
                outcomes.append(type(error).__name__)
                return

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        for item in inbox.poll(10, 0.01):
            _settle(item.reply)
    inbox.close()
    for thread in threads:
        thread.join(10)
    assert len(outcomes) == 4
