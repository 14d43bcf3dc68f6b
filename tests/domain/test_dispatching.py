"""The last look before a text is handed over (3.11, P1)."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.policy import Policy
from schemas import events as e
from schemas.account_settings import QuietHours
from tests.domain.facts import (
    active,
    bulk_started,
    cancelled,
    dispatched,
    doubted,
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
from tests.domain.people import BULK, LATER, SENDER, reschedule, resume, start

NIGHT = datetime(2026, 3, 3, 6, tzinfo=UTC)  # 22:00 in San Francisco
MORNING = datetime(2026, 3, 3, 16, tzinfo=UTC)


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
