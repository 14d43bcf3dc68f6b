"""Texts for later: quiet hours (3.18), scheduling, rescheduling and cancelling (3.11)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.refusals import Refused
from domain.sending import waiting_text
from schemas import events as e
from schemas.account_settings import QuietHours
from tests.domain.facts import (
    active,
    cancelled,
    debited,
    dispatched,
    granted,
    numbered,
    queued,
    ready,
    refunded,
    rescheduled,
    scheduled,
    sent,
    settings,
)
from tests.domain.given import NOW, given
from tests.domain.people import LATER, NIGHT_OWL, TEXT, cancel, reschedule, send

NIGHT = datetime(2026, 3, 3, 6, tzinfo=UTC)  # 22:00 in San Francisco
MORNING = datetime(2026, 3, 3, 16, tzinfo=UTC)  # 08:00 there, when the law lets texts through again
ALWAYS_QUIET = QuietHours(quiet_from="08:00", quiet_until="21:00")  # the hours that the law leaves open

# --- 3.18 quiet hours -------------------------------------------------------------------------------


def test_a_text_at_night_waits_for_the_next_opening_and_says_so() -> None:
    """3.18"""
    outcome = given(ready()).at(NIGHT).when(send())
    outcome.then(scheduled(MORNING, delay="quiet_hours"), debited(1, balance=49))
    outcome.answering(deferred=True, send_at=MORNING.isoformat())


def test_a_text_that_is_scheduled_for_the_night_waits_for_the_opening_after_it() -> None:
    """3.18"""
    outcome = given(ready()).when(send(send_at=NIGHT))
    outcome.then(scheduled(MORNING, delay="quiet_hours"), debited(1, balance=49))


def test_the_recipients_own_time_zone_decides_where_it_is_known() -> None:
    """3.18: a number from San Francisco, carried to New York, where it is 22:30."""
    moved = given(active(), numbered(zone="America/New_York"), granted())
    evening = datetime(2026, 3, 3, 3, 30, tzinfo=UTC)
    opening = datetime(2026, 3, 3, 13, tzinfo=UTC)
    moved.at(evening).when(send()).then(scheduled(opening, delay="quiet_hours"), debited(1, balance=49))
    assert given(ready()).at(evening).when(send()).of(e.TextQueued)


def test_who_may_override_quiet_hours_does_and_it_is_recorded() -> None:
    """3.18"""
    outcome = given(ready()).at(NIGHT).when(send(actor=NIGHT_OWL, override_quiet_hours=True))
    outcome.then(queued(overrides_quiet_hours=True), debited(1, balance=49)).answering(deferred=False)
    later = NIGHT + timedelta(hours=1)
    outcome = given(ready()).at(NIGHT).when(send(actor=NIGHT_OWL, override_quiet_hours=True, send_at=later))
    outcome.then(scheduled(later, overrides_quiet_hours=True), debited(1, balance=49))


def test_overriding_quiet_hours_needs_a_permission_of_its_own() -> None:
    """3.3, 3.18"""
    outcome = given(ready()).at(NIGHT).when(send(override_quiet_hours=True))
    outcome.refused("not_permitted", "texts:override-quiet-hours")


def test_an_account_adds_quiet_hours_and_takes_none_away() -> None:
    """3.18"""
    own = settings(quiet_hours=QuietHours(quiet_from="09:00", quiet_until="12:00"))
    noon = datetime(2026, 3, 2, 20, tzinfo=UTC)
    given(ready(), own).when(send()).then(scheduled(noon, delay="quiet_hours"), debited(1, balance=49))
    given(ready(), own).at(NIGHT).when(send()).then(
        scheduled(MORNING, delay="quiet_hours"), debited(1, balance=49)
    )


def test_where_no_moment_is_open_it_says_so() -> None:
    """3.18"""
    given(ready(), settings(quiet_hours=ALWAYS_QUIET)).when(send()).refused("never_open", "quiet hour")


# --- 3.11 later -------------------------------------------------------------------------------------


@pytest.mark.parametrize("distance", [timedelta(0), timedelta(hours=3), timedelta(days=3_650)])
def test_a_text_is_scheduled_at_any_distance(distance: timedelta) -> None:
    """3.11"""
    outcome = given(ready()).when(send(send_at=NOW + distance))
    outcome.then(scheduled(NOW + distance), debited(1, balance=49))
    outcome.answering(deferred=False, send_at=(NOW + distance).isoformat())


def test_a_text_that_waits_is_rescheduled() -> None:
    """3.11"""
    outcome = given(ready(49), scheduled(NOW)).when(reschedule(LATER))
    outcome.then(rescheduled(LATER)).answering(deferred=False, send_at=LATER.isoformat())
    assert given(ready(49), queued()).when(reschedule(LATER)).of(e.TextRescheduled)


def test_a_text_is_not_rescheduled_into_the_past() -> None:
    """3.11"""
    past = NOW - timedelta(seconds=1)
    given(ready(49), scheduled(LATER)).when(reschedule(past)).refused("send_at_past")


def test_a_text_that_is_rescheduled_into_the_night_waits_for_the_morning() -> None:
    """3.11, 3.18"""
    outcome = given(ready(49), scheduled(LATER)).when(reschedule(NIGHT))
    outcome.then(rescheduled(MORNING, "quiet_hours")).answering(deferred=True)


def test_a_text_that_overrides_quiet_hours_goes_on_to_when_it_is_rescheduled() -> None:
    """3.11, 3.18"""
    history = given(ready(49), scheduled(LATER, overrides_quiet_hours=True))
    history.when(reschedule(NIGHT)).then(rescheduled(NIGHT))


def test_a_text_that_waits_is_cancelled_and_its_credit_comes_back() -> None:
    """3.11"""
    history = given(ready(47), scheduled(LATER, "x" * 400))
    outcome = history.when(cancel())
    outcome.then(cancelled("cancelled_by_member"), refunded(3, 50, "cancelled_by_member"))
    outcome.answering(balance=50)
    outcome.and_when(cancel()).refused("text_unknown")


@pytest.mark.parametrize("command", [cancel, lambda **more: reschedule(LATER, **more)])
@pytest.mark.parametrize(
    ("happened", "named", "code"),
    [
        ([], {}, "text_unknown"),
        ([queued()], {"candidate": "bob"}, "text_unknown"),
        ([queued()], {"text_id": UUID(int=2)}, "text_unknown"),
        ([queued(purpose="help_answer", candidate=None)], {}, "text_unknown"),
        ([queued()], {"number": "+14155"}, "number_invalid"),
        ([queued(), dispatched()], {}, "already_dispatched"),
        ([queued(), dispatched(), sent()], {}, "already_dispatched"),
    ],
)
def test_only_a_text_of_the_candidates_that_waits_can_be_moved_or_cancelled(
    command: Any, happened: list[e.Event], named: dict[str, Any], code: str
) -> None:
    """3.11"""
    given(ready(49), happened).when(command(**named)).refused(code)


def test_a_text_that_waits_is_found_with_what_was_paid_for_it() -> None:
    """3.11"""
    conversation = given(ready(), queued("x" * 161)).conversation()
    assert waiting_text(conversation, "ada", TEXT).segments == 2
    with pytest.raises(Refused):
        waiting_text(conversation, "bob", TEXT)
