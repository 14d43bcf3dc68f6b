"""What changes elsewhere shows at once, and takes nothing away from whoever is typing."""

from playwright.sync_api import expect

from tests.browser.conftest import OpenDesk
from tests.browser.desk import Desk
from tests.browser.phones import Phones
from tests.browser.seeds import ADA, BOB, activate, candidate, text
from tests.support.sayso import Client, System


def test_a_reply_comes_in_while_one_types(manager: Desk, phones: Phones, ada: str) -> None:
    manager.open(ada).is_live()
    manager.page.evaluate("window.sameDocument = true")
    manager.at("text").fill("I was just about to wri")
    manager.at("text").evaluate("field => field.setSelectionRange(6, 6)")
    phones.write(ADA, "Tuesday works!")
    expect(manager.message("Tuesday works!")).to_be_visible()
    expect(manager.message("Tuesday works!")).to_be_in_viewport()
    expect(manager.at("text")).to_have_value("I was just about to wri")
    expect(manager.at("text")).to_be_focused()
    assert manager.at("text").evaluate("field => field.selectionStart") == 6
    assert manager.page.evaluate("window.sameDocument") is True


def test_an_open_dialog_keeps_what_was_typed(manager: Desk, phones: Phones, ats: Client, ada: str) -> None:
    manager.open(ada).is_live()
    manager.at("open-withdraw").click()
    manager.at("withdraw-reason").fill("Asked by e-ma")
    phones.write(ADA, "Hello?")
    expect(manager.at("message")).to_have_count(1)
    expect(manager.at("withdraw-reason")).to_have_value("Asked by e-ma")


def test_replies_are_unread_until_somebody_opens_the_thread(
    open_desk: OpenDesk, phones: Phones, ats: Client, ada: str
) -> None:
    home = open_desk("manager").go("/").is_live()
    phones.write(ADA, "First")
    expect(home.at("unread")).to_contain_text("1")
    phones.write(ADA, "Second")
    expect(home.at("unread")).to_contain_text("2")

    reader = open_desk("viewer").open(ada)
    expect(reader.at("message")).to_have_count(2)
    expect(home.at("unread")).to_have_count(0)


def test_a_reply_to_another_number_shows_on_its_tab(
    manager: Desk, phones: Phones, ats: Client, ada: str
) -> None:
    ats.accepted("add-number", candidate=ada, number=BOB)
    manager.open(ada).is_live()
    phones.write(BOB, "It is me, from my other phone")
    expect(manager.at("tab").nth(1)).to_contain_text("1")
    expect(manager.at("message")).to_have_count(0)


def test_two_recruiters_see_the_same(open_desk: OpenDesk, ada: str) -> None:
    rita, max_ = open_desk("recruiter"), open_desk("manager")
    rita.open(ada).is_live()
    max_.open(ada).is_live()
    rita.send("From Rita")
    expect(max_.message("From Rita")).to_contain_text("Rita Recruiter")
    max_.shows_status("From Rita", "Delivered")
    max_.shows_balance(49)
    max_.at("open-withdraw").click()
    max_.at("withdraw-submit").click()
    rita.is_blocked("consent_withdrawn")


def test_a_new_candidate_appears_on_the_list(manager: Desk, ats: Client) -> None:
    activate(ats)
    manager.go("/").is_live()
    candidate(ats, "c-new", "Grace Hopper", ADA)
    expect(manager.at("candidate")).to_contain_text("Grace Hopper")


def test_a_page_without_a_connection_says_so_and_catches_up(manager: Desk, ats: Client, ada: str) -> None:
    manager.page.route("**/stream", lambda route: route.abort())
    manager.open(ada)
    expect(manager.at("live")).to_have_text("Not connected, trying again")
    text(ats, ada, ADA, "Sent meanwhile")
    manager.page.unroute_all()
    expect(manager.message("Sent meanwhile")).to_be_visible()
    expect(manager.at("live")).to_have_text("Live")


def test_a_follower_is_told_of_a_reply_once(
    open_desk: OpenDesk, phones: Phones, ada: str, system: System
) -> None:
    rita, max_ = open_desk("recruiter"), open_desk("manager")
    for desk in (rita, max_):
        desk.open(ada)
        desk.at("follow").click()
        expect(desk.at("follow")).to_have_text("Unfollow")
    rita.go("/notifications").is_live()
    rita.at("profile-actions").check()
    rita.at("notifications-save").click()
    expect(rita.at("toast")).to_have_text("Saved.")
    phones.write(ADA, "Tuesday works!")
    expect(rita.at("notification")).to_have_count(1)
    expect(rita.at("notification")).to_contain_text("Ada Byron")
    rita.at("notification").click()
    expect(rita.message("Tuesday works!")).to_be_visible()
    max_.go("/notifications")  # follows too, and did not ask to be told
    expect(max_.at("notification")).to_have_count(0)
