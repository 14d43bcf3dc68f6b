"""One text for many, as a recruiter follows it: how far it is, held, released, ended; who was refused."""

from datetime import timedelta
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import OpenDesk
from tests.browser.desk import Desk
from tests.browser.seeds import ADA, BOB, candidate
from tests.browser.test_accessibility import grave
from tests.support.sayso import Client, System

BODY = "We open on Monday at 9. Can you start then?"


def bulk(ats: Client, system: System, **more: Any) -> str:
    """A text for Ada, who agreed, and for Bob, who did not; its id."""
    candidate(ats, "c-bob", "Bob Stone", BOB)
    later = (system.clock() + timedelta(days=2)).isoformat()
    whom = [{"candidate": "c-ada", "number": ADA}, {"candidate": "c-bob", "number": BOB}]
    sent = ats.accepted("send-bulk", recipients=whom, body=BODY, **{"send_at": later, **more})
    return str(sent["bulk"])


def test_a_bulk_is_held_released_and_ended(manager: Desk, ats: Client, ada: str, system: System) -> None:
    name = bulk(ats, system)
    manager.go("/bulks").is_live()
    expect(manager.at("bulk")).to_contain_text("0 of 1 text handed over")
    manager.at("bulk").click()
    expect(manager.at("bulk-body")).to_have_text(BODY)
    expect(manager.at("bulk-state")).to_have_text("Running")
    expect(manager.at("bulk-waiting")).to_have_text("1")
    expect(manager.at("bulk-refused")).to_have_text("1")
    expect(manager.at("bulk-refusals")).to_contain_text("The candidate has not agreed to be texted.")
    assert grave(manager) == []
    manager.at("pause-bulk-submit").click()
    expect(manager.at("bulk-state")).to_contain_text("Paused by")
    assert ats.get(f"/bulks/{name}")["state"] == "paused"
    manager.at("resume-bulk-submit").click()
    expect(manager.at("bulk-state")).to_have_text("Running")
    manager.at("open-cancel-bulk").click()
    assert grave(manager) == []
    manager.at("cancel-bulk-submit").click()
    expect(manager.at("bulk-state")).to_contain_text("Cancelled by")
    expect(manager.at("bulk-cancelled")).to_have_text("1")
    expect(manager.at("open-cancel-bulk")).to_have_count(0)
    manager.shows_balance(50)


def test_progress_is_followed_live(manager: Desk, ats: Client, ada: str, system: System) -> None:
    manager.go("/bulks").is_live()
    bulk(ats, system, send_at=None)
    expect(manager.at("bulk")).to_have_count(1)
    manager.at("bulk").click()
    expect(manager.at("bulk-waiting")).to_be_visible()


def test_who_may_only_look_gets_no_words_to_hold_it(
    open_desk: OpenDesk, ats: Client, ada: str, system: System
) -> None:
    desk = open_desk("viewer").go(f"/bulks/{bulk(ats, system)}")
    expect(desk.at("bulk-state")).to_have_text("Running")
    expect(desk.at("pause-bulk")).to_have_count(0)
    expect(desk.at("open-cancel-bulk")).to_have_count(0)


def test_what_is_not_there_is_a_page_that_says_so(manager: Desk, ada: str) -> None:
    for name in ("nonsense", "00000000-0000-7000-8000-000000000001"):
        manager.go(f"/bulks/{name}")
        expect(manager.page.get_by_role("heading")).to_contain_text("nothing here")
