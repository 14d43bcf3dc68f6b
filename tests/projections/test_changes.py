"""Live readers: told of their account's changes in order, from where they left off; none fills the memory."""

import asyncio
from collections.abc import Coroutine, Sequence
from threading import Thread
from uuid import UUID

import pytest

from projections.announcing import changes_of
from projections.changes import Change, ChangeFeed, Reload, Subscription
from projections.source import read_batch
from schemas.events import (
    CommandAccepted,
    SegmentsDebited,
    StopRequestFlagged,
    TextingActivated,
    TextQueued,
    TextReceived,
)
from tests.projections.history import ACME, History, conversation

NUMBER = "+14155550123"
STREAM = conversation(NUMBER)


def change(n: int, account: str = ACME) -> Change:
    return Change(n, account, "message", "conversation-1")


def feed_at(position: int = 0, kept_max: int = 100, pending_max: int = 100) -> ChangeFeed:
    feed = ChangeFeed(kept_max, pending_max)
    feed.begin(position)
    return feed


async def read(reader: Subscription) -> Sequence[Change | Reload]:
    return await asyncio.wait_for(reader.next(), 5)


def run(story: Coroutine[None, None, None]) -> None:
    asyncio.run(story)


def changes_in(history: History) -> list[tuple[int, str, str | None]]:
    batch = read_batch(history.log, history.keys, 0, 1_000)
    return [(each.id, each.kind, each.subject) for each in changes_of(batch)]


def test_a_change_reaches_the_accounts_readers_and_no_others() -> None:
    async def story() -> None:
        feed = feed_at()
        async with feed.subscribe(ACME) as ours, feed.subscribe("other") as theirs:
            feed.publish([change(1), change(2, "other"), change(3)], 3)
            assert await read(ours) == (change(1), change(3))
            assert await read(theirs) == (change(2, "other"),)

    run(story())


def test_a_reader_waits_without_asking_and_another_thread_wakes_it() -> None:
    async def story() -> None:
        feed = feed_at()
        async with feed.subscribe(ACME) as reader:
            waiting = asyncio.create_task(read(reader))
            await asyncio.sleep(0)
            thread = Thread(target=feed.publish, args=([change(1)], 1))
            thread.start()
            assert await waiting == (change(1),)
            thread.join()

    run(story())


def test_a_reader_who_comes_back_gets_what_it_missed() -> None:
    async def story() -> None:
        feed = feed_at()
        feed.publish([change(1), change(2, "other"), change(3)], 4)
        async with feed.subscribe(ACME, after=1) as reader:
            feed.publish([change(5)], 5)
            assert await read(reader) == (change(3), change(5))

    run(story())


@pytest.mark.parametrize("after", [0, 6, 99])
def test_a_reader_who_missed_too_much_or_comes_from_elsewhere_reloads(after: int) -> None:
    async def story() -> None:
        feed = feed_at(kept_max=2)
        feed.publish([change(n) for n in range(1, 6)], 5)
        async with feed.subscribe(ACME, after=after) as reader:
            assert await read(reader) == (Reload(5),)

    run(story())


@pytest.mark.parametrize("after", [3, 4])
def test_what_is_kept_is_given_back_to_the_last_one(after: int) -> None:
    async def story() -> None:
        feed = feed_at(kept_max=2)
        feed.publish([change(n) for n in range(1, 6)], 5)
        async with feed.subscribe(ACME, after=after) as reader:
            assert await read(reader) == tuple(change(n) for n in range(after + 1, 6))

    run(story())


def test_who_is_up_to_date_hears_only_of_what_follows() -> None:
    async def story() -> None:
        feed = feed_at(7)
        async with feed.subscribe(ACME, after=7) as reader:
            feed.publish([change(8)], 8)
            assert await read(reader) == (change(8),)

    run(story())


def test_a_reader_too_slow_is_told_to_reload_and_goes_on_from_there() -> None:
    async def story() -> None:
        feed = feed_at(pending_max=3)
        async with feed.subscribe(ACME) as reader:
            for n in range(1, 6):
                feed.publish([change(n)], n)
            assert await read(reader) == (Reload(4), change(5))
            feed.publish([change(6)], 6)
            assert await read(reader) == (change(6),)

    run(story())


def test_nothing_is_kept_for_readers_who_left() -> None:
    async def story() -> None:
        feed = feed_at()
        async with feed.subscribe(ACME) as reader:
            pass
        feed.publish([change(1)], 1)
        reader.close()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.next(), 0.01)

    run(story())


def test_a_reader_whose_loop_is_gone_is_forgotten() -> None:
    feed = feed_at()

    async def leave_without_a_word() -> None:
        feed.subscribe(ACME)

    run(leave_without_a_word())
    feed.publish([change(1)], 1)
    feed.publish([change(2)], 2)
    assert feed.position == 2


# --- which events change what -----------------------------------------------------------------------


def test_a_send_changes_the_thread_the_balance_and_the_receipts(history: History) -> None:
    text = TextQueued(text_id=UUID(int=7), candidate="grace", body="Hi", encoding="GSM-7", segments=1)
    debit = SegmentsDebited(text_id=UUID(int=7), segments=1, balance=9)
    accepted = CommandAccepted(command_type="send-text", fingerprint="f")
    history.decided([(STREAM, text), ("account-acme", debit), ("receipt-7", accepted)], command=UUID(int=7))
    assert changes_in(history) == [
        (1, "message", STREAM),
        (2, "credits", None),
        (3, "receipt", str(UUID(int=7))),
    ]


def test_many_changes_of_one_thread_are_one_under_the_last_id(history: History) -> None:
    history.happened(STREAM, TextReceived(sid="SM1", body="a"), TextReceived(sid="SM2", body="b"))
    history.happened(STREAM, StopRequestFlagged(sid="SM2"))
    assert changes_in(history) == [(3, "consent", STREAM), (3, "message", STREAM)]


def test_an_activation_changes_the_account_and_its_credit(history: History) -> None:
    activated = TextingActivated(
        country="US", currency="USD", agreement_version="1", free_segments=50, balance=50
    )
    history.happened("account-acme", activated)
    assert changes_in(history) == [(1, "account", None), (1, "credits", None)]


def test_every_event_is_announced_by_ascending_id(history: History) -> None:
    history.numbered("grace", NUMBER).numbered("henry", NUMBER).numbered("grace", "+14155550199")
    ids = [number for number, _, _ in changes_in(history)]
    assert ids == sorted(ids)
    assert max(ids) == len(history.entries)
