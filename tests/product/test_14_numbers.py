"""Numbers: several, shared, and such as come and go. Consent belongs to the number that it was given for."""

import pytest

from tests.support.applying import applied, ats
from tests.support.office import POLITE, Office, Person, fresh_number

FAR = "2150-01-01T12:00:00Z"


@pytest.fixture
def ada(office: Office) -> Person:
    return office.candidate()


def waiting(person: Person) -> str:
    """A text that waits for the next century; its id."""
    return str(person.gets(send_at=FAR, override_quiet_hours=True)["text_id"])


# --- several numbers of one candidate -------------------------------------------------------------


def test_each_number_has_its_own_thread_and_its_own_consent(ada: Person) -> None:
    office = ada.office
    second = office.candidate(candidate=ada.candidate, consent=False)
    threads = office.boss.get(f"/candidates/{ada.candidate}/threads")
    assert [(one["number"], one["consent"]) for one in threads] == [
        (ada.number, "granted"),
        (second.number, "not_given"),
    ]
    ada.becomes(ada.gets()["text_id"], "delivered")
    ada.writes("From the first phone")
    assert len(ada.messages()) == 2
    assert second.messages() == []
    assert office.boss.refused("send-text", **second.at, body=POLITE) == "consent_not_given"


def test_a_stop_on_one_number_leaves_the_other_alone(ada: Person) -> None:
    second = ada.office.candidate(candidate=ada.candidate)
    ada.writes("STOP")
    assert (ada.consent()["status"], second.consent()["status"]) == ("revoked", "granted")
    second.gets()
    second.phone.shows(POLITE)


def test_the_same_number_written_otherwise_is_the_same_number(office: Office) -> None:
    number = fresh_number()
    person = office.candidate(number)
    spelled = f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    again = {"candidate": person.candidate, "number": spelled, "region": "US"}
    assert office.boss.refused("add-number", **again) == "number_present"
    fields = {"candidate": person.candidate, "number": f"+1 {number[2:5]} {number[5:8]} {number[8:]}"}
    office.boss.accepted("send-text", **fields, body=POLITE)
    person.phone.shows(POLITE)


# --- one number of two candidates -----------------------------------------------------------------


def test_a_stop_from_a_shared_number_blocks_both(ada: Person) -> None:
    office = ada.office
    grace = office.candidate(ada.number, consent=False, name="Grace")
    texts = [(ada, waiting(ada)), (grace, waiting(grace))]
    ada.writes("STOP")
    for person, text_id in texts:
        assert person.consent()["status"] == "revoked"
        assert office.boss.refused("send-text", **person.at, body=POLITE) == "revoked_by_keyword"
        assert person.message(text_id)["status"] == "cancelled"
    assert office.balance == 50


def test_a_reply_from_a_shared_number_shows_in_both_threads(ada: Person) -> None:
    grace = ada.office.candidate(ada.number, consent=False)
    message = ada.writes("It is one of us")
    assert grace.message(message["id"])["body"] == "It is one of us"
    assert (ada.thread()["unread"], grace.thread()["unread"]) == (1, 1)


def test_a_text_stands_only_in_the_thread_of_whom_it_was_for(ada: Person) -> None:
    grace = ada.office.candidate(ada.number, consent=False)
    ada.gets()
    assert len(ada.messages()) == 1
    assert grace.messages() == []


# --- numbers that go ------------------------------------------------------------------------------


def test_a_number_that_is_removed_takes_its_consent_with_it(ada: Person) -> None:
    office = ada.office
    text_id = waiting(ada)
    office.boss.accepted("remove-number", **ada.at)
    assert ada.consent()["status"] == "withdrawn"
    assert ada.consent()["cause"] == "number_removed"
    assert office.boss.get(f"/candidates/{ada.candidate}/threads") == []
    assert ada.message(text_id)["reason"] == "number_removed"
    assert office.balance == 50
    assert office.boss.refused("send-text", **ada.at, body=POLITE) == "number_unknown"


def test_a_number_that_comes_back_starts_without_consent(ada: Person) -> None:
    ada.office.boss.accepted("remove-number", **ada.at)
    ada.office.boss.accepted("add-number", **ada.at)
    assert ada.office.boss.refused("send-text", **ada.at, body=POLITE) == "consent_withdrawn"


def test_a_number_that_goes_to_somebody_else_starts_without_consent(ada: Person) -> None:
    ada.office.boss.accepted("remove-number", **ada.at)
    grace = ada.office.candidate(ada.number, consent=False)
    assert grace.office.boss.refused("send-text", **grace.at, body=POLITE) == "consent_withdrawn"


def test_consent_is_never_carried_over_to_the_new_number(ada: Person) -> None:
    office = ada.office
    text_id = waiting(ada)
    new = Person(office, ada.candidate, fresh_number())
    office.boss.accepted("change-number", **ada.at, to=new.number)
    assert new.consent()["status"] == "not_given"
    assert office.boss.refused("send-text", **new.at, body=POLITE) == "consent_not_given"
    assert ada.consent()["status"] == "withdrawn"
    assert ada.message(text_id)["status"] == "cancelled"
    assert office.balance == 50
    candidate = office.boss.get(f"/candidates/{ada.candidate}")
    assert [one["number"] for one in candidate["numbers"] if one["removed_at"] is None] == [new.number]


def test_a_change_to_the_same_number_costs_no_consent(ada: Person) -> None:
    assert ada.office.boss.refused("change-number", **ada.at, to=ada.number) == "number_present"
    assert ada.consent()["status"] == "granted"


def test_from_a_shared_number_each_takes_only_their_own_consent(ada: Person) -> None:
    office = ada.office
    grace = office.candidate(ada.number, consent=False)
    ats(office).accepted("record-application-consent", **applied(grace))
    kept, lost = waiting(grace), waiting(ada)
    office.boss.accepted("remove-number", **ada.at)
    assert grace.consent()["status"] == "granted"
    assert grace.message(kept)["status"] == "scheduled"
    assert ada.message(lost)["status"] == "cancelled"
    assert office.balance == 49


def test_a_consent_that_only_the_other_candidate_gave_goes_with_them(ada: Person) -> None:
    office = ada.office
    grace = office.candidate(ada.number, consent=False)
    office.boss.accepted("remove-number", **ada.at)
    assert office.boss.refused("send-text", **grace.at, body=POLITE) == "consent_withdrawn"


def test_a_reply_from_a_removed_number_does_not_stand_in_the_old_thread(ada: Person) -> None:
    office = ada.office
    office.boss.accepted("remove-number", **ada.at)
    grace = office.candidate(ada.number, consent=False)
    message = grace.writes("Grace here")
    assert grace.message(message["id"])
    assert ada.message(message["id"]) == {}
