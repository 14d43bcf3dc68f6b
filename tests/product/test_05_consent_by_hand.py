"""Consent that a team member records: by whom, when it was obtained, and how."""

from datetime import timedelta

import pytest

from producers.http.access import SESSION_COOKIE
from schemas.actors import Permission
from tests.support.office import RECRUITER, Office


@pytest.fixture
def office(shared_office: Office) -> Office:
    return shared_office


@pytest.mark.parametrize("method", ["call", "email", "in_person", "note"])
def test_a_member_records_when_and_how_the_candidate_agreed(office: Office, method: str) -> None:
    person = office.candidate(consent=False)
    rita = office.member(*RECRUITER, member="rita", name="Rita Recruiter")
    obtained_at = (office.system.clock() - timedelta(days=3)).isoformat()
    evidence = {"how": "by_hand", "method": method, "note": "Asked her before the interview."}
    rita.accepted("add-consent", **person.at, obtained_at=obtained_at, evidence=evidence)

    consent = person.consent()
    assert consent["status"] == "granted"
    assert consent["by"] == {"kind": "member", "id": "rita", "name": "Rita Recruiter"}
    assert consent["evidence"] == evidence
    assert consent["obtained_at"].replace("Z", "+00:00") == obtained_at
    assert consent["recorded_at"] > consent["obtained_at"]
    assert consent["history"][0]["by"] == consent["by"]
    person.gets()


def test_the_date_cannot_lie_in_the_future(office: Office) -> None:
    person = office.candidate(consent=False)
    tomorrow = (office.system.clock() + timedelta(days=1)).isoformat()
    fields = {**office.agreement(), "obtained_at": tomorrow}
    problem = office.boss.problem("add-consent", **person.at, **fields)
    assert (problem["status"], problem["code"]) == (422, "obtained_in_future")
    assert person.consent()["status"] == "not_given"


def test_the_date_is_understood_in_any_zone(office: Office) -> None:
    person = office.candidate(consent=False)
    there = (office.system.clock() - timedelta(minutes=5)).isoformat(timespec="seconds")
    east = there.replace("+00:00", "+14:00")  # the same wall clock, fourteen hours earlier
    person.agrees(obtained_at=east)
    assert person.consent()["obtained_at"] < there


@pytest.mark.parametrize(
    "wrong",
    [
        {"obtained_at": "2026-11-20"},
        {"obtained_at": "2026-11-20T10:00:00"},
        {"obtained_at": "last Tuesday"},
        {"obtained_at": None},
        {"evidence": {"how": "by_hand"}},
        {"evidence": {"how": "by_hand", "method": "telepathy"}},
        {"evidence": {"how": "keyword", "keyword": "START"}},
        {"evidence": None},
    ],
)
def test_consent_without_a_date_or_a_way_is_refused(office: Office, wrong: dict[str, object]) -> None:
    person = office.candidate(consent=False)
    fields = {**office.agreement(), **wrong}
    assert office.boss.refused("add-consent", **person.at, **fields) == "invalid_command"


def test_it_needs_the_permission_to_send(office: Office) -> None:
    person = office.candidate(consent=False)
    for permissions in ((Permission.VIEW,), (Permission.VIEW, Permission.MANAGE, Permission.AUDIT)):
        member = office.member(*permissions)
        assert member.refused("add-consent", **person.at, **office.agreement()) == "not_permitted"
    assert person.consent()["status"] == "not_given"


def test_consent_that_stands_is_not_added_again(office: Office) -> None:
    person = office.candidate()
    assert office.boss.refused("add-consent", **person.at, **office.agreement()) == "already_granted"


def test_consent_is_for_a_number_that_the_candidate_has(office: Office) -> None:
    person = office.candidate(consent=False)
    fields = {**person.at, "candidate": "c-somebody-else"}
    assert office.boss.refused("add-consent", **fields, **office.agreement()) == "number_unknown"


def test_the_page_says_what_adding_it_unasked_breaks(office: Office) -> None:
    person = office.candidate(consent=False)
    token = office.system.token(*RECRUITER, account=office.account)
    client = office.system.http(Cookie=f"{SESSION_COOKIE}={token}")
    page = client.get(f"/candidates/{person.candidate}").text
    assert "without the candidate’s knowledge breaks the carrier’s policy and may break the law" in page


def test_a_service_records_it_on_behalf_of_the_member_it_names(office: Office) -> None:
    person = office.candidate(consent=False)
    ats = office.member(*RECRUITER, Permission.ACT_AS, member="ats", service=True)
    actor = {
        "kind": "member",
        "id": "m-42",
        "name": "Joan Clarke",
        "permissions": ["texts:view", "texts:send"],
    }
    ats.accepted("add-consent", **person.at, **office.agreement(), actor=actor)
    assert person.consent()["by"] == {"kind": "member", "id": "m-42", "name": "Joan Clarke"}
