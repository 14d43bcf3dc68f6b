"""The composer: what a text costs, what it lacks, and that it goes once."""

from playwright.sync_api import expect

from tests.browser.conftest import OpenDesk
from tests.browser.desk import Desk
from tests.browser.phones import Phones
from tests.browser.seeds import ADA, AUSTRIAN, SWITCHED_OFF, activate, candidate, change_settings, text
from tests.support.sayso import Client, System, eventually

LONG = "GSM-7 · 2 segments · 145 units left in the last · costs 2 texts · 1239 units until the limit"
SENTENCE = "This is Max Manager from Acme Robotics. Reply STOP to get no more texts."


def test_the_cost_is_counted_while_one_types(manager: Desk, ada: str) -> None:
    manager.open(ada)
    for body, count in (
        ("Hello Ada", "GSM-7 · 1 segment · 151 units left"),
        ("Hello 😀", "UCS-2 · 1 segment · 62 units left"),
        ("a" * 161, LONG),
    ):
        manager.at("text").fill(body)
        expect(manager.at("count")).to_have_text(count)


def test_swapping_what_makes_a_text_dear_saves_segments(manager: Desk, ada: str) -> None:
    manager.open(ada)
    manager.write("“Tuesday”, she said " + "x" * 60)
    dear = manager.at("dear")
    expect(dear).to_contain_text("2 characters make this a UCS-2 text")
    expect(dear).to_contain_text('“ left double quotation mark → "')
    expect(dear).to_contain_text("Swapping saves 1 segment.")
    manager.at("swap").click()
    expect(manager.at("text")).to_have_value('"Tuesday", she said ' + "x" * 60)
    expect(manager.at("count")).to_contain_text("GSM-7 · 1 segment")
    expect(dear).to_be_hidden()


def test_what_cannot_be_swapped_is_named_and_stays(manager: Desk, ada: str) -> None:
    manager.open(ada)
    manager.write("See you! 😀")
    expect(manager.at("dear")).to_contain_text("One character makes this a UCS-2 text")
    expect(manager.at("dear")).to_contain_text("😀 grinning face")
    expect(manager.at("swap")).to_be_hidden()


def test_a_first_text_is_advised_and_one_click_inserts_the_sentence(manager: Desk, ada: str) -> None:
    manager.open(ada)
    manager.write("Are you free on Tuesday?")
    expect(manager.at("first-text")).to_contain_text(
        "A first text should say who writes and how to stop. Add:"
    )
    manager.at("insert").click()
    expect(manager.at("text")).to_have_value(f"Are you free on Tuesday? {SENTENCE}")
    expect(manager.at("first-text")).to_be_hidden()
    manager.at("send").click()
    manager.shows_status(f"Are you free on Tuesday? {SENTENCE}", "Delivered")
    manager.write("And on Wednesday?")
    expect(manager.at("first-text")).to_be_hidden()


def test_the_sentence_is_in_the_language_of_the_account(manager: Desk, ats: Client, ada: str) -> None:
    change_settings(ats, language="de")
    manager.open(ada)
    manager.write("Guten Tag")
    manager.at("insert").click()
    german = "Hier schreibt Max Manager von Acme Robotics. Antworten Sie STOP, um keine SMS mehr zu erhalten."
    expect(manager.at("text")).to_have_value(f"Guten Tag {german}")


def test_where_the_account_requires_it_a_first_text_without_is_refused(
    manager: Desk, ats: Client, ada: str
) -> None:
    change_settings(ats, first_text="require")
    manager.open(ada)
    manager.write("Are you free?")
    expect(manager.at("first-text")).to_contain_text("A first text must say who writes")
    manager.at("send").click()
    problem = manager.at("composer").get_by_test_id("problem")
    expect(problem).to_contain_text("A first text must say who writes")
    expect(manager.at("text")).to_have_value("Are you free?")
    manager.at("insert").click()
    manager.at("send").click()
    expect(manager.at("message")).to_have_count(1)
    expect(problem).to_be_hidden()


def test_where_the_account_says_so_the_sentence_is_added_by_itself(
    manager: Desk, phones: Phones, ats: Client, ada: str
) -> None:
    change_settings(ats, first_text="append")
    manager.open(ada)
    manager.write("Are you free?")
    expect(manager.at("first-text")).to_contain_text("This is added by itself:")
    expect(manager.at("insert")).to_be_hidden()
    manager.at("send").click()
    assert eventually(lambda: phones.inbox(ADA)) == [f"Are you free? {SENTENCE}"]


