"""Given a bulk and what became of its texts, then how far it has come."""

from typing import Any
from uuid import UUID

import pytest

from projections.bulk_shapes import Bulk
from projections.cursors import BadCursor
from projections.shapes import Who
from schemas.events import (
    BulkCancelled,
    BulkCounted,
    BulkPaused,
    BulkResumed,
    BulkStarted,
    DispatchDoubted,
    DispatchStarted,
    Event,
    TextCancelled,
    TextDelivered,
    TextFailed,
    TextQueued,
    TextScheduled,
    TextSent,
    TextUnknown,
)
from tests.projections.history import ACME, ADA, NOON, PHONE, History, conversation
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


def scheduled(n: int) -> Event:
    return TextScheduled(
        text_id=UUID(int=n), candidate="grace", body="Come!", encoding="GSM-7", segments=1,
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
