"""The last look before a text is handed over (3.11, P1), and what the carrier makes of it (P3)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.carrier_errors import TABLE
from domain.conversation import UNKNOWN_MAX
from domain.policy import Policy
from schemas import events as e
from schemas.account_settings import QuietHours
from schemas.commands import GivenUp, HandedOver, InDoubt, NotTaken, TurnedDown
from tests.domain.facts import (
    active,
    bulk_started,
    cancelled,
    delivered,
    dispatched,
    doubted,
    failed,
    flagged,
    granted,
    joined,
    numbered,
    queued,
    ready,
    refunded,
    removed,
    rescheduled,
    revoked,
    scheduled,
    sent,
    settings,
    stopped,
    withdrawn,
)
from tests.domain.given import NOW, Happening, given, on
from tests.domain.people import BULK, LATER, SENDER, TEXT, record, refund, report, reschedule, resume, start

NIGHT = datetime(2026, 3, 3, 6, tzinfo=UTC)  # 22:00 in San Francisco
MORNING = datetime(2026, 3, 3, 16, tzinfo=UTC)
ANOTHER = UUID(int=2)
TAKEN = HandedOver(sid="SM9", status="queued", segments=1)


def no(code: int, http_status: int = 400, **more: Any) -> TurnedDown:
    return TurnedDown(code=code, http_status=http_status, **more)


# --- the last look ----------------------------------------------------------------------------------


def test_a_text_that_may_go_is_handed_over_from_the_accounts_sender() -> None:
    """3.11, P1"""
    outcome = given(ready(), queued()).when(start())
    outcome.then(dispatched()).answering(dispatch=True, sender=SENDER)


def test_a_scheduled_text_is_handed_over_when_it_is_due_and_not_before() -> None:
    """3.11"""
    history = given(ready(), scheduled(NOW))
    history.when(start()).then(dispatched())
    history.at(NOW - timedelta(seconds=1)).when(start()).refused("not_due")


@pytest.mark.parametrize(
    ("since", "reason"),
    [
        ([withdrawn()], "consent_withdrawn"),
        ([revoked()], "revoked_by_keyword"),
        ([flagged()], "under_review"),
        ([removed()], "number_unknown"),
        ([settings(blocked_regions={"US"})], "country_blocked"),
        ([settings(quiet_hours=QuietHours(quiet_from="08:00", quiet_until="21:00"))], "never_open"),
    ],
)
def test_a_rule_that_broke_since_calls_the_text_back_and_refunds_it(
    since: list[Happening], reason: str
) -> None:
    """3.11, P1: whatever let the text through when it was accepted."""
    outcome = given(ready(48), queued("x" * 161), since).when(start())
    outcome.then(cancelled(reason), refunded(2, 50, reason)).answering(dispatch=False, reason=reason)


def test_a_text_to_a_number_without_any_consent_is_called_back() -> None:
    """P1"""
    outcome = given(active(49), numbered(), queued()).when(start())
    outcome.then(cancelled("consent_not_given"), refunded(1, 50, "consent_not_given"))


def test_a_text_to_a_number_that_is_valid_no_more_is_called_back() -> None:
    """P1: numbering plans change."""
    gone = "+14150000000"
    joined = e.CandidateJoined(candidate="ada", time_zone=None)
    outcome = given(active(49), on(gone, joined, granted(), queued())).when(start(number=gone))
    outcome.then(on(gone, cancelled("number_invalid")), refunded(1, 50, "number_invalid"))


def test_a_text_of_a_candidate_who_left_a_shared_number_is_called_back() -> None:
    """3.14, P1"""
    outcome = given(ready(49), joined("bob"), queued(candidate="bob"), removed("bob")).when(start())
    outcome.then(cancelled("number_unknown"), refunded(1, 50, "number_unknown"))


def test_a_text_at_night_is_deferred_once_more() -> None:
    """3.18"""
    outcome = given(ready(), queued()).at(NIGHT).when(start())
    outcome.then(rescheduled(MORNING, "quiet_hours")).answering(dispatch=False, reason="quiet_hours")
    assert outcome.at(MORNING).when(start()).of(e.DispatchStarted)


def test_the_recipients_time_zone_counts_at_the_last_look_too() -> None:
    """3.18"""
    evening = datetime(2026, 3, 3, 3, 30, tzinfo=UTC)  # 19:30 in San Francisco, 22:30 in New York
    moved = given(active(), numbered(zone="America/New_York"), granted(), queued())
    moved.at(evening).when(start()).then(rescheduled(datetime(2026, 3, 3, 13, tzinfo=UTC), "quiet_hours"))


def test_a_text_that_overrides_quiet_hours_goes_at_night() -> None:
    """3.18"""
    given(ready(), queued(overrides_quiet_hours=True)).at(NIGHT).when(start()).then(dispatched())


def test_overriding_quiet_hours_overrides_nothing_else() -> None:
    """3.18, P1"""
    history = given(ready(49), queued(overrides_quiet_hours=True), revoked())
    history.at(NIGHT).when(start()).then(
        cancelled("revoked_by_keyword"), refunded(1, 50, "revoked_by_keyword")
    )


@pytest.mark.parametrize(
    ("late", "goes"), [(timedelta(hours=1), True), (timedelta(hours=1, seconds=1), False)]
)
def test_a_text_that_missed_its_time_by_too_much_is_called_back(late: timedelta, goes: bool) -> None:
    """3.11"""
    outcome = given(ready(49), scheduled(NOW - late)).when(start())
    if goes:
        outcome.then(dispatched())
    else:
        outcome.then(cancelled("missed"), refunded(1, 50, "missed"))


@pytest.mark.parametrize(
    ("late", "goes"), [(timedelta(hours=1), True), (timedelta(hours=1, seconds=1), False)]
)
def test_a_text_that_was_to_leave_at_once_has_missed_its_time_like_any_other(
    late: timedelta, goes: bool
) -> None:
    """5.9: it waited while nobody could hand it over."""
    outcome = given(ready(49), queued()).when(start(due_at=NOW - late))
    if goes:
        outcome.then(dispatched())
    else:
        outcome.then(cancelled("missed"), refunded(1, 50, "missed"))


@pytest.mark.parametrize(
    "waiting",
    [
        [scheduled(NOW - timedelta(hours=12), delay="quiet_hours")],
        [queued(), rescheduled(NOW - timedelta(hours=12), "carrier")],
        [scheduled(LATER), rescheduled(NOW - timedelta(hours=12), "quiet_hours")],
        [bulk_started(BULK), scheduled(NOW - timedelta(hours=12), bulk=BULK)],
    ],
)
def test_what_nobody_chose_the_hour_of_is_good_for_half_a_day(waiting: list[e.Event]) -> None:
    """5.9"""
    history = given(ready(49), waiting)
    assert history.when(start()).of(e.DispatchStarted) == [dispatched()]
    late = history.at(NOW + timedelta(seconds=1)).when(start())
    late.then(cancelled("missed"), refunded(1, 50, "missed"))


def test_a_bulk_takes_its_time() -> None:
    """5.9: limits may hold its last text up for hours."""
    history = given(ready(49), bulk_started(BULK), queued(bulk=BULK))
    assert history.when(start(due_at=NOW - timedelta(hours=12))).of(e.DispatchStarted) == [dispatched()]
    late = history.when(start(due_at=NOW - timedelta(hours=13)))
    late.then(cancelled("missed"), refunded(1, 50, "missed"))


def test_a_rescheduled_time_can_be_missed_like_the_first() -> None:
    """3.11"""
    outcome = given(ready(49), queued()).when(reschedule(LATER))
    late = outcome.at(LATER + timedelta(hours=2)).when(start())
    late.then(cancelled("missed"), refunded(1, 50, "missed"))


def test_the_operator_says_how_late_is_too_late() -> None:
    """3.11"""
    history = given(ready(49), scheduled(NOW - timedelta(minutes=2))).under(
        Policy(late_max=timedelta(minutes=1))
    )
    history.when(start()).then(cancelled("missed"), refunded(1, 50, "missed"))


@pytest.mark.parametrize(
    ("happened", "attempt"),
    [
        ([], 1),
        ([queued()], 2),
        ([queued(), dispatched()], 1),
        ([queued(), dispatched()], 2),
        ([queued(), dispatched(), doubted()], 2),
        ([queued(), dispatched(), sent()], 2),
        ([queued(), dispatched(), rescheduled(NOW, "carrier")], 1),
        ([queued(), cancelled("cancelled_by_member")], 1),
    ],
)
def test_no_attempt_is_begun_twice(happened: list[e.Event], attempt: int) -> None:
    """P3"""
    given(ready(), happened).when(start(attempt=attempt)).refused("stale")


def test_while_the_account_is_stopped_a_text_waits_unharmed() -> None:
    given(ready(49), queued(), stopped()).when(start()).refused("sending_stopped")


def test_once_the_operator_resumes_the_text_goes() -> None:
    given(ready(49), queued(), stopped()).when(resume()).and_when(start()).then(dispatched())


def test_an_account_without_a_sender_gets_its_text_back() -> None:
    """An account that lost its sender: it never had one in a ledger of ours, but history is as it is."""
    history = given(active(49)[:1], numbered(), granted(), queued())
    history.when(start()).then(cancelled("no_sender"), refunded(1, 50, "no_sender"))


@pytest.mark.parametrize("purpose", ["help_answer", "stop_confirmation"])
def test_the_answer_to_a_keyword_goes_at_once_whatever_was_revoked(purpose: str) -> None:
    """3.8: the candidate has just asked for it."""
    answer = queued("You are unsubscribed.", candidate=None, purpose=purpose)
    given(ready(), revoked(), answer).at(NIGHT).when(start()).then(dispatched())


def test_the_answer_to_a_keyword_does_not_go_where_no_text_may() -> None:
    """3.15, P1"""
    answer = queued("You are unsubscribed.", candidate=None, purpose="stop_confirmation")
    outcome = given(ready(49), revoked(), settings(blocked_regions={"US"}), answer).when(start())
    outcome.then(cancelled("country_blocked"), refunded(1, 50, "country_blocked"))


# --- how the hand-over ended ------------------------------------------------------------------------


def test_the_carrier_took_it() -> None:
    """P3"""
    outcome = given(ready(), queued(), dispatched()).when(record(TAKEN))
    outcome.then(sent("queued")).answering(changed=True)


def test_the_carrier_counts_more_segments() -> None:
    """3.16"""
    taken = TAKEN.model_copy(update={"segments": 3})
    given(ready(50), queued(), dispatched()).when(record(taken)).then(
        sent("queued"),
        e.SegmentsAdjusted(segments=-2, reason="carrier_count", text_id=TEXT, balance=48),
        e.TextRecounted(text_id=TEXT, billed=3, paid=3),
    )


def test_the_carrier_counts_fewer_segments() -> None:
    """3.16"""
    given(ready(48), queued("x" * 161), dispatched()).when(record(TAKEN)).then(
        sent("queued"),
        e.SegmentsAdjusted(segments=1, reason="carrier_count", text_id=TEXT, balance=49),
        e.TextRecounted(text_id=TEXT, billed=1, paid=1),
    )


def test_what_the_account_cannot_pay_of_the_carriers_count_is_not_taken() -> None:
    """P4"""
    taken = TAKEN.model_copy(update={"segments": 3})
    outcome = given(ready(1), queued(), dispatched()).when(record(taken))
    assert outcome.balance == 0
    assert outcome.of(e.TextRecounted) == [e.TextRecounted(text_id=TEXT, billed=3, paid=2)]
    empty = given(ready(0), queued(), dispatched()).when(record(taken))
    empty.then(sent("queued"))


@pytest.mark.parametrize("segments", [None, 0])
def test_a_count_that_the_carrier_does_not_know_yet_is_not_followed(segments: int | None) -> None:
    """3.16: Twilio says 0 while a messaging service has not picked its number."""
    taken = TAKEN.model_copy(update={"segments": segments})
    given(ready(), queued(), dispatched()).when(record(taken)).then(sent("queued"))


def test_what_comes_back_is_what_was_paid_after_the_carriers_count() -> None:
    """P4"""
    taken = TAKEN.model_copy(update={"segments": 3})
    outcome = given(ready(49), queued(), dispatched()).when(record(taken))
    outcome.and_when(report("failed", error_code=30005)).then(
        failed(code=30005, reason=TABLE[30005].sentence), refunded(3, 50, "failed")
    )


@pytest.mark.parametrize("attempt", range(1, 9))
def test_what_may_succeed_later_is_tried_again_but_not_for_ever(attempt: int) -> None:
    """P3: a minute after the first failure, then after two, four and eight, and 15 at most."""
    tries = [dispatched(n) for n in range(1, attempt + 1)]
    outcome = given(ready(49), queued(), tries).when(record(no(21611), attempt=attempt))
    if attempt < 8:
        (again,) = outcome.of(e.TextRescheduled)
        planned = timedelta(minutes=min(2 ** (attempt - 1), 15))
        assert planned <= again.send_at - NOW <= 1.5 * planned
        assert (again.delay, again.code) == ("carrier", 21611)
        assert outcome.at(again.send_at).when(start(attempt=attempt + 1)).of(e.DispatchStarted)
    else:
        outcome.then(
            failed(code=21611, reason="Too many texts wait at the carrier. It was tried 8 times."),
            refunded(1, 50, "failed"),
        )


def test_texts_that_failed_together_are_not_tried_again_together() -> None:
    def again(text_id: UUID) -> datetime:
        outcome = given(ready(49), queued(text_id=text_id), dispatched(text_id=text_id)).when(
            record(no(20429, 429), text_id=text_id)
        )
        (again,) = outcome.of(e.TextRescheduled)
        assert isinstance(again, e.TextRescheduled)
        return again.send_at

    assert len({again(UUID(int=n)) for n in range(20)}) == 20
    assert again(TEXT) == again(TEXT)


def test_the_carrier_may_ask_for_a_longer_wait() -> None:
    asked = no(20429, 429, retry_after_s=120.0)
    given(ready(49), queued(), dispatched()).when(record(asked)).then(
        rescheduled(NOW + timedelta(minutes=2), "carrier", code=20429)
    )


@pytest.mark.parametrize("cause", ["unreachable", "absent"])
def test_what_the_carrier_does_not_have_is_tried_again(cause: Any) -> None:
    """P3"""
    outcome = given(ready(49), queued(), dispatched()).when(record(NotTaken(cause=cause)))
    (again,) = outcome.of(e.TextRescheduled)
    assert again.send_at < NOW + timedelta(seconds=16)
    tries = [dispatched(n) for n in range(1, 13)]
    last = given(ready(49), queued(), tries).when(record(NotTaken(cause=cause), attempt=12))
    assert last.balance == 50


def test_what_will_never_succeed_fails_and_is_refunded() -> None:
    """P3"""
    outcome = given(ready(49), queued(), dispatched()).when(record(no(21211)))
    reason = "The carrier says this is not a phone number. Check it."
    outcome.then(failed(code=21211, reason=reason), refunded(1, 50, "failed"))


def test_a_stop_that_only_the_carrier_heard_counts_and_calls_back_what_waits() -> None:
    """P1, P6"""
    waiting = queued("And?", text_id=ANOTHER)
    given(ready(48), queued(), dispatched(), waiting).when(record(no(21610))).then(
        failed(code=21610, reason=TABLE[21610].sentence),
        refunded(1, 49, "failed"),
        revoked("21610"),
        cancelled("revoked_by_keyword", ANOTHER),
        refunded(1, 50, "revoked_by_keyword", ANOTHER),
    )


def test_an_error_of_configuration_stops_the_whole_account_once() -> None:
    reason = TABLE[30034].sentence
    outcome = given(ready(48), queued(), dispatched()).when(record(no(30034)))
    outcome.then(failed(code=30034, reason=reason), refunded(1, 49, "failed"), stopped(reason))
    other = given(ready(48), queued(), dispatched(), stopped()).when(record(no(30034)))
    other.then(failed(code=30034, reason=reason), refunded(1, 49, "failed"))


def test_silence_is_not_refusal() -> None:
    """P3"""
    outcome = given(ready(49), queued(), dispatched()).when(record(InDoubt(reason="No answer.")))
    outcome.then(doubted())
    assert outcome.balance == 49


@pytest.mark.parametrize(
    ("result", "events"),
    [
        (TAKEN, [sent("queued")]),
        (no(21211), [failed(code=21211, reason=TABLE[21211].sentence), refunded(1, 50, "failed")]),
        (GivenUp(), [e.TextUnknown(text_id=TEXT)]),
        (InDoubt(reason="Again."), []),
    ],
)
def test_a_doubt_is_settled_by_whatever_is_found_out(result: Any, events: list[e.Event]) -> None:
    """P3"""
    given(ready(49), queued(), dispatched(), doubted()).when(record(result)).then(events)


@pytest.mark.parametrize("result", [no(21211), NotTaken(cause="absent"), InDoubt(reason="Silence."), TAKEN])
@pytest.mark.parametrize(
    "happened",
    [
        [],
        [queued()],
        [queued(), dispatched(), rescheduled(NOW, "carrier"), dispatched(2)],
        [queued(), dispatched(), sent(), e.TextDelivered(text_id=TEXT)],
        [queued(), dispatched(), sent()],
    ],
)
def test_news_of_an_attempt_that_is_settled_changes_nothing(result: Any, happened: list[e.Event]) -> None:
    """P3"""
    given(ready(), happened).when(record(result)).then().answering(changed=False)


@pytest.mark.parametrize(
    "result", [no(21211), NotTaken(cause="absent"), InDoubt(reason="Silence."), GivenUp()]
)
def test_a_text_that_waits_for_another_try_has_had_its_answer(result: Any) -> None:
    """P3"""
    happened = [queued(), dispatched(), rescheduled(NOW, "carrier")]
    given(ready(), happened).when(record(result)).then().answering(changed=False)


def test_a_text_that_arrived_after_all_is_not_tried_again() -> None:
    """P3"""
    outcome = given(ready(), queued(), dispatched(), rescheduled(NOW, "carrier")).when(record(TAKEN))
    outcome.then(sent()).and_when(start(attempt=2)).refused("stale")


def test_what_was_sent_and_never_heard_of_again_ends_as_unknown() -> None:
    """P3"""
    outcome = given(ready(49), queued(), dispatched(), sent()).when(record(GivenUp()))
    outcome.then(e.TextUnknown(text_id=TEXT))
    assert outcome.balance == 49


# --- what ended as unknown --------------------------------------------------------------------------

UNKNOWN = [queued("x" * 161), dispatched(), sent(), e.TextUnknown(text_id=TEXT)]


def test_a_text_that_ended_as_unknown_can_be_refunded_by_hand_once() -> None:
    outcome = given(ready(48), UNKNOWN).when(refund())
    outcome.then(failed(reason="Never arrived."), refunded(2, 50, "by_hand")).answering(balance=50)
    outcome.and_when(refund()).refused("text_not_unknown")


@pytest.mark.parametrize("happened", [[], [queued()], [queued(), dispatched(), sent(), delivered()]])
def test_only_what_ended_as_unknown_is_refunded_by_hand(happened: list[e.Event]) -> None:
    given(ready(49), happened).when(refund()).refused("text_not_unknown")


def test_of_too_many_unknown_texts_the_latest_can_be_refunded() -> None:
    many = [UUID(int=n) for n in range(1, UNKNOWN_MAX + 2)]
    ends = [[queued(text_id=one), e.TextUnknown(text_id=one)] for one in many]
    history = given(ready(49), ends)
    history.when(refund(text_id=many[0])).refused("text_not_unknown")
    assert history.when(refund(text_id=many[1])).balance == 50