def test_a_double_click_sends_once(manager: Desk, phones: Phones, ada: str) -> None:
    manager.open(ada)
    manager.at("text").fill("Only once")
    manager.at("send").dblclick()
    manager.shows_status("Only once", "Delivered")
    expect(manager.at("message")).to_have_count(1)
    manager.shows_balance(49)
    assert phones.inbox(ADA) == ["Only once"]


def test_an_answer_that_got_lost_is_asked_for_again_and_the_text_goes_once(
    manager: Desk, phones: Phones, ada: str
) -> None:
    manager.open(ada)
    # The command arrives and takes effect; what Sayso says to it never comes back.
    manager.page.route("**/commands", lambda route: (route.fetch(), route.abort()), times=1)
    manager.at("text").fill("Only once")
    manager.at("send").click()
    problem = manager.at("composer").get_by_test_id("problem")
    expect(problem).to_have_text("Sayso cannot be reached. Nothing is lost: try again.")
    manager.at("send").click()
    expect(manager.at("text")).to_have_value("")
    manager.shows_status("Only once", "Delivered")
    expect(manager.at("message")).to_have_count(1)
    assert phones.inbox(ADA) == ["Only once"]


def test_where_the_sender_is_replaced_and_replies_get_lost_the_composer_warns(
    manager: Desk, ats: Client, ada: str, system: System
) -> None:
    candidate(ats, "c-at", "Sissi", AUSTRIAN, agreed_at=system.clock())
    manager.open("c-at")
    expect(manager.at("warning").filter(visible=True)).to_have_count(2)
    expect(manager.page.get_by_text("The networks of this country replace the sender")).to_be_visible()
    expect(manager.page.get_by_text("Replies from this country cannot come back.")).to_be_visible()
    manager.open(ada)
    manager.write("Hello")
    expect(manager.at("warning").filter(visible=True)).to_have_count(0)


def test_a_text_that_is_too_long_is_refused_before_it_is_sent(manager: Desk, ada: str) -> None:
    manager.open(ada)
    manager.write("a" * 1_401)
    expect(manager.at("refused")).to_have_text(
        "The text has 1401 units in GSM-7; at most 1400 can be sent. Shorten it."
    )


def test_a_long_text_is_one_text_that_costs_its_segments(manager: Desk, ada: str) -> None:
    manager.open(ada)
    manager.send("word " * 60 + "end")
    manager.shows_balance(48)
    manager.shows_status("word " * 60 + "end", "2 segments")
    expect(manager.at("message")).to_have_count(1)


def test_a_failure_is_shown_with_its_reason_and_refunded(
    manager: Desk, phones: Phones, ats: Client, ada: str, system: System
) -> None:
    candidate(ats, "c-off", "Out of Reach", SWITCHED_OFF, agreed_at=system.clock())
    phones.behave(SWITCHED_OFF, ends="failed", ends_with_code=30005)
    manager.open("c-off")
    manager.send("Are you there?")
    manager.shows_status("Are you there?", "Failed, refunded")
    manager.shows_status("Are you there?", "carrier's code 30005")
    manager.shows_balance(50)


def test_control_and_enter_send(manager: Desk, ada: str) -> None:
    manager.open(ada)
    manager.at("text").fill("By keyboard")
    manager.at("text").press("Control+Enter")
    expect(manager.message("By keyboard")).to_be_visible()


def test_without_credit_the_composer_is_blocked(open_desk: OpenDesk, ats: Client, ada: str) -> None:
    ats.accepted("adjust-segments", segments=-50, reason="Test")
    desk = open_desk("recruiter").open(ada)
    desk.is_blocked("insufficient_credit")
    ats.accepted("adjust-segments", segments=1, reason="Test")
    desk.is_open()


def test_before_activation_the_composer_is_blocked(manager: Desk, ats: Client) -> None:
    candidate(ats, "c-ada", "Ada Byron", ADA)
    manager.open("c-ada")
    manager.is_blocked("not_activated")
    activate(ats)
    manager.is_blocked("consent_not_given")


def test_texts_of_before_are_loaded_on_request(manager: Desk, ats: Client, ada: str) -> None:
    ats.accepted("adjust-segments", segments=50, reason="Test")
    for number in range(60):
        text(ats, ada, ADA, f"Text {number}")
    manager.open(ada)
    expect(manager.at("message")).to_have_count(50)
    expect(manager.at("message").last).to_be_in_viewport()
    manager.at("older").click()
    expect(manager.at("message")).to_have_count(60)
    expect(manager.at("message").first).to_contain_text("Text 0")
    expect(manager.at("older")).to_have_count(0)
