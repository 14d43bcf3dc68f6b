"""The main job, by hand, across both pages."""

from playwright.sync_api import expect

from tests.browser.conftest import OpenDesk
from tests.browser.phones import Phones
from tests.browser.seeds import ADA
from tests.support.sayso import Client


def test_from_activation_to_a_text_an_answer_and_a_stop(
    open_desk: OpenDesk, phones: Phones, ats: Client
) -> None:
    manager = open_desk("nobody").go("/")  # the demo asks who to be
    manager.at("persona-manager").click()
    manager.activate()
    manager.shows_balance(50)

    manager.add_candidate("Ada Byron", "20 12 34 56")
    manager.shows_consent("No consent given")
    manager.is_blocked("consent_not_given")

    manager.record_consent("call", "She said yes when I rang.")
    manager.is_open()

    phones.look()
    body = "Hi Ada, this is Max from Acme Robotics. Free on Tuesday? Reply STOP to get no more texts."
    manager.send(body)
    phones.shows(ADA, body)
    manager.shows_status(body, "Delivered")
    manager.shows_balance(49)

    phones.answer(ADA, "Tuesday works!")
    expect(manager.message("Tuesday works!")).to_be_visible()

    phones.press(ADA, "STOP")
    manager.shows_consent("Revoked by keyword")
    manager.is_blocked("revoked_by_keyword")
    expect(manager.at("blocked")).to_contain_text("Only the candidate can undo this, by texting START to +1")
    expect(manager.message("STOP").get_by_test_id("message-label")).to_have_text("Keyword STOP")

    candidate = manager.page.url.rsplit("/", 1)[1]
    refused = ats.command("send-text", candidate=candidate, number=ADA, body="Just this once")
    assert refused.json()["code"] == "revoked_by_keyword"
    assert phones.inbox(ADA).count(body) == 1

    phones.press(ADA, "START")
    manager.shows_consent("Consent granted")
    expect(manager.at("consent-who")).to_have_text("Ada Byron")
    manager.is_open()
