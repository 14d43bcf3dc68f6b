"""The main job, by hand, across both pages."""

from playwright.sync_api import expect

from tests.browser.conftest import OpenDesk
from tests.browser.phones import PhonesPage
from tests.support.sayso import System

GRACE = "+4551234567"


def test_from_activation_to_a_text_an_answer_and_a_stop(open_desk: OpenDesk, system: System) -> None:
    manager = open_desk("nobody").go("/")  # the demo asks who to be
    manager.at("persona-manager").click()
    manager.activate()
    manager.shows_balance(50)

    manager.add_candidate("Grace Hopper", "51 23 45 67")
    manager.shows_consent("No consent given")
    manager.is_blocked("consent_not_given")

    manager.record_consent("call", "She said yes when I rang.")
    manager.is_open()

    phones = PhonesPage(manager.page.context.new_page(), system)
    body = "Hi Grace, this is Max from Acme Robotics. Free on Tuesday? Reply STOP to get no more texts."
    manager.send(body)
    phones.shows(GRACE, body)
    manager.shows_status(body, "Delivered")
    manager.shows_balance(49)

    phones.answer(GRACE, "Tuesday works!")
    expect(manager.message("Tuesday works!")).to_be_visible()

    phones.press(GRACE, "STOP")
    manager.shows_consent("Revoked by keyword")
    manager.is_blocked("revoked_by_keyword")
    expect(manager.at("blocked")).to_contain_text("Only the candidate can undo this, by texting START to +1")
    expect(manager.message("STOP").get_by_test_id("message-label")).to_have_text("Keyword STOP")

    candidate = manager.page.url.rsplit("/", 1)[1]
    refused = system.client().refused("send-text", candidate=candidate, number=GRACE, body="Just this once")
    assert refused == "revoked_by_keyword"

    phones.press(GRACE, "START")
    manager.shows_consent("Consent granted")
    expect(manager.at("consent-who")).to_have_text("The candidate, from this number")
    manager.is_open()
