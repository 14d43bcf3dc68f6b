"""For everybody: keyboard, screen reader, small screen, dark room."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import OpenDesk
from tests.browser.desk import Desk
from tests.browser.phones import Phones
from tests.browser.seeds import ADA, AUSTRIAN, BOB, candidate, text
from tests.support.sayso import Client, System, eventually

CANDIDATES = ("/candidates/c-ada", "/candidates/c-bob")
PATHS = ("/", *CANDIDATES, "/bulks", "/balance", "/notifications", "/settings", "/demo/sign-in")
NUMBER_DIALOGS = ("open-add-number", "open-change-number", "open-remove-number")
GRAVE = {"serious", "critical"}


@pytest.fixture
def lived_in(ats: Client, ada: str, phones: Phones, system: System) -> str:
    """An account with texts in every state, a bulk, a review, and a candidate with a very long name."""
    candidate(ats, "c-bob", "Maximiliane-Wilhelmina von und zu Hohenlohe-Langenburg-Schillingsfürst", BOB)
    text(ats, ada, ADA, "Hi Ada, are you free on Tuesday? " + "https://example.com/" + "a" * 80)
    eventually(lambda: phones.inbox(ADA))
    text(ats, ada, ADA, "Later", send_at=(system.clock() + timedelta(days=1)).isoformat())
    gone = text(ats, ada, ADA, "Never", send_at=(system.clock() + timedelta(days=2)).isoformat())
    ats.accepted("cancel-text", candidate=ada, number=ADA, text_id=gone)
    later = (system.clock() + timedelta(days=2)).isoformat()
    whom = [{"candidate": ada, "number": ADA}, {"candidate": "c-bob", "number": BOB}]
    ats.accepted(
        "pause-bulk", bulk=ats.accepted("send-bulk", recipients=whom, body="All", send_at=later)["bulk"]
    )
    phones.write(ADA, "please stop texting me")
    eventually(lambda: ats.get(f"/candidates/{ada}/threads/%2B{ADA[1:]}/consent")["under_review"])
    ats.accepted("adjust-segments", segments=-40, reason="Test")
    return ada


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault(open_desk: OpenDesk, ats: Client, lived_in: str, scheme: str) -> None:
    desk = open_desk("manager", color_scheme=scheme)
    for path in (*PATHS, *bulk_paths(ats)):
        desk.go(path)
        assert grave(desk) == [], path


def bulk_paths(ats: Client) -> tuple[str, ...]:
    """The pages of the account's bulk."""
    one = f"/bulks/{ats.get('/bulks')['items'][0]['bulk']}"
    return (one, f"{one}/texts", f"{one}/texts?what=refused")


def test_no_dialog_has_a_serious_fault(manager: Desk, ada: str) -> None:
    for path, openers in (
        ("/balance", ("buy",)),
        ("/candidates/c-ada", ("open-withdraw", *NUMBER_DIALOGS)),
    ):
        for opener in openers:
            manager.go(path)
            manager.at(opener).click()
            assert grave(manager) == [], opener
    manager.at("remove-number-form").get_by_role("button", name="Close").click()
    manager.write("“Hello” 😀")
    manager.at("later").check()
    assert grave(manager) == []


def grave(desk: Desk) -> list[str]:
    """What axe finds seriously wrong with the page as it stands."""
    violations = Axe().run(desk.page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in violations if one["impact"] in GRAVE]


def test_nothing_is_cut_off_on_a_small_screen(open_desk: OpenDesk, ats: Client, lived_in: str) -> None:
    desk = open_desk("manager", viewport={"width": 360, "height": 740})
    for path in (*PATHS, *bulk_paths(ats)):
        desk.go(path)
        assert desk.page.evaluate("document.documentElement.scrollWidth") <= 360, path


@pytest.mark.parametrize("width", [320, 360, 375, 640, 1280])
def test_the_whole_menu_is_in_sight_on_every_screen(open_desk: OpenDesk, ada: str, width: int) -> None:
    desk = open_desk("manager", viewport={"width": width, "height": 740}).go("/")
    links = desk.page.get_by_role("navigation", name="Sections").get_by_role("link")
    expect(links).to_have_count(5)
    for link in links.all():
        box = link.bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width


def test_however_much_the_composer_has_to_say_its_button_stays_in_sight(
    manager: Desk, ats: Client, ada: str, system: System
) -> None:
    candidate(ats, "c-at", "Sissi", AUSTRIAN, agreed_at=system.clock())
    manager.open("c-at")
    manager.write("“Hello” — " + "are you free? " * 20)
    manager.at("later").check()
    expect(manager.at("dear")).to_be_visible()
    card, button = manager.page.locator(".thread").bounding_box(), manager.at("send").bounding_box()
    assert card is not None
    assert button is not None
    assert button["y"] + button["height"] < card["y"] + card["height"]


def test_everything_can_be_done_by_keyboard(manager: Desk, ats: Client, ada: str) -> None:
    candidate(ats, "c-bob", "Bob", BOB)
    manager.open("c-bob")
    press = manager.page.keyboard.press
    press("Tab")
    expect(manager.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    press("Enter")
    expect(manager.page.locator("#main")).to_be_focused()

    manager.at("open-add-consent").focus()
    press("Enter")
    expect(manager.at("add-consent-form")).to_be_visible()
    manager.at("method-call").press("Space")
    press("Enter")
    manager.shows_consent("Consent granted")
    expect(manager.at("add-consent-form")).to_be_hidden()

    manager.at("text").focus()
    manager.page.keyboard.type("By keyboard alone")
    press("Control+Enter")
    expect(manager.message("By keyboard alone")).to_be_visible()
    expect(manager.at("text")).to_be_focused()


def test_new_texts_and_refusals_are_told_to_screen_readers(manager: Desk, ada: str) -> None:
    manager.open(ada)
    expect(manager.at("thread")).to_have_role("log")
    expect(manager.at("live")).to_have_role("status")
    expect(manager.at("toast")).to_have_role("status")
    expect(manager.at("composer").get_by_test_id("problem")).to_have_attribute("role", "alert")
    expect(manager.at("text")).to_have_accessible_name("Text to Ada Byron at +45 20 12 34 56")


def test_times_are_shown_by_the_clock_of_whoever_reads(open_desk: OpenDesk, ats: Client, ada: str) -> None:
    text(ats, ada, ADA, "On New Year", send_at="2199-01-01T00:30:00Z")
    for zone, shown in (("America/New_York", "31 Dec 2198, 19:30"), ("Asia/Tokyo", "1 Jan 2199, 09:30")):
        desk = open_desk("viewer", timezone_id=zone).open(ada)
        desk.shows_status("On New Year", shown)
