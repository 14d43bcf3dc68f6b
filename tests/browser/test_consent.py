"""The consent panel: what stands, who said so, and what can be done about it."""

from datetime import timedelta

from playwright.sync_api import expect

from tests.browser.conftest import OpenDesk
from tests.browser.desk import Desk, typed
from tests.browser.phones import Phones
from tests.browser.seeds import ADA, AUSTRIAN, BOB, SWITCHED_OFF, activate, candidate, consent
from tests.support.sayso import Client, System

APPLICATION = {
    "how": "application",
    "source": "indeed",
    "scope": "this_job",
    "wording": "I agree to be texted about this job.",
    "wording_version": "7",
    "application_id": "app-77",
    "ip": "203.0.113.9",
    "user_agent": "Mozilla/5.0",
}


def test_consent_by_hand_says_who_recorded_it_for_whom_when_and_how(open_desk: OpenDesk, ats: Client) -> None:
    activate(ats)
    candidate(ats, "c-ada", "Ada Byron", ADA)
    desk = open_desk("recruiter").open("c-ada")

    desk.at("open-add-consent").click()
    expect(desk.at("consent-warning")).to_contain_text("breaks the carrier’s policy and may break the law")
    desk.page.keyboard.press("Escape")
    desk.record_consent("in_person", "At the job fair")

    expect(desk.at("consent-who")).to_have_text("Rita Recruiter, on behalf of Ada Byron")
    expect(desk.at("consent-obtained").locator("time")).to_contain_text("today")
    expect(desk.at("consent-recorded").locator("time")).to_contain_text("today")
    expect(desk.at("consent-source")).to_have_text("In person, added by hand")
    step = desk.at("consent-step").first
    expect(step).to_contain_text("Consent granted")
    expect(step.get_by_test_id("step-who")).to_have_text("Rita Recruiter, on behalf of Ada Byron")
    expect(step).to_contain_text("At the job fair")


def test_consent_cannot_be_obtained_in_the_future(manager: Desk, ats: Client, system: System) -> None:
    activate(ats)
    candidate(ats, "c-ada", "Ada Byron", ADA)
    manager.open("c-ada")
    manager.at("open-add-consent").click()
    manager.at("method-email").check()
    manager.at("obtained-at").fill(typed(system.clock() + timedelta(days=2)))
    manager.at("add-consent-submit").click()
    expect(manager.at("obtained-at")).to_have_js_property("validity.rangeOverflow", True)

    # The same without the browser's help: the interface holds the line.
    manager.page.evaluate("document.querySelector('#obtained-at').removeAttribute('max')")
    manager.at("add-consent-submit").click()
    problem = manager.at("add-consent-form").get_by_test_id("problem")
    expect(problem).to_have_text("Consent cannot have been obtained in the future. Check the date.")
    manager.page.keyboard.press("Escape")
    manager.shows_consent("No consent given")


def test_consent_from_an_application_shows_what_the_candidate_agreed_to(manager: Desk, ats: Client) -> None:
    activate(ats)
    candidate(ats, "c-ada", "Ada Byron", ADA)
    ats.accepted(
        "record-application-consent",
        candidate="c-ada",
        number=ADA,
        obtained_at="2026-03-02T09:30:00Z",
        evidence=APPLICATION,
    )
    manager.open("c-ada")
    expect(manager.at("consent-who")).to_have_text("Ada Byron")
    expect(manager.at("consent-obtained").locator("time")).to_have_attribute(
        "datetime", "2026-03-02T09:30:00.000Z"
    )
    expect(manager.at("consent-obtained")).to_contain_text("2 Mar, 10:30")  # Copenhagen's clock
    expect(manager.at("consent-source")).to_have_text("Application on Indeed, for this job")
    history = manager.at("consent-history")
    for fact in ("I agree to be texted about this job.", "version 7", "app-77", "203.0.113.9", "Mozilla/5.0"):
        expect(history).to_contain_text(fact)


def test_withdrawn_and_added_again(manager: Desk, ada: str) -> None:
    manager.open(ada)
    manager.at("open-withdraw").click()
    manager.at("withdraw-reason").fill("Took another job")
    manager.at("withdraw-submit").click()
    manager.shows_consent("Consent withdrawn")
    manager.is_blocked("consent_withdrawn")
    expect(manager.at("consent-who")).to_have_text("Max Manager")
    expect(manager.at("consent-step").first).to_contain_text("Took another job")

    manager.record_consent("email")
    manager.is_open()
    expect(manager.at("consent-step")).to_have_count(5)


def test_a_reply_that_sounds_like_a_stop_blocks_until_somebody_has_read_it(
    manager: Desk, phones: Phones, ada: str
) -> None:
    manager.open(ada).is_live()
    phones.write(ADA, "Please stop texting me.")
    manager.shows_consent("Under review")
    manager.is_blocked("under_review")
    expect(manager.message("Please stop texting me.")).to_contain_text("Sounds like a wish to stop")

    manager.at("review-false").click()
    manager.shows_consent("Consent granted")
    manager.is_open()

    phones.write(ADA, "remove me")
    manager.shows_consent("Under review")
    manager.at("review-true").click()
    manager.shows_consent("Consent withdrawn")
    expect(manager.at("consent-step").first).to_contain_text("Consent withdrawn after a review")
    expect(manager.at("consent-step").nth(1)).to_contain_text("Reviewed: a wish to stop")


def test_nobody_else_can_undo_a_keyword(manager: Desk, phones: Phones, ada: str) -> None:
    manager.open(ada).is_live()
    phones.write(ADA, " Stop!! ")
    manager.shows_consent("Revoked by keyword")
    expect(manager.at("consent-undo")).to_contain_text("Only Ada Byron can undo this, by texting START to +1")
    expect(manager.at("open-add-consent")).to_be_hidden()
    expect(manager.at("open-withdraw")).to_be_hidden()
    expect(manager.at("consent-source")).to_have_text("Text message “STOP”")


def test_each_number_has_a_consent_of_its_own(manager: Desk, ats: Client, ada: str) -> None:
    ats.accepted("add-number", candidate=ada, number=BOB)
    manager.open(ada)
    expect(manager.at("tab")).to_have_count(2)
    manager.shows_consent("Consent granted")
    manager.at("tab").nth(1).click()
    manager.shows_consent("No consent given")
    manager.is_blocked("consent_not_given")


def test_the_list_of_candidates_says_in_words_who_agreed(
    manager: Desk, ats: Client, ada: str, system: System
) -> None:
    candidate(ats, "c-bob", "Bob Stone", BOB)
    agreed_at = system.clock() - timedelta(days=1)
    candidate(ats, "c-two", "Two Numbers", AUSTRIAN, agreed_at=agreed_at)
    ats.accepted("withdraw-consent", candidate="c-two", number=AUSTRIAN, reason="By e-mail")
    candidate(ats, "c-two", "Two Numbers", SWITCHED_OFF, agreed_at=agreed_at)
    manager.go("/").is_live()
    said = manager.at("candidate").filter(has_text="Two Numbers").get_by_test_id("number")
    expect(said).to_have_text(
        ["+43 664 1234567, Consent withdrawn", "+45 20 12 34 90, Consent granted"], use_inner_text=True
    )
    expect(manager.page.get_by_role("link", name="Bob Stone")).to_have_accessible_name(
        "Bob Stone +45 20 12 34 57, No consent given"
    )
    consent(ats, "c-bob", BOB, agreed_at)
    expect(manager.at("candidate").filter(has_text="Bob Stone")).to_contain_text("Consent granted")
