"""Consent that the candidate gave when applying, with all that shows it."""

import pytest

from schemas.actors import Permission
from tests.support.applying import EVIDENCE, applied, ats
from tests.support.office import Json, Office, Person


@pytest.fixture
def office(shared_office: Office) -> Office:
    return shared_office


def test_everything_known_of_the_consent_is_kept_and_shown(office: Office) -> None:
    person = office.candidate(consent=False)
    fields = applied(person)
    assert ats(office).accepted("record-application-consent", **fields) == {"consent": "granted"}

    consent = person.consent()
    assert (consent["status"], consent["candidate"]) == ("granted", person.candidate)
    assert consent["evidence"] == EVIDENCE
    assert consent["obtained_at"].replace("Z", "+00:00") == fields["obtained_at"]
    assert consent["recorded_at"] > consent["obtained_at"]
    assert consent["by"] == {"kind": "service", "id": "ats", "name": "The ATS"}

    step = consent["history"][0]
    assert (step["kind"], step["evidence"], step["obtained_at"]) == (
        "granted",
        EVIDENCE,
        consent["obtained_at"],
    )
    assert step["by"]["kind"] == "service"


@pytest.mark.parametrize("source", ["career_site", "indeed", "other"])
@pytest.mark.parametrize("scope", ["this_job", "this_and_other_jobs"])
def test_every_source_and_scope_is_told_apart(office: Office, source: str, scope: str) -> None:
    person = office.candidate(consent=False)
    evidence = {**EVIDENCE, "source": source, "scope": scope}
    ats(office).accepted("record-application-consent", **applied(person, evidence))
    shown = person.consent()["evidence"]
    assert (shown["source"], shown["scope"]) == (source, scope)


@pytest.mark.parametrize("ip", [None, "2001:db8::7"])
def test_address_and_browser_are_kept_where_known(office: Office, ip: str | None) -> None:
    person = office.candidate(consent=False)
    known = {"how", "source", "scope", "wording", "wording_version", "application_id"}
    evidence: Json = {name: EVIDENCE[name] for name in known}
    if ip is not None:
        evidence["ip"] = ip
    ats(office).accepted("record-application-consent", **applied(person, evidence))
    shown = person.consent()["evidence"]
    assert (shown["ip"], shown["user_agent"], shown["job_id"]) == (ip, None, None)


@pytest.mark.parametrize("missing", ["source", "scope", "wording", "wording_version", "application_id"])
def test_consent_that_shows_too_little_is_refused(office: Office, missing: str) -> None:
    person = office.candidate(consent=False)
    evidence = {name: value for name, value in EVIDENCE.items() if name != missing}
    problem = ats(office).problem("record-application-consent", **applied(person, evidence))
    assert problem["code"] == "invalid_command"
    assert problem["errors"][0]["pointer"] == f"#/evidence/{missing}"
    assert person.consent()["status"] == "not_given"


@pytest.mark.parametrize(
    ("field", "value"),
    [("source", "linkedin"), ("scope", "everything"), ("ip", "not an address"), ("wording", "")],
)
def test_evidence_that_makes_no_sense_is_refused(office: Office, field: str, value: str) -> None:
    person = office.candidate(consent=False)
    fields = applied(person, {**EVIDENCE, field: value})
    assert ats(office).refused("record-application-consent", **fields) == "invalid_command"


def test_the_moment_must_be_given_and_cannot_lie_ahead(office: Office) -> None:
    person = office.candidate(consent=False)
    tomorrow = applied(person, hours_ago=-24)
    assert ats(office).refused("record-application-consent", **tomorrow) == "obtained_in_future"
    without = {name: value for name, value in tomorrow.items() if name != "obtained_at"}
    assert ats(office).refused("record-application-consent", **without) == "invalid_command"


def test_a_number_that_the_candidate_does_not_have_gets_no_consent(office: Office) -> None:
    person = office.candidate(consent=False)
    fields = applied(person, candidate="c-another")
    assert ats(office).refused("record-application-consent", **fields) == "number_unknown"


def test_a_second_application_adds_to_the_history(office: Office) -> None:
    person = office.candidate(consent=False)
    for application in ("app-1", "app-2"):
        evidence = {**EVIDENCE, "application_id": application}
        ats(office).accepted("record-application-consent", **applied(person, evidence))
    granted = [step for step in person.consent()["history"] if step["kind"] == "granted"]
    assert [step["evidence"]["application_id"] for step in granted] == ["app-2", "app-1"]


def test_a_recruiter_cannot_pass_off_an_application(office: Office) -> None:
    person = office.candidate(consent=False)
    recruiter = office.member(Permission.VIEW, Permission.SEND, Permission.MANAGE)
    fields = applied(person)
    assert recruiter.refused("record-application-consent", **fields) == "not_permitted"


def test_the_service_adds_the_number_and_its_consent_and_a_text_can_go(office: Office) -> None:
    service = ats(office)
    person = office.candidate(consent=False)
    newcomer = Person(office, "c-fresh", "+14153334444")
    service.accepted("add-number", **newcomer.at, name="New Comer")
    service.accepted("record-application-consent", **applied(newcomer))
    newcomer.gets()
    assert person.consent()["status"] == "not_given"
