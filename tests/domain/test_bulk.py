"""A bulk: each recipient by the rules of a single text, and one word for all of what waits."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.bulk import Bulk, evolve
from domain.bulk_sending import text_id_of
from domain.policy import Policy
from schemas import commands as c
from schemas import events as e
from tests.domain.facts import (
    active,
    cancelled,
    debited,
    granted,
    joined,
    numbered,
    queued,
    refunded,
    revoked,
    scheduled,
    sent,
    stopped,
)
from tests.domain.given import ACME, NOW, NUMBER, Outcome, Placed, conversation_stream, given, on
from tests.domain.people import (
    BULK,
    cancel_bulk,
    pause_bulk,
    receive,
    record,
    report,
    resume_bulk,
    send,
    send_bulk,
    start,
)

OTHER = "+14155552672"
THIRD = "+14155552673"
LATER = NOW + timedelta(hours=2)
MANY = [f"+1415555{number}" for number in range(2700, 2800)]


def able(*numbers: str) -> list[list[Placed]]:
    """A candidate with each of these numbers, all of whom may be texted."""
    return [
        [*numbered(f"c{number[1:]}", number), *on(number, granted(f"c{number[1:]}"))] for number in numbers
    ]


def to(*numbers: str) -> list[tuple[str, str]]:
    return [(f"c{number[1:]}", number) for number in numbers]


def text_of(number: str) -> UUID:
    return text_id_of(BULK, conversation_stream(ACME, number))


def begun(*numbers: str, refused: int = 0, send_at: Any = None, body: str = "Hello") -> e.BulkStarted:
    streams = tuple(conversation_stream(ACME, number) for number in numbers)
    return e.BulkStarted(bulk=BULK, body=body, send_at=send_at, conversations=streams, refused=refused)


def counted(what: Any, handed_over: int = 0, failed: int = 0, opted_out: int = 0) -> e.BulkCounted:
    return e.BulkCounted(bulk=BULK, what=what, handed_over=handed_over, failed=failed, opted_out=opted_out)


def sent_to(*numbers: str, balance: int = 500, **more: Any) -> Outcome:
    """The bulk was sent to all of these."""
    return given(*active(balance), able(*numbers)).when(send_bulk(*to(*numbers), **more))


def handed_over(outcome: Outcome, *numbers: str) -> Outcome:
    for number in numbers:
        outcome = outcome.and_when(start(number=number, text_id=text_of(number)))
    return outcome


def fail(number: str) -> c.ReportStatus:
    return report("undelivered", number=number, text_id=text_of(number), error_code=30005)


# --- sending ----------------------------------------------------------------------------------------


def test_everybody_gets_a_text_of_their_own() -> None:
    sent_to(NUMBER, OTHER).then(
        on(NUMBER, queued(text_id=text_of(NUMBER), candidate="c14155552671", bulk=BULK)),
        debited(1, 499, text_of(NUMBER)),
        on(OTHER, queued(text_id=text_of(OTHER), candidate="c14155552672", bulk=BULK)),
        debited(1, 498, text_of(OTHER)),
        begun(NUMBER, OTHER),
    ).answering(
        bulk=str(BULK),
        balance=498,
        refused=[],
        accepted=[
            {"index": 0, "candidate": "c14155552671", "text_id": str(text_of(NUMBER))},
            {"index": 1, "candidate": "c14155552672", "text_id": str(text_of(OTHER))},
        ],
    )


def test_it_may_leave_later() -> None:
    sent_to(NUMBER, send_at=LATER).then(
        on(NUMBER, scheduled(LATER, text_id=text_of(NUMBER), candidate="c14155552671", bulk=BULK)),
        debited(1, 499, text_of(NUMBER)),
        begun(NUMBER, send_at=LATER),
    )


def test_who_may_not_be_texted_is_listed_with_the_reason() -> None:
    outcome = given(*active(), able(NUMBER), numbered("bob", OTHER)).when(
        send_bulk(("bob", OTHER), ("eve", NUMBER), ("eve", "+14155"), *to(NUMBER))
    )
    assert [(one["index"], one["candidate"], one["code"]) for one in outcome.result["refused"]] == [
        (0, "bob", "consent_not_given"),
        (1, "eve", "number_unknown"),
        (2, "eve", "number_invalid"),
    ]
    assert outcome.result["refused"][0]["sentence"].startswith("The candidate has not agreed")
    assert [one["index"] for one in outcome.result["accepted"]] == [3]
    assert outcome.of(e.BulkStarted) == [begun(NUMBER, refused=3)]


def test_nobody_gets_it_twice() -> None:
    """Nor does a phone that two of them share."""
    both = given(*active(), able(NUMBER), joined("bob"))
    outcome = both.when(send_bulk(*to(NUMBER), *to(NUMBER), ("bob", "+1 (415) 555-2671")))
    assert [one["code"] for one in outcome.result["refused"]] == ["recipient_repeated"] * 2
    assert outcome.balance == 49


def test_credit_goes_to_those_who_come_first() -> None:
    outcome = sent_to(NUMBER, OTHER, THIRD, balance=2)
    assert [one["index"] for one in outcome.result["accepted"]] == [0, 1]
    assert [one["code"] for one in outcome.result["refused"]] == ["insufficient_credit"]
    assert outcome.balance == 0


def test_a_bulk_for_nobody_is_accepted_and_says_so() -> None:
    """The receipt lists the reasons, which a refusal of the whole could not."""
    outcome = given(*active(), numbered("bob", OTHER)).when(send_bulk(("bob", OTHER)))
    outcome.then(begun(refused=1)).answering(accepted=[])
    outcome.and_when(pause_bulk()).refused("bulk_finished")


@pytest.mark.parametrize(
    ("so_far", "more", "code"),
    [
        ([*active()], {"body": " "}, "body_empty"),
        ([*active()], {"body": "x" * 1_401}, "body_too_long"),
        ([*active()], {"send_at": NOW - timedelta(seconds=1)}, "send_at_past"),
        ([*active(), stopped()], {}, "sending_stopped"),
        ([], {}, "not_activated"),
    ],
)
def test_what_is_wrong_for_all_refuses_the_whole(so_far: Any, more: Any, code: str) -> None:
    given(so_far, able(NUMBER)).when(send_bulk(*to(NUMBER), **more)).refused(code)


# --- holding, releasing, ending it ------------------------------------------------------------------


def test_a_paused_bulk_hands_nothing_over_until_it_is_resumed() -> None:
    paused = sent_to(NUMBER, OTHER).and_when(pause_bulk())
    paused.then(e.BulkPaused(bulk=BULK, cause="member")).answering(bulk=str(BULK), waiting=2)
    paused.and_when(start(number=OTHER, text_id=text_of(OTHER))).refused("bulk_paused")
    resumed = paused.and_when(resume_bulk())
    resumed.then(e.BulkResumed(bulk=BULK)).answering(waiting=2)
    resumed.and_when(start(number=OTHER, text_id=text_of(OTHER))).answering(dispatch=True)


def test_other_texts_to_the_number_are_not_held() -> None:
    single = sent_to(NUMBER).and_when(pause_bulk()).and_when(send("Hi", candidate="c14155552671"))
    single.and_when(start()).answering(dispatch=True)


def test_a_text_that_missed_its_time_while_it_was_held_is_refunded() -> None:
    paused = sent_to(NUMBER, send_at=LATER).and_when(pause_bulk())
    resumed = paused.and_when(resume_bulk())
    patience = resumed.history.policy.unhurried_late_max
    on_time = resumed.at(LATER + patience).when(start(number=NUMBER, text_id=text_of(NUMBER)))
    assert not on_time.of(e.TextCancelled)
    resumed.at(LATER + patience + timedelta(seconds=1)).when(
        start(number=NUMBER, text_id=text_of(NUMBER))
    ).then(on(NUMBER, cancelled("missed", text_of(NUMBER))), refunded(1, 500, "missed", text_of(NUMBER)))


def test_cancelling_calls_back_and_refunds_what_has_not_left() -> None:
    gone = handed_over(sent_to(NUMBER, OTHER, THIRD), NUMBER)
    gone.and_when(cancel_bulk()).then(
        on(OTHER, cancelled("cancelled_by_member", text_of(OTHER))),
        refunded(1, 498, "cancelled_by_member", text_of(OTHER)),
        on(THIRD, cancelled("cancelled_by_member", text_of(THIRD))),
        refunded(1, 499, "cancelled_by_member", text_of(THIRD)),
        e.BulkCancelled(bulk=BULK, cancelled=2),
    ).answering(bulk=str(BULK), cancelled=2, balance=499)


def test_what_the_carrier_never_took_is_called_back_when_it_comes_back() -> None:
    ended = handed_over(sent_to(NUMBER, OTHER), NUMBER).and_when(cancel_bulk())
    silence = c.NotTaken(cause="absent")
    back = ended.and_when(record(silence, number=NUMBER, text_id=text_of(NUMBER)))
    again = back.at(LATER).when(start(number=NUMBER, text_id=text_of(NUMBER), attempt=2))
    again.answering(dispatch=False, reason="bulk_cancelled")
    assert again.balance == 500


@pytest.mark.parametrize(
    ("so_far", "command", "code"),
    [
        ([], pause_bulk(), "bulk_unknown"),
        ([], resume_bulk(), "bulk_unknown"),
        ([], cancel_bulk(), "bulk_unknown"),
        ([pause_bulk()], pause_bulk(), "bulk_paused"),
        ([], resume_bulk(), "bulk_not_paused"),
        ([cancel_bulk()], pause_bulk(), "bulk_cancelled"),
        ([cancel_bulk()], resume_bulk(), "bulk_cancelled"),
        ([cancel_bulk()], cancel_bulk(), "bulk_cancelled"),
        ([start(number=NUMBER, text_id=text_of(NUMBER))], cancel_bulk(), "bulk_finished"),
    ],
)
def test_what_cannot_be_done_is_refused(so_far: Any, command: Any, code: str) -> None:
    outcome = sent_to(NUMBER) if code != "bulk_unknown" else given(active()).when(send_bulk(("bob", OTHER)))
    for before in so_far:
        outcome = outcome.and_when(before)
    if code == "bulk_unknown":
        command = command.model_copy(update={"bulk": UUID(int=78)})
    outcome.and_when(command).refused(code)


def test_a_bulk_ignores_events_of_others() -> None:
    assert evolve(Bulk(), queued()) == Bulk()


# --- counting ---------------------------------------------------------------------------------------


def test_a_text_is_counted_when_it_is_first_handed_over() -> None:
    first = handed_over(sent_to(NUMBER), NUMBER)
    assert first.of(e.BulkCounted) == [counted("handed_over", 1)]
    again = c.NotTaken(cause="absent")
    back = first.and_when(record(again, number=NUMBER, text_id=text_of(NUMBER)))
    second = back.at(LATER).when(start(number=NUMBER, text_id=text_of(NUMBER), attempt=2))
    assert len(second.of(e.DispatchStarted)) == 1
    assert second.of(e.BulkCounted) == []


def test_a_failure_is_counted() -> None:
    failed = handed_over(sent_to(NUMBER), NUMBER).and_when(fail(NUMBER))
    assert failed.of(e.BulkCounted) == [counted("failed", 1, 1)]


def test_single_texts_are_counted_nowhere() -> None:
    alone = given(*active(), able(NUMBER)).when(send(candidate="c14155552671")).and_when(start())
    assert alone.of(e.BulkCounted) == []
    assert alone.and_when(report("undelivered")).of(e.BulkCounted) == []


def test_a_stop_within_a_day_is_the_bulks_doing_and_counts_once() -> None:
    texted = handed_over(sent_to(NUMBER), NUMBER)
    heard = texted.and_when(receive("STOP"))
    assert heard.of(e.BulkCounted) == [counted("opted_out", 1, 0, 1)]
    again = heard.and_when(receive("START")).and_when(receive("STOP"))
    assert again.of(e.ConsentRevoked) == [revoked()]
    assert again.of(e.BulkCounted) == []


def test_a_stop_after_a_day_is_not() -> None:
    texted = handed_over(sent_to(NUMBER), NUMBER)
    assert texted.at(NOW + timedelta(days=1)).when(receive("STOP")).of(e.BulkCounted)
    assert not texted.at(NOW + timedelta(days=1, seconds=1)).when(receive("STOP")).of(e.BulkCounted)


def test_a_stop_before_the_text_left_is_not() -> None:
    assert sent_to(NUMBER).and_when(receive("STOP")).of(e.BulkCounted) == []


def test_what_the_carrier_heard_counts_as_well() -> None:
    texted = handed_over(sent_to(NUMBER), NUMBER)
    heard = texted.and_when(report("failed", number=NUMBER, text_id=text_of(NUMBER), error_code=21610))
    assert [one.what for one in heard.of(e.BulkCounted)] == ["failed", "opted_out"]


# --- it pauses itself -------------------------------------------------------------------------------


def test_it_pauses_itself_when_too_many_fail() -> None:
    outcome = handed_over(sent_to(*MANY[:40]), *MANY[:20])
    for number in MANY[:2]:
        outcome = outcome.and_when(fail(number))
        assert outcome.of(e.BulkPaused) == [], "a tenth is not more than a tenth"
    outcome = outcome.and_when(fail(MANY[2]))
    assert outcome.of(e.BulkPaused) == [e.BulkPaused(bulk=BULK, cause="failures")]
    outcome.and_when(start(number=MANY[30], text_id=text_of(MANY[30]))).refused("bulk_paused")
    assert outcome.and_when(fail(MANY[3])).of(e.BulkPaused) == [], "it is paused already"


def test_it_pauses_itself_when_too_many_opt_out() -> None:
    outcome = handed_over(sent_to(*MANY[:40]), *MANY[:20])
    outcome = outcome.and_when(receive("STOP", number=MANY[0]))
    assert outcome.of(e.BulkPaused) == []
    outcome = outcome.and_when(receive("STOP", number=MANY[1]))
    assert outcome.of(e.BulkPaused) == [e.BulkPaused(bulk=BULK, cause="opt_outs")]


def test_of_a_few_texts_nothing_is_concluded() -> None:
    outcome = handed_over(sent_to(*MANY[:40]), *MANY[:19])
    for number in MANY[:5]:
        outcome = outcome.and_when(fail(number))
    assert outcome.of(e.BulkPaused) == []
    outcome = handed_over(outcome, MANY[19])
    assert outcome.of(e.BulkPaused) == [e.BulkPaused(bulk=BULK, cause="failures")]


def test_resumed_it_counts_anew() -> None:
    wary = Policy(bulk_sample_min=2)
    outcome = handed_over(sent_to(*MANY[:10]), *MANY[:2])
    outcome = outcome.history.under(wary).when(fail(MANY[0]))
    assert outcome.of(e.BulkPaused)
    outcome = outcome.and_when(resume_bulk())
    outcome = handed_over(outcome, MANY[2]).and_when(fail(MANY[2]))
    assert outcome.of(e.BulkCounted) == [counted("failed", 3, 2)]
    assert outcome.of(e.BulkPaused) == [], "one text is too few to tell"
    assert handed_over(outcome, MANY[3]).of(e.BulkPaused)


def test_a_bulk_that_was_called_back_does_not_pause() -> None:
    wary = Policy(bulk_sample_min=1)
    ended = handed_over(sent_to(NUMBER, OTHER), NUMBER).and_when(cancel_bulk())
    assert ended.history.under(wary).when(fail(NUMBER)).of(e.BulkPaused) == []


def test_news_of_a_text_is_told_once_it_was_sent() -> None:
    outcome = handed_over(sent_to(NUMBER), NUMBER)
    taken = outcome.and_when(
        record(c.HandedOver(sid="SM9", status="queued"), number=NUMBER, text_id=text_of(NUMBER))
    )
    taken.then(on(NUMBER, sent(text_id=text_of(NUMBER), billed=None)))
