"""Given texts in every state, then what the scheduler and the dispatcher find to do."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from projections import tracking
from projections.catalog import OPEN_TEXTS
from projections.engine import writing
from projections.worklist import Worklist
from schemas.events import (
    BulkPaused,
    BulkResumed,
    DispatchDoubted,
    DispatchStarted,
    Event,
    SenderAssigned,
    SendingResumed,
    SendingStopped,
    TextCancelled,
    TextCounted,
    TextDelivered,
    TextFailed,
    TextQueued,
    TextReceived,
    TextRecounted,
    TextRescheduled,
    TextScheduled,
    TextSent,
    TextUnknown,
)
from tests.consumers.waiting_texts import text
from tests.projections.history import ACME, NOON, History, conversation
from tests.projections.plans import plans_of
from tests.projections.views import Views

NUMBER = "+14155550123"
STREAM = conversation(NUMBER)
ACCOUNT = f"account-{ACME}"
TEXT = UUID(int=7)
OURS, THEIRS = "+14155550100", "+14155550101"
SCANNED_OR_SORTED = re.compile(r"SCAN (?!visited|CONSTANT ROW)|TEMP B-TREE|Seq Scan|Sort")
LONG_AGO = NOON - timedelta(days=1)
LATE = datetime.max.replace(tzinfo=NOON.tzinfo)

STARTED = DispatchStarted(text_id=TEXT, attempt=1, sender=THEIRS)
STARTED_8 = DispatchStarted(text_id=UUID(int=8), attempt=1, sender=THEIRS)
SENT = TextSent(text_id=TEXT, sid="SM9", status="queued")
DOUBTED = DispatchDoubted(text_id=TEXT, attempt=1, reason="reset")


def queued(n: int = 7, bulk: UUID | None = None) -> Event:
    return TextQueued(
        text_id=UUID(int=n), candidate="grace", body="Hi!", encoding="GSM-7", segments=1, bulk=bulk
    )


def scheduled(n: int, send_at: datetime, bulk: UUID | None = None) -> Event:
    return TextScheduled(
        text_id=UUID(int=n), candidate="grace", body="Hi!", encoding="GSM-7", segments=1,
        send_at=send_at, delay="requested", bulk=bulk,
    )  # fmt: skip


@pytest.fixture
def history(history: History) -> History:
    return history.happened(ACCOUNT, SenderAssigned(sender=OURS, region="US")).numbered("grace", NUMBER)


def numbers_of(views: Views, now: datetime, limit: int = 10) -> list[int]:
    return [text.text_id.int for text in views.worklist.due(now, limit)]


def test_a_queued_text_is_due_at_once_with_all_that_a_carrier_needs(views: Views, history: History) -> None:
    (text,) = views.given(history.happened(STREAM, queued())).worklist.due(history.now, 10)
    assert (text.text_id, text.account, text.number, text.candidate) == (TEXT, ACME, NUMBER, "grace")
    assert (text.body, text.sender, text.segments, text.purpose) == ("Hi!", OURS, 1, "message")
    assert (text.state, text.attempt, text.sid, text.due_at, text.since) == (
        "queued", 0, None, history.now, history.now,
    )  # fmt: skip


def test_a_scheduled_text_is_due_when_its_time_has_come(views: Views, history: History) -> None:
    at = NOON + timedelta(days=3)
    views.given(history.happened(STREAM, scheduled(1, at)))
    assert views.worklist.next_due(NOON) == at
    assert views.worklist.next_due(at) is None
    assert numbers_of(views, at - timedelta(microseconds=1)) == []
    assert numbers_of(views, at) == [1]


def test_the_longest_due_come_first_and_no_more_than_asked_for(views: Views, history: History) -> None:
    history.happened(STREAM, *(scheduled(n, NOON + timedelta(hours=9 - n)) for n in range(1, 6)))
    views.given(history)
    assert numbers_of(views, NOON + timedelta(days=1), limit=3) == [5, 4, 3]


def test_nothing_is_due_where_nothing_waits(views: Views, history: History) -> None:
    views.given(history)
    assert views.worklist.next_due(NOON) is None
    assert views.worklist.due(LATE, 10) == []


def test_a_rescheduled_text_is_due_at_its_new_time(views: Views, history: History) -> None:
    later = NOON + timedelta(days=1)
    moved = TextRescheduled(text_id=TEXT, send_at=later, delay="carrier")
    views.given(history.happened(STREAM, queued(), STARTED, moved))
    (text,) = views.worklist.due(later, 10)
    assert (text.state, text.attempt, text.sender, text.due_at) == ("scheduled", 1, OURS, later)
    assert views.worklist.dispatching(LATE, 10) == []


def test_a_text_under_way_is_found_in_the_state_it_is_in(views: Views, history: History) -> None:
    worklist = views.given(history.happened(STREAM, queued(), STARTED)).worklist
    (text,) = worklist.dispatching(LATE, 10)
    assert (text.state, text.sender, text.due_at, text.since) == ("dispatching", THEIRS, None, history.now)
    assert worklist.due(LATE, 10) == []
    begun = history.now
    views.given(history.happened(STREAM, DOUBTED))
    assert ([t.state for t in worklist.in_doubt(LATE, 10)], worklist.dispatching(LATE, 10)) == (
        ["in_doubt"],
        [],
    )
    views.given(history.happened(STREAM, SENT))
    (sent,) = worklist.awaiting_status(LATE, 10)
    assert (sent.state, sent.sid, sent.since) == ("sent", "SM9", begun)
    assert worklist.in_doubt(LATE, 10) == []


def test_only_texts_that_waited_long_enough_are_asked_after(views: Views, history: History) -> None:
    views.given(history.happened(STREAM, queued(), STARTED, SENT))
    assert views.worklist.awaiting_status(history.now, 10) == []
    assert len(views.worklist.awaiting_status(history.now + timedelta(microseconds=1), 10)) == 1


@pytest.mark.parametrize(
    "end",
    [
        TextDelivered(text_id=TEXT),
        TextFailed(text_id=TEXT, status="failed", code=None, reason="no"),
        TextCancelled(text_id=TEXT, reason="cancelled_by_member"),
        TextUnknown(text_id=TEXT),
    ],
)
def test_a_settled_text_is_nobodys_work(views: Views, history: History, end: Event) -> None:
    views.given(history.happened(STREAM, queued(), STARTED, SENT)).given(history.happened(STREAM, end))
    assert views.rows()[OPEN_TEXTS.texts.name] == []
    late = TextRecounted(text_id=TEXT, billed=2, paid=2)
    assert views.given(history.happened(STREAM, late)).rows()[OPEN_TEXTS.texts.name] == []


@pytest.mark.parametrize(
    "end",
    [
        TextDelivered(text_id=TEXT, counted=False),
        TextFailed(text_id=TEXT, status="undelivered", code=30005, reason="no", counted=False),
    ],
)
def test_an_ended_text_that_is_not_counted_is_asked_after_until_it_is(
    views: Views, history: History, end: Event
) -> None:
    worklist = views.given(history.happened(STREAM, queued(), STARTED, SENT)).worklist
    begun = history.now
    views.given(history.happened(STREAM, end))
    (text,) = worklist.uncounted(LATE, 10)
    assert (text.state, text.sid) == ("uncounted", "SM9")
    assert worklist.uncounted(begun - timedelta(days=1), 10) == []
    assert worklist.awaiting_status(LATE, 10) == worklist.due(LATE, 10) == []
    views.given(history.happened(STREAM, TextCounted(text_id=TEXT, billed=2, paid=2)))
    assert views.rows()[OPEN_TEXTS.texts.name] == []


def test_however_many_there_are_each_is_on_one_page(views: Views, history: History) -> None:
    """Also of those whose hand-over began at the same moment."""
    for one in [(5, 2), (4, 6, 1), (3,)]:
        begun = [DispatchStarted(text_id=UUID(int=n), attempt=1, sender=THEIRS) for n in one]
        history.happened(STREAM, *map(queued, one)).happened(
            STREAM, *begun, at=history.now + timedelta(hours=1)
        )
    worklist = views.given(history).worklist
    pages, last = [], None
    while page := worklist.dispatching(LATE, 2, last):
        pages.append([found.text_id.int for found in page])
        last = page[-1]
    assert pages == [[2, 5], [1, 4], [6, 3]]


def test_a_stopped_accounts_texts_wait_until_it_is_resumed(views: Views, history: History) -> None:
    history.happened(STREAM, queued(1), scheduled(2, NOON))
    history.happened(ACCOUNT, SendingStopped(code=30002, reason="suspended"))
    views.given(history)
    assert views.worklist.due(LATE, 10) == []
    assert views.worklist.next_due(NOON) is None
    views.given(history.happened(ACCOUNT, SendingResumed()))
    assert numbers_of(views, LATE) == [2, 1]


def test_a_paused_bulks_texts_wait_until_it_is_resumed_and_no_others_do(
    views: Views, history: History
) -> None:
    bulk = UUID(int=50)
    history.happened(STREAM, queued(1, bulk), scheduled(2, NOON, bulk), queued(3), queued(4, UUID(int=51)))
    views.given(history.happened("bulk", BulkPaused(bulk=bulk, cause="member")))
    assert numbers_of(views, LATE) == [3, 4]
    views.given(history.happened("bulk", BulkResumed(bulk=bulk)))
    assert sorted(numbers_of(views, LATE)) == [1, 2, 3, 4]


def test_who_is_held_for_two_reasons_waits_until_both_are_gone(views: Views, history: History) -> None:
    bulk = UUID(int=50)
    paused, resumed = BulkPaused(bulk=bulk, cause="failures"), BulkResumed(bulk=bulk)
    stopped = SendingStopped(code=30002, reason="suspended")
    history.happened(STREAM, queued(1, bulk)).happened("bulk", paused).happened(ACCOUNT, stopped)
    assert numbers_of(views.given(history.happened(ACCOUNT, SendingResumed())), LATE) == []
    assert numbers_of(views.given(history.happened("bulk", resumed)), LATE) == [1]
    history.happened("bulk", paused).happened(ACCOUNT, stopped).happened("bulk", resumed)
    assert numbers_of(views.given(history), LATE) == []
    assert numbers_of(views.given(history.happened(ACCOUNT, SendingResumed())), LATE) == [1]


def test_one_stopped_account_holds_up_no_other(views: Views, history: History) -> None:
    other = conversation("+14155550177")
    history.numbered("ida", "+14155550177", account="other").happened(other, queued(8), account="other")
    history.happened(STREAM, queued(1)).happened(ACCOUNT, SendingStopped(code=None, reason="suspended"))
    assert numbers_of(views.given(history), LATE) == [8]


def test_each_shard_has_the_texts_of_its_own_accounts_to_hand_over(views: Views, history: History) -> None:
    other = History("beta", shard=3).numbered("ida", "+14155550177")
    other.happened(conversation("+14155550177"), queued(8)).happened(conversation("+14155550177"), STARTED_8)
    other.happened(conversation("+14155550177"), scheduled(9, NOON))
    views.given(history.happened(STREAM, queued(1)))
    with writing(views.engine) as connection:
        for view in views.views:
            tracking.begin(connection, view.key, tracking.source_of(3))
    views.given(other, source=tracking.source_of(3))
    third = Worklist(views.engine, 3)
    assert numbers_of(views, LATE) == [1]
    assert [text.text_id.int for text in third.due(LATE, 10)] == [9]
    assert (views.worklist.next_due(LONG_AGO), third.next_due(LONG_AGO)) == (history.now, NOON)
    assert views.worklist.dispatching(LATE, 10) == []
    assert [text.text_id.int for text in third.dispatching(LATE, 10)] == [8]


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda worklist: worklist.due(NOON, 10), "due"),
        (lambda worklist: worklist.next_due(NOON), "due"),
        (lambda worklist: worklist.due_of(ACME, 1, NOON, 10), "lanes"),
        (lambda worklist: worklist.waiting("", 10), "lanes"),
        (lambda worklist: worklist.dispatching(NOON, 10), "begun"),
        (lambda worklist: worklist.in_doubt(NOON, 10), "begun"),
        (lambda worklist: worklist.awaiting_status(NOON, 10), "begun"),
        (lambda worklist: worklist.uncounted(NOON, 10, text(7)), "begun"),
    ],
)
def test_every_question_reads_an_index_in_its_order(
    views: Views, ask: Callable[[Worklist], object], index: str
) -> None:
    """However many texts wait: nothing is scanned, nothing is sorted."""
    plan = plans_of(views.engine, lambda: ask(views.worklist))[0]
    assert OPEN_TEXTS.texts.name.removesuffix("texts") + index in plan
    assert not SCANNED_OR_SORTED.search(plan)


# --- from which sender ------------------------------------------------------------------------------


def sender_of(views: Views, history: History) -> tuple[str | None, str]:
    (text,) = views.given(history).worklist.due(LATE, 10)
    return text.sender, text.carrier


def test_of_several_senders_the_view_foretells_one_of_the_recipients_country(
    views: Views, history: History
) -> None:
    history.happened(ACCOUNT, SenderAssigned(sender=OURS, region="DE"))
    history.happened(ACCOUNT, SenderAssigned(sender=THEIRS, region="US"))
    history.happened(STREAM, queued())
    assert sender_of(views, history) == (THEIRS, "twilio")


def test_of_several_senders_the_view_foretells_the_one_that_the_recipient_knows(
    views: Views, history: History
) -> None:
    history.happened(ACCOUNT, SenderAssigned(sender=THEIRS, region="US", carrier="backup"))
    history.happened(STREAM, queued(8), STARTED_8, queued())
    started_only = views.given(history).worklist.due(LATE, 10)
    assert [(text.sender, text.carrier) for text in started_only] == [(OURS, "twilio")]
    history.happened(STREAM, TextSent(text_id=UUID(int=8), sid="SM8", status="queued"))
    assert sender_of(views, history) == (THEIRS, "backup")
    history.happened(STREAM, TextReceived(sid="SM3", body="Hello", sender=OURS))
    assert sender_of(views, history) == (OURS, "twilio")


def test_a_text_that_was_begun_shows_what_it_was_handed_over_from_and_to_whom(
    views: Views, history: History
) -> None:
    begun = DispatchStarted(text_id=TEXT, attempt=1, sender=THEIRS, carrier="backup")
    views.given(history.happened(STREAM, queued(), begun))
    (text,) = views.worklist.dispatching(LATE, 10)
    assert (text.sender, text.carrier) == (THEIRS, "backup")
