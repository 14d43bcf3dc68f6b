"""Texts for later: chosen, moved, called back; and quiet hours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from tests.browser.conftest import ZONE, OpenDesk
from tests.browser.desk import Desk, typed
from tests.browser.phones import Phones
from tests.browser.seeds import ADA, change_settings, text
from tests.support.sayso import Client, System, eventually

BODY = "A reminder: we talk tomorrow."


def morning(system: System, days: int) -> datetime:
    """09:30 on a day to come, by the recruiter's clock."""
    local = system.clock().astimezone(ZoneInfo(ZONE)) + timedelta(days=days)
    return local.replace(hour=9, minute=30, second=0, microsecond=0)


def test_a_scheduled_text_is_moved_then_cancelled_and_refunded(
    manager: Desk, ada: str, system: System
) -> None:
    manager.open(ada)
    manager.schedule(BODY, morning(system, 2))
    manager.shows_status(BODY, "Scheduled for")
    manager.shows_balance(49)
    expect(manager.page.locator("#picker")).to_be_hidden()
    in_utc = morning(system, 2).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00.000Z")
    expect(manager.message(BODY).locator(".status time")).to_have_attribute("datetime", in_utc)

    manager.at("open-reschedule").click()
    expect(manager.at("reschedule-at")).to_have_value(typed(morning(system, 2)))
    manager.at("reschedule-at").fill(typed(morning(system, 3)))
    manager.at("reschedule-submit").click()
    moved = morning(system, 3).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00.000Z")
    expect(manager.message(BODY).locator(".status time")).to_have_attribute("datetime", moved)

    manager.at("open-cancel").click()
    manager.at("cancel-submit").click()
    manager.shows_status(BODY, "Cancelled, refunded")
    manager.shows_status(BODY, "by Max Manager")
    manager.shows_balance(50)
    expect(manager.at("open-cancel")).to_have_count(0)


def test_a_scheduled_text_goes_when_its_time_has_come(
    manager: Desk, phones: Phones, ats: Client, ada: str, system: System
) -> None:
    manager.open(ada).is_live()
    text(ats, ada, ADA, BODY, send_at=(system.clock() + timedelta(seconds=2)).isoformat())
    manager.shows_status(BODY, "Scheduled for")
    assert phones.inbox(ADA) == []
    manager.shows_status(BODY, "Delivered")
    assert phones.inbox(ADA) == [BODY]


def test_a_stop_cancels_what_is_scheduled(manager: Desk, phones: Phones, ada: str, system: System) -> None:
    manager.open(ada).is_live()
    manager.schedule(BODY, morning(system, 2))
    manager.shows_status(BODY, "Scheduled for")
    phones.write(ADA, "STOP")
    manager.shows_status(BODY, "Cancelled, refunded")
    manager.shows_status(BODY, "the candidate texted a stop keyword")
    manager.shows_balance(50)


def test_a_time_that_has_passed_is_not_taken(manager: Desk, ada: str, system: System) -> None:
    manager.open(ada)
    manager.at("text").fill(BODY)
    manager.at("later").check()
    expect(manager.page.locator("#picker")).to_contain_text("Europe/Copenhagen")
    manager.at("send-at").fill(typed(morning(system, -2)))
    manager.at("send").click()
    expect(manager.at("send-at")).to_have_js_property("validity.rangeUnderflow", True)
    expect(manager.at("refused")).to_contain_text("The time to send lies in the past.")
    expect(manager.at("message")).to_have_count(0)


def quiet_now(ats: Client, system: System) -> None:
    """Quiet hours of the account around this moment, by the candidate's clock."""
    local = system.clock().astimezone(ZoneInfo(ZONE))
    hours = {
        "quiet_from": (local - timedelta(hours=1)).strftime("%H:%M"),
        "quiet_until": (local + timedelta(hours=2)).strftime("%H:%M"),
    }
    change_settings(ats, quiet_hours=hours)


def test_in_quiet_hours_a_text_waits_and_says_so_before_and_after(
    open_desk: OpenDesk, ats: Client, ada: str, system: System
) -> None:
    quiet_now(ats, system)
    recruiter = open_desk("recruiter").open(ada)
    recruiter.write(BODY)
    expect(recruiter.at("deferred")).to_contain_text("Quiet hours where the candidate is. It will go")
    expect(recruiter.at("override")).to_have_count(0)
    recruiter.send(BODY)
    recruiter.shows_status(BODY, "Scheduled for")
    recruiter.shows_status(BODY, "moved out of quiet hours")


def test_only_who_may_override_quiet_hours_can(
    manager: Desk, phones: Phones, ats: Client, ada: str, system: System
) -> None:
    quiet_now(ats, system)
    manager.open(ada)
    manager.write(BODY)
    expect(manager.at("deferred")).to_be_visible()
    manager.at("override").check()
    expect(manager.at("deferred")).to_be_hidden()
    manager.send(BODY)
    assert eventually(lambda: phones.inbox(ADA)) == [BODY]


def test_a_text_that_waits_can_be_called_back_by_another_recruiter(
    open_desk: OpenDesk, ats: Client, ada: str, system: System
) -> None:
    text(ats, ada, ADA, BODY, send_at=(system.clock() + timedelta(days=1)).isoformat())
    recruiter = open_desk("recruiter").open(ada)
    recruiter.at("open-cancel").click()
    recruiter.at("cancel-submit").click()
    recruiter.shows_status(BODY, "by Rita Recruiter")
