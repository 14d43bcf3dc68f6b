"""Given texts and replies, then the threads as recruiters see them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from projections.shapes import MessageStatus, TextPlace, ThreadMessage, Who
from schemas.actors import CARRIER, SYSTEM
from schemas.commands import Media
from schemas.events import (
    BulkPaused,
    BulkStarted,
    CandidateJoined,
    CandidateLeft,
    DispatchDoubted,
    DispatchStarted,
    Event,
    KeywordReceived,
    NumberRemoved,
    StopRequestFlagged,
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
    ThreadRead,
)
from tests.projections.history import ACME, NOON, PHONE, History, actor, conversation
from tests.projections.views import Views

NUMBER = "+14155550123"
STREAM = conversation(NUMBER)
TEXT = UUID(int=7)
SENDER = "+14155550100"


def queued(text_id: UUID = TEXT, candidate: str | None = "grace", body: str = "Hi!") -> Event:
    return TextQueued(text_id=text_id, candidate=candidate, body=body, encoding="GSM-7", segments=1)


def replied(sid: str = "SM1", body: str = "Hello") -> Event:
    return TextReceived(sid=sid, body=body)


STARTED = DispatchStarted(text_id=TEXT, attempt=1, sender=SENDER)
SENT = TextSent(text_id=TEXT, sid="SM9", status="queued")


def messages(views: Views, history: History, candidate: str = "grace") -> tuple[ThreadMessage, ...]:
    return views.given(history).ask.messages(ACME, candidate, NUMBER).items


def test_a_thread_shows_what_went_out_and_what_came_in_newest_first(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER, name="Grace H.").happened(STREAM, queued())
    history.happened(STREAM, replied(), by=PHONE)
    reply, text = messages(views, history)
    assert (reply.kind, reply.status, reply.body, reply.unread) == ("reply", "received", "Hello", True)
    assert (reply.id, reply.sid, reply.by) == ("SM1", "SM1", Who("candidate", "phone", None))
    assert (text.kind, text.status, text.body, text.id) == ("text", "queued", "Hi!", str(TEXT))
    assert (text.encoding, text.segments, text.purpose) == ("GSM-7", 1, "message")
    assert text.by == text.status_by == Who("member", "ada", "Ada L.")
    (thread,) = views.ask.threads(ACME, "grace")
    assert (thread.number, thread.name, thread.unread, thread.texted) == (NUMBER, "Grace H.", 1, True)
    assert (thread.consent, thread.under_review) == ("not_given", False)
    assert thread.last == reply


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([], "queued"),
        ([STARTED], "sending"),
        ([STARTED, DispatchDoubted(text_id=TEXT, attempt=1, reason="reset")], "in_doubt"),
        ([STARTED, SENT], "sent"),
        ([STARTED, SENT, TextDelivered(text_id=TEXT)], "delivered"),
        ([STARTED, SENT, TextUnknown(text_id=TEXT)], "unknown"),
        ([STARTED, TextRescheduled(text_id=TEXT, send_at=NOON, delay="carrier")], "scheduled"),
        ([TextCancelled(text_id=TEXT, reason="cancelled_by_member")], "cancelled"),
        ([STARTED, TextFailed(text_id=TEXT, status="failed", code=21211, reason="no")], "failed"),
        ([STARTED, SENT, TextFailed(text_id=TEXT, status="undelivered", code=1, reason="no")], "undelivered"),
    ],
)
def test_a_text_goes_through_its_states(
    views: Views, history: History, events: list[Event], status: MessageStatus
) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, queued())
    history.happened(STREAM, *events, by=SYSTEM)
    (text,) = messages(views, history)
    assert text.status == status
    assert text.by == Who("member", "ada", "Ada L.")
    assert text.status_by == (Who("system", "sayso", None) if events else text.by)


def test_a_text_for_later_says_when_and_why(views: Views, history: History) -> None:
    scheduled = TextScheduled(
        text_id=TEXT, candidate="grace", body="Hi!", encoding="GSM-7", segments=1,
        send_at=NOON + timedelta(days=2), delay="quiet_hours",
    )  # fmt: skip
    history.numbered("grace", NUMBER).happened(STREAM, scheduled)
    (later,) = messages(views, history)
    assert (later.status, later.send_at, later.delay) == (
        "scheduled",
        NOON + timedelta(days=2),
        "quiet_hours",
    )
    history.happened(STREAM, TextRescheduled(text_id=TEXT, send_at=NOON, delay="requested"))
    (moved,) = messages(views, history)
    assert (moved.status, moved.send_at, moved.delay) == ("scheduled", NOON, "requested")


def test_a_failure_keeps_the_carriers_code_and_words(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, queued(), STARTED, SENT)
    failed = TextFailed(text_id=TEXT, status="undelivered", code=30005, reason="Unknown phone.")
    history.happened(STREAM, failed, by=CARRIER)
    (text,) = messages(views, history)
    assert (text.code, text.reason, text.sid) == (30005, "Unknown phone.", "SM9")
    assert (text.status_at, text.status_by) == (history.now, Who("carrier", "twilio", None))


def test_a_doubt_that_was_lifted_leaves_no_reason(views: Views, history: History) -> None:
    doubted = DispatchDoubted(text_id=TEXT, attempt=1, reason="No answer.")
    history.numbered("grace", NUMBER).happened(STREAM, queued(), STARTED, doubted)
    assert [text.reason for text in messages(views, history)] == ["No answer."]
    history.happened(STREAM, SENT)
    assert [text.reason for text in messages(views, history)] == [None]


def test_the_carriers_count_replaces_ours(views: Views, history: History) -> None:
    recounted = TextRecounted(text_id=TEXT, billed=3, paid=2)
    history.numbered("grace", NUMBER).happened(STREAM, queued(), STARTED, SENT, recounted)
    assert [text.segments for text in messages(views, history)] == [3]


def test_so_does_a_count_that_comes_after_the_end_unless_there_is_none(
    views: Views, history: History
) -> None:
    ended = TextDelivered(text_id=TEXT, counted=False)
    history.numbered("grace", NUMBER).happened(STREAM, queued(), STARTED, SENT, ended)
    ours = [text.segments for text in messages(views, history)]
    history.happened(STREAM, TextCounted(text_id=TEXT, billed=None, paid=1))
    assert [text.segments for text in messages(views, history)] == ours
    history.happened(STREAM, TextCounted(text_id=TEXT, billed=3, paid=2))
    assert [text.segments for text in messages(views, history)] == [3]


def test_a_keyword_stands_in_the_thread_with_what_it_does(views: Views, history: History) -> None:
    keyword = KeywordReceived(sid="SM1", action="stop", keyword="STOP", body=" Stop. ")
    history.numbered("grace", NUMBER).happened(STREAM, keyword, by=PHONE)
    (message,) = messages(views, history)
    assert (message.kind, message.action, message.keyword, message.body) == (
        "keyword", "stop", "STOP", " Stop. ",
    )  # fmt: skip


def test_pictures_are_where_the_carrier_keeps_them(views: Views, history: History) -> None:
    media = (Media(url="https://carrier.example/1", content_type="image/png"),)
    history.numbered("grace", NUMBER).happened(STREAM, TextReceived(sid="SM1", body="", media=media))
    (message,) = messages(views, history)
    (attached,) = message.media
    assert (attached.index, attached.url, attached.content_type) == (0, media[0].url, media[0].content_type)
    assert (attached.state, attached.size_bytes, attached.picture, attached.reason) == (
        "waiting",
        *[None] * 3,
    )


def test_a_flagged_reply_is_marked_and_others_are_not(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, replied("SM1"), replied("SM2"))
    history.happened(STREAM, StopRequestFlagged(sid="SM2"))
    assert [message.flagged for message in messages(views, history)] == [True, False]


def test_the_same_sid_twice_is_one_reply(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, replied("SM1", "first"))
    history.happened(STREAM, replied("SM1", "second"), replied("SM1", "third"))
    assert [message.body for message in messages(views, history)] == ["first"]


def test_replies_are_unread_until_somebody_reads_the_thread(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, replied("SM1"), queued(), replied("SM2"))
    views.given(history)
    assert [thread.unread for thread in views.ask.threads(ACME, "grace")] == [2]
    history.happened(STREAM, ThreadRead(), replied("SM3"))
    assert [m.unread for m in messages(views, history)] == [True, False, False, False]
    assert [thread.unread for thread in views.ask.threads(ACME, "grace")] == [1]


def test_a_thread_is_read_page_by_page_while_new_messages_arrive(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, *(replied(f"SM{n}") for n in range(7)))
    first = views.given(history).ask.messages(ACME, "grace", NUMBER, limit=4)
    views.given(history.happened(STREAM, replied("SM7")))
    second = views.ask.messages(ACME, "grace", NUMBER, first.next, limit=4)
    assert [m.id for m in (*first.items, *second.items)] == [f"SM{n}" for n in range(6, -1, -1)]
    assert second.next is None


# --- whose thread -----------------------------------------------------------------------------------


def test_a_shared_number_shows_replies_to_both_and_texts_to_whom_they_were_for(
    views: Views, history: History
) -> None:
    history.numbered("grace", NUMBER).numbered("henry", NUMBER)
    history.happened(STREAM, queued(TEXT, "grace"), queued(UUID(int=8), "henry"), queued(UUID(int=9), None))
    history.happened(STREAM, replied())
    views.given(history)
    assert [m.candidate for m in messages(views, history, "grace")] == [None, None, "grace"]
    assert [m.candidate for m in messages(views, history, "henry")] == [None, None, "henry"]


def test_each_number_has_a_thread_of_its_own(views: Views, history: History) -> None:
    other = "+14155550199"
    history.numbered("grace", NUMBER).numbered("grace", other)
    history.happened(STREAM, replied("SM1")).happened(conversation(other), replied("SM2"))
    views.given(history)
    assert [thread.number for thread in views.ask.threads(ACME, "grace")] == [NUMBER, other]
    assert [m.id for m in views.ask.messages(ACME, "grace", other).items] == ["SM2"]


def test_a_removed_numbers_thread_ends_where_the_candidate_left(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, CandidateJoined(candidate="grace", time_zone=None))
    history.happened(STREAM, queued(), replied("SM1"))
    history.happened("candidate-grace", NumberRemoved(candidate="grace", conversation=STREAM))
    history.happened(STREAM, CandidateLeft(candidate="grace"), replied("SM2", "Who is this?"))
    views.given(history)
    assert views.ask.threads(ACME, "grace") == ()
    thread = views.ask.thread(ACME, "grace", NUMBER)
    assert thread is not None
    assert thread.removed_at is not None
    assert [m.id for m in messages(views, history)] == ["SM1", str(TEXT)]
    assert thread.unread == 1
    back = history.numbered("grace", NUMBER).happened(
        STREAM, CandidateJoined(candidate="grace", time_zone=None)
    )
    assert [m.id for m in messages(views, back)] == ["SM2", "SM1", str(TEXT)]


def test_what_came_in_before_anybody_had_the_number_is_shown_to_whoever_gets_it(
    views: Views, history: History
) -> None:
    history.numbered("nobody", NUMBER).happened(STREAM, replied("SM1")).numbered("grace", NUMBER)
    assert [m.id for m in messages(views, history)] == ["SM1"]


def test_no_thread_where_the_candidate_never_had_the_number(views: Views, history: History) -> None:
    views.given(history.numbered("grace", NUMBER))
    assert views.ask.thread(ACME, "henry", NUMBER) is None
    assert views.ask.thread(ACME, "grace", "+14155550199") is None
    assert views.ask.messages(ACME, "henry", NUMBER).items == ()


def test_a_text_is_found_by_its_id_in_its_own_account(views: Views, history: History) -> None:
    views.given(history.numbered("grace", NUMBER).happened(STREAM, queued(), replied(str(UUID(int=3)))))
    assert views.ask.text(ACME, TEXT) == TextPlace(ACME, STREAM, NUMBER, "grace", "queued")
    assert views.ask.text("other", TEXT) is None
    assert views.ask.text(ACME, UUID(int=3)) is None


def test_a_renamed_member_keeps_the_name_of_then(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, queued(), by=actor("member", "Old Name"))
    assert messages(views, history)[0].by.name == "Old Name"


@pytest.mark.parametrize("cause", ["member", "failures", "opt_outs"])
def test_a_text_that_waits_for_its_paused_bulk_says_so(views: Views, history: History, cause: Any) -> None:
    bulk, alone = UUID(int=500), UUID(int=8)
    text = TextQueued(text_id=TEXT, candidate="grace", body="Hi!", encoding="GSM-7", segments=1, bulk=bulk)
    start = BulkStarted(bulk=bulk, body="Hi!", send_at=None, conversations=(STREAM,), refused=0)
    history.numbered("grace", NUMBER).happened(STREAM, text, queued(alone)).happened("bulk", start)

    def told() -> list[tuple[UUID | None, str | None]]:
        return [(message.bulk, message.bulk_paused) for message in messages(views, history)]

    assert told() == [(None, None), (bulk, None)]
    history.happened("bulk", BulkPaused(bulk=bulk, cause=cause))
    assert told() == [(None, None), (bulk, cause)]
    history.happened(STREAM, STARTED)
    assert told() == [(None, None), (bulk, None)]
