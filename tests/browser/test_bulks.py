"""One text for many, as a recruiter follows it: how far it is, held, released, ended; who was refused."""

from datetime import timedelta
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import OpenDesk
from tests.browser.desk import Desk
from tests.browser.seeds import ADA, BOB, candidate
from tests.browser.test_accessibility import grave
from tests.support.sayso import Client, System

CY = "+4520123458"
BODY = "We open on Monday at 9. Can you start then?"


def bulk(ats: Client, system: System, **more: Any) -> str:
    """A text for Ada, who agreed, and for Bob, who did not; its id."""
    candidate(ats, "c-bob", "Bob Stone", BOB)
    later = (system.clock() + timedelta(days=2)).isoformat()
    whom = [{"candidate": "c-ada", "number": ADA}, {"candidate": "c-bob", "number": BOB}]
    sent = ats.accepted("send-bulk", **{"recipients": whom, "body": BODY, "send_at": later, **more})
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


def test_a_press_counts_though_the_figures_change_under_it(
    manager: Desk, ats: Client, ada: str, system: System
) -> None:
    candidate(ats, "c-cy", "Cy Moss", CY, agreed_at=system.clock() - timedelta(days=2))
    whom = [{"candidate": "c-ada", "number": ADA}, {"candidate": "c-cy", "number": CY}]
    name = bulk(ats, system, recipients=whom)
    manager.go(f"/bulks/{name}").is_live()
    manager.at("pause-bulk-submit").hover()
    manager.page.mouse.down()
    first = ats.get(f"/bulks/{name}/texts")["items"][0]
    ats.accepted(
        "cancel-text", candidate=first["candidate"], number=first["number"], text_id=first["text_id"]
    )
    expect(manager.at("bulk-cancelled")).to_have_text("1")
    manager.page.mouse.up()
    expect(manager.at("bulk-state")).to_contain_text("Paused by")


def test_who_may_only_look_gets_no_words_to_hold_it(
    open_desk: OpenDesk, ats: Client, ada: str, system: System
) -> None:
    desk = open_desk("viewer").go(f"/bulks/{bulk(ats, system)}")
    expect(desk.at("bulk-state")).to_have_text("Running")
    expect(desk.at("pause-bulk")).to_have_count(0)
    expect(desk.at("open-cancel-bulk")).to_have_count(0)


def test_what_is_not_there_is_a_page_that_says_so(manager: Desk, ada: str) -> None:
    nobodys = "00000000-0000-7000-8000-000000000001"
    lists = (f"{nobodys}/texts", f"{nobodys}/texts?what=refused", f"{nobodys}/texts?what=nonsense")
    for name in ("nonsense", nobodys, *lists):
        manager.go(f"/bulks/{name}")
        expect(manager.page.get_by_role("heading")).to_contain_text("nothing here")


def test_each_figure_leads_to_those_it_counts_and_from_there_to_their_threads(
    manager: Desk, ats: Client, ada: str, system: System
) -> None:
    name = bulk(ats, system)
    manager.go(f"/bulks/{name}")
    manager.at("bulk-waiting").get_by_role("link").click()
    expect(manager.page.get_by_role("heading", level=1)).to_have_text("Waiting")
    expect(manager.at("recipient")).to_have_count(1)
    for shown in ("Ada Byron", "+45 20 12 34 56", "Scheduled for"):
        expect(manager.at("recipient")).to_contain_text(shown)
    assert grave(manager) == []
    manager.at("recipient").click()
    expect(manager.at("candidate-name")).to_have_text("Ada Byron")
    expect(manager.message(BODY)).to_be_visible()

    manager.go(f"/bulks/{name}").at("bulk-refused").get_by_role("link").click()
    expect(manager.at("recipient")).to_have_count(1)
    expect(manager.at("recipient")).to_contain_text("Bob Stone")
    expect(manager.at("recipient")).to_contain_text("The candidate has not agreed to be texted.")
    manager.go(f"/bulks/{name}")
    expect(manager.at("bulk-delivered").get_by_role("link")).to_have_count(0)
    manager.at("bulk-everybody").click()
    expect(manager.at("recipient")).to_have_count(1)


def test_whoever_was_called_back_is_listed_with_by_whom(
    manager: Desk, ats: Client, ada: str, system: System
) -> None:
    name = bulk(ats, system)
    manager.go(f"/bulks/{name}/texts?what=waiting").is_live()
    ats.accepted("cancel-bulk", bulk=name)
    expect(manager.at("recipient")).to_have_count(0)
    manager.go(f"/bulks/{name}/texts?what=cancelled")
    expect(manager.at("recipient")).to_contain_text("Cancelled, refunded")
    expect(manager.at("recipient")).to_contain_text("by Rita Recruiter")


def test_long_lists_come_in_pages(manager: Desk, ats: Client, ada: str, system: System) -> None:
    whom = [{"candidate": f"c-{n}", "number": f"+45201240{n:02}"} for n in range(60)]
    name = ats.accepted("send-bulk", recipients=whom, body=BODY)["bulk"]
    manager.go(f"/bulks/{name}").at("bulk-all-refused").click()
    expect(manager.at("recipient")).to_have_count(50)
    manager.page.get_by_role("link", name="More").click()
    expect(manager.at("recipient")).to_have_count(10)
    manager.page.get_by_role("link", name="From the start").click()
    expect(manager.at("recipient")).to_have_count(50)


def test_a_text_says_in_its_thread_that_its_bulk_is_paused(
    manager: Desk, ats: Client, ada: str, system: System
) -> None:
    name = bulk(ats, system)
    manager.open(ada).is_live()
    expect(manager.message(BODY)).to_be_visible()
    ats.accepted("pause-bulk", bulk=name)
    manager.shows_status(BODY, "It waits: its bulk is paused.")
    assert grave(manager) == []
    manager.at("message-bulk").click()
    expect(manager.is_live().at("bulk-state")).to_contain_text("Paused by")
    manager.at("resume-bulk-submit").click()
    expect(manager.at("bulk-state")).to_have_text("Running")
    manager.open(ada)
    manager.shows_status(BODY, "Scheduled for")
    expect(manager.at("message-bulk")).to_have_count(0)
