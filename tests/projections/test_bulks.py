"""Given a bulk and what became of its texts, then how far it has come."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

import pytest

from projections import cursors
from projections.bulk_shapes import STATUSES, Bulk, BulkText
from projections.catalog import THREADS
from projections.cursors import BadCursor
from projections.shapes import MessageStatus, Who
from schemas.events import (
    BulkCancelled,
    BulkCounted,
    BulkPaused,
    BulkResumed,
    BulkStarted,
    DispatchDoubted,
    DispatchStarted,
    Event,
    NumberAdded,
    TextCancelled,
    TextDelivered,
    TextFailed,
    TextQueued,
    TextScheduled,
    TextSent,
    TextUnknown,
)
from tests.projections.history import ACME, ADA, NOON, PHONE, History, conversation
from tests.projections.plans import plans_of
from tests.projections.views import Views

BULK = UUID(int=500)
NUMBER = "+14155550123"
STREAM = conversation(NUMBER)
OURS = Who("member", "ada", "Ada L.")


def started(texts: int = 0, refused: int = 0, bulk: UUID = BULK) -> BulkStarted:
    streams = tuple(f"conversation-{number}" for number in range(texts))
    return BulkStarted(bulk=bulk, body="Come!", send_at=None, conversations=streams, refused=refused)


def queued(n: int, bulk: UUID | None = BULK) -> Event:
    return TextQueued(
        text_id=UUID(int=n), candidate="grace", body="Come!", encoding="GSM-7", segments=1, bulk=bulk
    )


def scheduled(n: int, candidate: str = "grace") -> Event:
    return TextScheduled(
        text_id=UUID(int=n), candidate=candidate, body="Come!", encoding="GSM-7", segments=1,
        send_at=NOON, delay="requested", bulk=BULK,
    )  # fmt: skip


def begun(n: int) -> Event:
    return DispatchStarted(text_id=UUID(int=n), attempt=1, sender="+14155550100")


def bulk_of(views: Views, history: History, bulk: UUID = BULK) -> Bulk:
    found = views.given(history).ask.bulk(ACME, bulk)
    assert found is not None
    return found


def counts_of(bulk: Bulk) -> dict[str, int]:
    names = ("waiting", "sending", "sent", "delivered", "failed", "cancelled", "unknown")
    return {name: getattr(bulk, name) for name in names if getattr(bulk, name)}


@pytest.fixture
def history(history: History) -> History:
    return history.numbered("grace", NUMBER)


def test_a_bulk_tells_what_it_says_and_who_started_it_when(views: Views, history: History) -> None:
    history.happened(STREAM, queued(1), scheduled(2)).happened("bulk", started(2, refused=3))
    bulk = bulk_of(views, history)
    assert (bulk.bulk, bulk.body, bulk.send_at, bulk.state, bulk.cause) == (
        BULK,
        "Come!",
        None,
        "running",
        None,
    )
    assert (bulk.started_at, bulk.by, bulk.state_at, bulk.state_by) == (history.now, OURS, history.now, OURS)
    assert (bulk.total, bulk.refused, bulk.opted_out) == (5, 3, 0)
    assert counts_of(bulk) == {"waiting": 2}


def test_every_text_is_counted_where_it_has_come_to(views: Views, history: History) -> None:
    ids = range(1, 11)
    history.happened(STREAM, *map(queued, ids), queued(90, None), queued(91, UUID(int=501)))
    history.happened("bulk", started(10))
    history.happened(STREAM, *map(begun, range(2, 10)))
    history.happened(
        STREAM,
        DispatchDoubted(text_id=UUID(int=3), attempt=1, reason="silence"),
        *(TextSent(text_id=UUID(int=n), sid=f"SM{n}", status="queued") for n in (4, 5, 6, 7)),
        TextDelivered(text_id=UUID(int=5)),
        TextFailed(text_id=UUID(int=6), status="undelivered", code=None, reason=""),
        TextFailed(text_id=UUID(int=8), status="failed", code=None, reason=""),
        TextUnknown(text_id=UUID(int=7)),
        TextCancelled(text_id=UUID(int=10), reason="missed"),
    )
    assert counts_of(bulk_of(views, history)) == {
        "waiting": 1, "sending": 3, "sent": 1, "delivered": 1, "failed": 2, "cancelled": 1, "unknown": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("events", "state", "cause"),
    [
        ([BulkPaused(bulk=BULK, cause="member")], "paused", "member"),
        ([BulkPaused(bulk=BULK, cause="opt_outs")], "paused", "opt_outs"),
        ([BulkPaused(bulk=BULK, cause="member"), BulkResumed(bulk=BULK)], "running", None),
        ([BulkCancelled(bulk=BULK, cancelled=1)], "cancelled", None),
    ],
)
def test_it_tells_its_state_and_who_brought_it_about(
    views: Views, history: History, events: list[Event], state: str, cause: Any
) -> None:
    history.happened(STREAM, queued(1)).happened("bulk", started(1))
    history.happened("bulk", *events, by=PHONE)
    bulk = bulk_of(views, history)
    assert (bulk.state, bulk.cause, bulk.state_at) == (state, cause, history.now)
    assert (bulk.by.id, bulk.state_by.id) == ("ada", "phone")


def test_when_nothing_waits_any_more_it_is_finished(views: Views, history: History) -> None:
    history.happened(STREAM, queued(1)).happened("bulk", started(1), BulkPaused(bulk=BULK, cause="member"))
    history.happened(STREAM, TextCancelled(text_id=UUID(int=1), reason="cancelled_by_member"))
    bulk = bulk_of(views, history)
    assert (bulk.state, bulk.cause) == ("finished", None)


def test_opt_outs_are_those_that_were_counted(views: Views, history: History) -> None:
    counted = BulkCounted(bulk=BULK, what="opted_out", handed_over=9, failed=1, opted_out=2)
    assert bulk_of(views, history.happened("bulk", started(10), counted)).opted_out == 2


def test_bulks_are_listed_newest_first_page_by_page(views: Views, history: History) -> None:
    for n in range(5):
        history.happened(f"bulk-{n}", started(bulk=UUID(int=n)), at=NOON if n < 3 else None)
    history.happened("other", started(bulk=UUID(int=9)), account="other")
    ask = views.given(history).ask
    listed: list[int] = []
    cursor = None
    while True:
        page = ask.bulks(ACME, cursor, 2)
        listed += [bulk.bulk.int for bulk in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert listed == [4, 3, 2, 1, 0]
    with pytest.raises(BadCursor):
        ask.bulks(ACME, "nonsense")


def test_another_account_sees_nothing_of_it(views: Views, history: History) -> None:
    views.given(history.happened(STREAM, queued(1)).happened("bulk", started(1), by=ADA))
    assert views.ask.bulk("other", BULK) is None
    assert views.ask.bulks("other").items == ()


# --- its texts --------------------------------------------------------------------------------------


def walked(
    views: Views, statuses: Collection[MessageStatus] = (), limit: int = 2
) -> tuple[list[BulkText], int]:
    """What is met page by page, and the number of pages."""
    met: list[BulkText] = []
    cursor, pages = None, 0
    while pages == 0 or cursor is not None:
        page = views.ask.bulk_texts(ACME, BULK, statuses, cursor, limit)
        assert page is not None
        met += page.items
        cursor, pages = page.next, pages + 1
    return met, pages


def test_every_status_that_a_text_can_have_is_in_one_of_the_figures() -> None:
    counted = [status for statuses in STATUSES.values() for status in statuses]
    assert sorted(counted) == sorted(set(get_args(MessageStatus)) - {"received"})


def test_each_text_tells_its_recipient_and_what_became_of_it(views: Views, history: History) -> None:
    other = "+14155550124"
    history.numbered("henry", other)
    history.happened("candidate-grace", NumberAdded(
        candidate="grace", conversation=STREAM, number=NUMBER, name="Grace H.", region="US", time_zone=None
    ))  # fmt: skip
    history.happened(STREAM, queued(1), queued(90, None), queued(91, UUID(int=501)))
    accepted_at = history.now
    history.happened(conversation(other), scheduled(2, "henry")).happened("bulk", started(2))
    history.happened(STREAM, begun(1))
    history.happened(
        STREAM, TextFailed(text_id=UUID(int=1), status="failed", code=21614, reason="No."), by=PHONE
    )
    first, second = walked(views.given(history))[0]
    assert first == BulkText(
        text_id=UUID(int=1),
        candidate="grace",
        name="Grace H.",
        number=NUMBER,
        status="failed",
        at=accepted_at,
        segments=1,
        send_at=None,
        delay=None,
        bulk_paused=None,
        status_at=history.now,
        status_by=Who("candidate", "phone", None),
        code=21614,
        reason="No.",
    )
    assert (second.candidate, second.name, second.number) == ("henry", None, other)
    assert (second.status, second.send_at, second.delay) == ("scheduled", NOON, "requested")
    assert (second.status_at, second.status_by) == (second.at, OURS)
    assert second.at == accepted_at + timedelta(minutes=1)


def test_texts_are_met_once_each_page_by_page_however_they_move_on(views: Views, history: History) -> None:
    history.happened(STREAM, *map(queued, range(1, 6))).happened("bulk", started(5))
    page = views.given(history).ask.bulk_texts(ACME, BULK, limit=2)
    assert page is not None
    met = [text.text_id.int for text in page.items]
    views.given(history.happened(STREAM, *map(begun, (1, 2, 4))))
    while page.next is not None:
        page = views.ask.bulk_texts(ACME, BULK, (), page.next, 2)
        assert page is not None
        met += [text.text_id.int for text in page.items]
    assert met == [1, 2, 3, 4, 5]
    assert walked(views, limit=5)[1] == 1


def test_texts_can_be_asked_for_by_status(views: Views, history: History) -> None:
    history.happened(STREAM, *map(queued, range(1, 8)), scheduled(8)).happened("bulk", started(8))
    history.happened(STREAM, *map(begun, (2, 4, 6)))
    history.happened(STREAM, TextSent(text_id=UUID(int=4), sid="SM4", status="queued"))
    views.given(history)

    def listed(*statuses: MessageStatus) -> list[int]:
        return [text.text_id.int for text in walked(views, statuses)[0]]

    assert listed("queued") == [1, 3, 5, 7]
    assert listed("scheduled", "queued") == [1, 3, 5, 7, 8]
    assert listed("sending", "sending") == [2, 6]
    assert listed("sent") == [4]
    assert listed("failed") == []
    assert listed() == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("cause", ["member", "failures", "opt_outs"])
def test_a_text_that_waits_says_why_its_bulk_is_paused(views: Views, history: History, cause: Any) -> None:
    history.happened(STREAM, queued(1), scheduled(2), queued(3), begun(3)).happened("bulk", started(3))
    views.given(history.happened("bulk", BulkPaused(bulk=BULK, cause=cause)))
    assert [text.bulk_paused for text in walked(views)[0]] == [cause, cause, None]
    views.given(history.happened("bulk", BulkResumed(bulk=BULK)))
    assert [text.bulk_paused for text in walked(views)[0]] == [None, None, None]


def test_strangers_get_no_list_and_no_other_lists_cursor_is_taken(views: Views, history: History) -> None:
    views.given(history.happened(STREAM, queued(1)).happened("bulk", started(1)))
    assert views.ask.bulk_texts("other", BULK) is None
    assert views.ask.bulk_texts(ACME, UUID(int=501)) is None
    for cursor in ("nonsense", cursors.write("bulks", (1, BULK.hex))):
        with pytest.raises(BadCursor):
            views.ask.bulk_texts(ACME, BULK, (), cursor)


def test_texts_are_found_along_the_index_of_their_status_however_many_there_are(
    views: Views, history: History
) -> None:
    views.given(history.happened(STREAM, queued(1)).happened("bulk", started(1)))
    plan = plans_of(views.engine, lambda: views.ask.bulk_texts(ACME, BULK, ("failed", "undelivered")))[-1]
    messages = THREADS.messages.name
    searches = [line for line in plan.splitlines() if f"{THREADS.key}_bulk" in line]
    assert len(searches) == 2
    assert f"SCAN {messages}" not in plan
    assert f"Seq Scan on {messages}" not in plan


def test_they_are_counted_along_that_index(views: Views, history: History) -> None:
    views.given(history.happened("bulk", started()))
    plan = plans_of(views.engine, lambda: views.ask.bulk(ACME, BULK))[-1]
    assert f"{THREADS.key}_bulk" in plan
