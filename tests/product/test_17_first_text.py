"""A first text says who writes and how to hear no more: advised, added by itself, or required."""

import pytest

from tests.support.office import POLITE, Office, Person

BARE = "Are you free on Tuesday?"
ENGLISH = "This is Grace Hopper from Acme Robotics. Reply STOP to get no more texts."
FRENCH = "Je suis Grace Hopper, de Acme Robotics. Répondez STOP pour ne plus recevoir de SMS."


@pytest.fixture
def ada(office: Office) -> Person:
    return office.candidate()


def test_the_composer_and_the_receipt_advise_what_is_missing(ada: Person) -> None:
    seen = ada.preview(BARE)
    assert seen["advice"] == ["no_introduction", "no_opt_out"]
    assert (seen["advised_sentence"], seen["appended"], seen["refusal"]) == (ENGLISH, False, None)
    text = ada.gets(BARE)
    assert text["advice"] == ["no_introduction", "no_opt_out"]
    ada.phone.shows(BARE)


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        (POLITE, []),
        ("Acme Robotics here: are you free?", ["no_opt_out"]),
        ("Are you free? Reply STOP to end.", ["no_introduction"]),
        (f"{BARE} {ENGLISH}", []),
    ],
)
def test_only_what_is_missing_is_advised(ada: Person, body: str, advice: list[str]) -> None:
    seen = ada.preview(body)
    assert seen["advice"] == advice
    assert (seen["advised_sentence"] is None) == (advice == [])


def test_a_later_text_is_not_advised_upon(ada: Person) -> None:
    ada.gets()
    assert (ada.preview(BARE)["advice"], ada.gets(BARE)["advice"]) == ([], [])


def test_the_account_can_have_the_sentence_added_by_itself(ada: Person) -> None:
    ada.office.chooses(first_text="append")
    seen = ada.preview(BARE)
    assert seen["appended"]
    assert seen["units"] == len(f"{BARE} {ENGLISH}")
    text = ada.gets(BARE)
    assert text["advice"] == []
    ada.phone.shows(f"{BARE} {ENGLISH}")
    assert ada.message(text["text_id"])["body"] == f"{BARE} {ENGLISH}"


def test_only_what_is_missing_is_added(ada: Person) -> None:
    ada.office.chooses(first_text="append")
    ada.gets("Acme Robotics here: are you free?")
    ada.phone.shows("Acme Robotics here: are you free? Reply STOP to get no more texts.")
    ada.gets(BARE)
    ada.phone.shows(BARE)


def test_what_is_added_is_paid_for(ada: Person) -> None:
    ada.office.chooses(first_text="append")
    body = "x" * 150 + "."
    assert ada.preview(body)["segments"] == 2
    assert ada.gets(body)["segments"] == 2
    assert ada.office.balance == 48


def test_a_text_that_only_fits_without_the_sentence_is_too_long(ada: Person) -> None:
    ada.office.chooses(first_text="append")
    assert ada.office.boss.refused("send-text", **ada.at, body="x" * 1_390) == "body_too_long"


def test_the_account_can_require_it(ada: Person) -> None:
    ada.office.chooses(first_text="require")
    problem = ada.office.boss.problem("send-text", **ada.at, body=BARE)
    assert (problem["status"], problem["code"]) == (422, "first_text_incomplete")
    assert problem["detail"].endswith(ENGLISH)
    seen = ada.preview(BARE)
    assert seen["refusal"]["code"] == "first_text_incomplete"
    assert seen["advised_sentence"] == ENGLISH
    ada.gets(f"{BARE} {seen['advised_sentence']}")
    ada.gets(BARE)


def test_the_sentence_is_in_the_accounts_language(ada: Person) -> None:
    ada.office.chooses(language="fr")
    assert ada.preview(BARE)["advised_sentence"] == FRENCH
    ada.office.chooses(first_text="append")
    ada.gets(BARE)
    ada.phone.shows(f"{BARE} {FRENCH}")


def test_without_a_companys_name_the_members_is_looked_for(ada: Person) -> None:
    ada.office.chooses(company=None)
    seen = ada.preview(BARE)
    assert seen["advised_sentence"] == "This is Grace Hopper. Reply STOP to get no more texts."
    assert ada.preview("Grace Hopper here. Reply STOP to end.")["advice"] == []


def test_a_way_that_does_not_exist_is_refused(office: Office) -> None:
    assert office.boss.refused("change-settings", change={"first_text": "perhaps"}) == "invalid_command"


def test_a_first_text_that_never_left_was_no_first_text(ada: Person) -> None:
    first = ada.gets(POLITE, send_at="2150-01-01T12:00:00Z", override_quiet_hours=True)
    ada.office.boss.accepted("cancel-text", **ada.at, text_id=first["text_id"])
    assert ada.preview(BARE)["advice"] == ["no_introduction", "no_opt_out"]


def test_each_number_has_a_first_text_of_its_own(ada: Person) -> None:
    ada.gets()
    second = ada.office.candidate(candidate=ada.candidate)
    assert second.preview(BARE)["advice"] == ["no_introduction", "no_opt_out"]
