"""A candidate's numbers: added, changed, removed, shared."""

from playwright.sync_api import expect

from tests.browser.desk import Desk
from tests.browser.phones import Phones
from tests.browser.seeds import ADA, BOB, FRENCH, candidate, text
from tests.support.sayso import Client


def test_another_number_gets_a_tab_and_a_thread(manager: Desk, ada: str) -> None:
    manager.open(ada)
    manager.at("open-add-number").click()
    manager.at("more-number").fill("20 12 34 57")
    manager.at("add-number-submit").click()
    expect(manager.at("tab")).to_have_count(2)
    manager.at("tab").nth(1).click()
    expect(manager.at("tab").nth(1)).to_have_attribute("aria-current", "page")
    manager.shows_consent("No consent given")
    expect(manager.at("message")).to_have_count(0)


def test_a_number_that_is_none_is_refused_with_a_sentence(manager: Desk, ada: str) -> None:
    manager.open(ada)
    manager.at("open-add-number").click()
    manager.at("more-number").fill("12")
    manager.at("add-number-submit").click()
    problem = manager.at("add-number-form").get_by_test_id("problem")
    expect(problem).to_have_text("This is not a valid phone number. Check it, with its country code.")
    expect(manager.at("tab")).to_have_count(1)


def test_a_changed_number_does_not_carry_consent_over(manager: Desk, ada: str) -> None:
    manager.open(ada)
    manager.at("open-change-number").click()
    manager.at("change-number").fill("20 12 34 57")
    manager.at("change-number-submit").click()
    expect(manager.at("tab").first).to_contain_text("+45 20 12 34 57")
    manager.shows_consent("No consent given")
    manager.is_blocked("consent_not_given")

    manager.at("tab").filter(has_text="removed").click()
    manager.shows_consent("Consent withdrawn")
    expect(manager.at("consent-step").first).to_contain_text("Consent went with the number")
    manager.is_blocked("number_unknown")


def test_a_removed_number_can_be_read_and_not_written_to(manager: Desk, ats: Client, ada: str) -> None:
    text(ats, ada, ADA, "Hello Ada")
    manager.open(ada)
    manager.at("open-remove-number").click()
    manager.at("remove-number-submit").click()
    expect(manager.page.get_by_text("This candidate has no number.")).to_be_visible()
    manager.at("tab").click()
    expect(manager.message("Hello Ada")).to_be_visible()
    manager.is_blocked("number_unknown")
    expect(manager.at("open-remove-number")).to_have_count(0)


def test_a_stop_from_a_shared_number_blocks_both_candidates(
    manager: Desk, phones: Phones, ats: Client, ada: str
) -> None:
    candidate(ats, "c-twin", "Ida Byron", ADA)
    manager.open(ada).is_live()
    phones.write(ADA, "STOP")
    manager.is_blocked("revoked_by_keyword")
    manager.open("c-twin")
    manager.is_blocked("revoked_by_keyword")
    expect(manager.message("STOP")).to_be_visible()


def test_a_french_number_is_blocked_with_a_reason_of_its_own(manager: Desk, ats: Client, ada: str) -> None:
    candidate(ats, "c-fr", "Amélie", FRENCH)
    manager.open("c-fr")
    manager.is_blocked("french_number")
    preview = ats.http.post("/texts/preview", json={"number": FRENCH, "body": "Bonjour", "candidate": "c-fr"})
    expect(manager.at("blocked")).to_contain_text(preview.json()["refusal"]["sentence"])


def test_the_number_is_read_as_in_the_country_chosen(manager: Desk, ada: str) -> None:
    manager.add_candidate("Bob", "+45 20 12 34 57", region="")
    expect(manager.at("tab")).to_contain_text("+45 20 12 34 57")
    manager.go("/")
    manager.at("add-name").fill("Eve")
    manager.at("add-number").fill("20 12 34 58")
    manager.at("add-region").select_option("")
    manager.at("add-submit").click()
    expect(manager.at("add-candidate").get_by_test_id("problem")).to_contain_text("country code")
    assert BOB not in manager.page.url
