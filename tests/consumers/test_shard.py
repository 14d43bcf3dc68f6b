"""The shard over real files: each command once (P2), each batch whole or not at all, one owner (P3)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from consumers import shard as shards
from domain.account import Account
from domain.ledger import LedgerUnavailable, PositionConflict
from schemas import events as e
from schemas.actors import Permission
from schemas.commands import Command
from schemas.receipts import Answer
from tests.consumers.shards import NAMES, NOON, Rig, code, disk_full, kinds, ready
from tests.domain import people
from tests.domain.given import ACME, NUMBER

SEND = people.send()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as opened:
        opened.process(*ready())
        yield opened


# --- P2 each command once ---------------------------------------------------------------------------


def test_a_send_is_three_events_in_one_transaction_with_one_context(rig: Rig) -> None:
    """P2: by whom, when, by which command and in which place is the same for each."""
    (answer,) = rig.process(SEND)
    *_, text, debit, receipt = rig.events()
    assert kinds([text, debit, receipt]) == [e.TextQueued, e.SegmentsDebited, e.CommandAccepted]
    assert text.context == debit.context == receipt.context
    assert (answer.receipt, answer.repeated, answer.conflict) == (receipt.event, False, False)
    assert (receipt.context.command_id, receipt.context.at, receipt.context.account) == (
        SEND.command_id,
        NOON,
        ACME,
    )
    assert receipt.context.actor.id == SEND.actor.id


def test_the_same_id_in_one_batch_takes_effect_once(rig: Rig) -> None:
    """P2"""
    before = len(rig.events())
    first, second, third = rig.process(SEND, SEND, SEND)
    assert len(rig.events()) == before + 3
    assert first.receipt is second.receipt is third.receipt
    assert [first.repeated, second.repeated, third.repeated] == [False, True, True]


def test_the_same_id_in_a_later_batch_takes_effect_once(rig: Rig) -> None:
    """P2"""
    (first,) = rig.process(SEND)
    stored = rig.events()
    rig.clock.move(timedelta(days=400))
    (second,) = rig.process(SEND)
    assert rig.events() == stored
    assert _same(first, second)


def test_the_same_id_while_the_first_is_still_being_stored_takes_effect_once(rig: Rig) -> None:
    """P2"""
    first = rig.decide(SEND)
    second = rig.decide(SEND)
    assert second.recorded == []
    assert second.answers[0][1].repeated
    for decided in (first, second):
        rig.shard.store(decided)
        rig.shard.settle(decided)
    (third,) = rig.process(SEND)
    assert _same(first.answers[0][1], third)


def test_the_same_id_after_a_restart_takes_effect_once(tmp_path: Path) -> None:
    """P2"""
    with Rig(tmp_path) as rig:
        rig.process(*ready())
        (first,) = rig.process(SEND)
        stored = rig.events()
        with rig.again() as restarted:
            (second,) = restarted.process(SEND)
            assert restarted.events() == stored
            assert _same(first, second)


def test_a_refusal_is_as_final_as_an_acceptance(rig: Rig) -> None:
    """P2: what was refused stays refused, even once nothing speaks against it."""
    text = people.send(candidate="bob")
    (first,) = rig.process(text)
    assert code(first) == "number_unknown"
    rig.process(people.add_number(candidate="bob"))
    (second,) = rig.process(text)
    assert _same(first, second)


@pytest.mark.parametrize(
    "other",
    [
        people.send("Something else"),
        people.send(actor=people.NIGHT_OWL.model_copy(update={"id": "linus"})),
        people.send(send_at=NOON + timedelta(days=1)),
        people.cancel(command_id=SEND.command_id),
        people.follow().model_copy(update={"command_id": SEND.command_id}),
    ],
    ids=lambda command: command.type,
)
@pytest.mark.parametrize("together", [True, False])
def test_the_same_id_with_other_content_is_a_conflict_and_does_nothing(
    rig: Rig, other: Command, together: bool
) -> None:
    """P2, 3.19"""
    if together:
        first, second = rig.process(SEND, other)
    else:
        (first,), (second,) = rig.process(SEND), rig.process(other)
    assert second.conflict
    assert second.repeated
    assert second.receipt == first.receipt
    assert kinds(rig.events()).count(e.CommandAccepted) == 5


def test_how_a_command_travelled_and_what_its_actor_may_do_by_now_is_not_its_content(rig: Rig) -> None:
    """P2: a retry with a fresh token and a trace of its own is the same command."""
    traced = SEND.model_copy(update={"traceparent": "00-1-2-01"})
    renamed = SEND.actor.model_copy(update={"name": "Grace H.", "permissions": frozenset({Permission.SEND})})
    first, second, third = rig.process(SEND, traced, SEND.model_copy(update={"actor": renamed}))
    assert not second.conflict
    assert not third.conflict
    assert second.receipt == third.receipt == first.receipt


def test_one_id_in_two_accounts_is_two_commands(rig: Rig) -> None:
    """P8"""
    ours = people.activate(command_id=UUID(int=7))
    theirs = people.activate(command_id=UUID(int=7), account="umbrella")
    first, second = rig.process(ours, theirs)
    assert not second.repeated
    assert (first.context.account, second.context.account) == (ACME, "umbrella")


def test_accounts_share_nothing(rig: Rig) -> None:
    """P8: not a number, not its consent, not the credit."""
    rig.process(*ready(account="umbrella")[:3])
    (answer,) = rig.process(people.send(account="umbrella"))
    assert code(answer) == "consent_not_given"
    rig.process(SEND)
    assert (rig.account().balance, rig.account("umbrella").balance) == (49, 50)
    assert rig.conversation(NUMBER, "umbrella").texts == {}


# --- a batch is stored whole or not at all ----------------------------------------------------------


def test_a_batch_that_is_not_stored_leaves_no_trace(rig: Rig) -> None:
    """P2, P4: nothing is remembered of it, and the same commands can be tried again."""
    events, account, conversation = rig.events(), rig.account(), rig.conversation()
    with disk_full(rig.folder), pytest.raises(LedgerUnavailable):
        rig.process(*_sends(500))
    assert rig.events() == events
    assert (rig.account(), rig.conversation()) == (account, conversation)
    (answer,) = rig.process(SEND)
    assert not answer.repeated
    assert rig.account().balance == 49


def test_after_a_fault_the_same_commands_are_decided_anew(rig: Rig) -> None:
    """P2"""
    batch = _sends(40)
    with disk_full(rig.folder), pytest.raises(LedgerUnavailable):
        rig.process(*batch, *_sends(400, "umbrella"))
    answers = rig.process(*batch)
    assert not any(answer.repeated for answer in answers)
    assert rig.account().balance == 10


def test_what_was_decided_upon_an_unstored_batch_is_forgotten_with_it(rig: Rig) -> None:
    """P4: the second batch was decided while the first was on its way to the disk."""
    first, second = rig.decide(*_sends(40), *_sends(400, "umbrella"), SEND), rig.decide(people.cancel())
    assert second.recorded
    with disk_full(rig.folder), pytest.raises(LedgerUnavailable):
        rig.shard.store(first)
    rig.shard.forget()
    assert rig.account().balance == 50
    (answer,) = rig.process(people.cancel())
    assert code(answer) == "text_unknown"


def test_the_position_moves_with_the_events_and_not_without(rig: Rig) -> None:
    """P2"""
    position = rig.ledger.position()
    with disk_full(rig.folder), pytest.raises(LedgerUnavailable):
        rig.process(*_sends(500))
    assert rig.ledger.position() == position
    batch = rig.batch(SEND)
    rig.shard.process(batch)
    assert rig.ledger.position() == batch[-1].position


def test_a_batch_of_nothing_but_repeats_moves_the_position(rig: Rig) -> None:
    """P2"""
    rig.process(SEND)
    batch = rig.batch(SEND)
    assert rig.shard.process(batch).recorded == []
    assert rig.ledger.position() == batch[-1].position


# --- one owner --------------------------------------------------------------------------------------


def test_an_owner_that_lost_its_shard_cannot_write(rig: Rig) -> None:
    """P2, P3"""
    with Rig(rig.folder, rig.clock) as successor:
        successor.process(SEND)
        stored = successor.events()
        with pytest.raises(PositionConflict):
            rig.process(people.cancel())
        assert successor.events() == stored
        (answer,) = successor.process(people.cancel())
        assert code(answer) is None


def test_of_two_owners_at_the_same_moment_one_writes(rig: Rig) -> None:
    """P2, P3"""
    with Rig(rig.folder, rig.clock) as other, ThreadPoolExecutor(2) as threads:
        before = len(rig.events())
        tries = [threads.submit(one.process, people.send(command_id=uuid4())) for one in (rig, other)]
        errors = [attempt.exception() for attempt in tries]
        assert sorted(type(error).__name__ for error in errors) == ["NoneType", "PositionConflict"]
        assert len(rig.events()) == before + 3


# --- a mistake of ours ------------------------------------------------------------------------------


def test_a_decision_that_breaks_is_refused_and_the_next_command_has_its_turn(rig: Rig) -> None:
    """P9: here the name of a time zone that has left the data base since, as it could."""
    stream = NAMES.conversation(ACME, NUMBER)
    entry = rig.shard.states.entry(stream)
    assert not isinstance(entry.state, Account)
    entry.state = rig.conversation()._replace(candidates={"ada": "Mars/Olympus"})
    broken, fine = rig.process(SEND, people.follow())
    assert code(broken) == "internal_error"
    assert code(fine) is None
    (again,) = rig.process(SEND)
    assert _same(broken, again)
    assert rig.account().balance == 50


# --- snapshots --------------------------------------------------------------------------------------


def test_a_long_history_is_read_from_its_snapshot_and_comes_to_the_same(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        rig.process(*ready())
        for _ in range(shards.EVENTS_BETWEEN_SNAPSHOTS // 500 + 1):
            rig.process(*(people.adjust(1) for _ in range(500)))
        account = rig.account()
        stream = NAMES.account(ACME)
        with rig.again() as restarted:
            snapshot = restarted.ledger.load_snapshot(stream)
            assert snapshot is not None
            assert (
                shards.EVENTS_BETWEEN_SNAPSHOTS <= snapshot[0] < restarted.shard.states.entry(stream).version
            )
            assert restarted.account() == account
            (answer,) = restarted.process(people.adjust(1))
            assert code(answer) is None
            assert restarted.account().balance == account.balance + 1


def test_a_snapshot_that_cannot_be_written_is_missed_by_nobody(rig: Rig) -> None:
    """The disk may be full, or the file locked: the events are there."""
    account = rig.account()
    rig.ledger.close()
    rig.shard._save_snapshot(NAMES.account(ACME), 2, account)
    with rig.again() as restarted:
        assert restarted.ledger.load_snapshot(NAMES.account(ACME)) is None
        assert restarted.account() == account


def _same(first: Answer, second: Answer) -> bool:
    """The second is a repeat with the first's receipt."""
    assert second.repeated
    assert not second.conflict
    return (first.receipt, _place(first)) == (second.receipt, _place(second))


def _place(answer: Answer) -> tuple[object, ...]:
    context = answer.context
    return context.account, context.at, context.command_id, context.shard, context.position


def _sends(count: int, account: str = ACME) -> list[Command]:
    return [people.send(f"{n:0100}", command_id=uuid4(), account=account) for n in range(count)]
