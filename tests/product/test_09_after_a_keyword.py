"""After a keyword revocation nobody but the candidate, by keyword, brings consent back."""

from collections.abc import Callable

import pytest

from schemas.actors import Permission
from tests.support.applying import applied, ats
from tests.support.office import Json, Office, Person
from tests.support.sayso import problem_of


@pytest.fixture
def ada(shared_office: Office) -> Person:
    person = shared_office.candidate()
    person.writes("STOP")
    assert person.consent()["status"] == "revoked"
    return person


def by_hand(person: Person) -> Json:
    return problem_of(person.office.boss.command("add-consent", **person.at, **person.office.agreement()))


def by_application(person: Person) -> Json:
    return ats(person.office).problem("record-application-consent", **applied(person))


@pytest.mark.parametrize("tried", [by_hand, by_application])
def test_the_refusal_says_what_to_text_and_to_which_number(
    ada: Person, tried: Callable[[Person], Json]
) -> None:
    problem = tried(ada)
    assert (problem["status"], problem["code"]) == (409, "revoked_by_keyword")
    assert f"by texting START to {ada.office.sender}" in problem["detail"]
    assert ada.consent()["status"] == "revoked"


def test_with_every_permission_there_is_still_no_way(ada: Person) -> None:
    boss = ada.office.boss
    assert boss.refused("withdraw-consent", **ada.at) == "not_granted"
    assert boss.refused("review-stop-request", **ada.at, wants_to_stop=False) == "nothing_to_review"
    assert boss.refused("add-number", **ada.at) == "number_present"
    for tried in (by_hand, by_application):
        tried(ada)
    assert ada.consent()["status"] == "revoked"


def test_removing_the_number_and_adding_it_again_does_not_help(ada: Person) -> None:
    ada.office.boss.accepted("remove-number", **ada.at)
    ada.office.boss.accepted("add-number", **ada.at)
    assert by_hand(ada)["code"] == "revoked_by_keyword"


def test_giving_the_number_to_another_candidate_does_not_help(ada: Person) -> None:
    ada.office.boss.accepted("remove-number", **ada.at)
    other = ada.office.candidate(ada.number, consent=False)
    assert other.consent()["status"] == "revoked"
    assert by_hand(other)["code"] == "revoked_by_keyword"
    assert by_application(other)["code"] == "revoked_by_keyword"


def test_changing_away_and_back_does_not_help(ada: Person) -> None:
    ada.office.boss.accepted("change-number", **ada.at, to="+14157770002")
    ada.office.boss.accepted("change-number", candidate=ada.candidate, number="+14157770002", to=ada.number)
    assert by_hand(ada)["code"] == "revoked_by_keyword"


def test_consent_that_is_older_than_the_stop_does_not_help(ada: Person) -> None:
    long_ago = applied(ada, hours_ago=1_000)
    assert ats(ada.office).refused("record-application-consent", **long_ago) == "revoked_by_keyword"


def test_the_candidates_start_brings_it_back(ada: Person) -> None:
    ada.writes("START")
    assert ada.consent()["status"] == "granted"
    ada.gets()
    ada.office.boss.accepted("withdraw-consent", **ada.at)
    ada.agrees()  # the revocation is over: by hand counts again
    ada.gets()


def test_an_ordinary_reply_does_not_bring_it_back(ada: Person) -> None:
    ada.writes("Actually, I am interested in the job")
    assert ada.consent()["status"] == "revoked"


def test_a_stop_that_only_the_carrier_heard_counts_too(office: Office) -> None:
    person = office.candidate()
    person.phone.behaves(error_code=21610)
    text = person.gets()
    person.becomes(text["text_id"], "failed")
    consent = person.consent()
    assert (consent["status"], consent["keyword"]) == ("revoked", "21610")
    assert by_hand(person)["code"] == "revoked_by_keyword"
    assert office.balance == 50


def test_from_a_messaging_service_the_candidate_answers_whichever_number_wrote(office: Office) -> None:
    person = office.candidate()
    person.writes("STOP")
    operator = office.member(Permission.OPERATE)
    operator.accepted("assign-sender", sender="MG" + "0" * 32, region="US")
    assert f"by texting START to {office.sender}" in by_hand(person)["detail"]
    operator.accepted("withdraw-sender", sender=office.sender)
    assert "by texting START to the number that texted them" in by_hand(person)["detail"]
