"""How consent stands, on whose word and since when, with the whole history below."""

import pytest

from schemas.actors import Permission
from tests.support.office import Json, Office
from tests.support.sayso import problem_of

VIEW, AUDIT = Permission.VIEW, Permission.AUDIT


@pytest.fixture
def office(shared_office: Office) -> Office:
    return shared_office


def kinds(consent: Json) -> list[str]:
    """What happened to the consent, oldest first."""
    return [step["kind"] for step in reversed(consent["history"]) if step["kind"] not in ("opened", "joined")]


def test_it_is_not_given_at_first(office: Office) -> None:
    consent = office.candidate(consent=False).consent()
    assert (consent["status"], consent["by"], consent["evidence"]) == ("not_given", None, None)
    assert (consent["obtained_at"], consent["recorded_at"], consent["candidate"]) == (None, None, None)


def test_withdrawn_says_by_whom_when_and_why(office: Office) -> None:
    person = office.candidate()
    rita = office.member(Permission.VIEW, Permission.SEND, member="rita", name="Rita Recruiter")
    rita.accepted("withdraw-consent", **person.at, reason="Asked by e-mail")
    consent = person.consent()
    assert (consent["status"], consent["cause"], consent["reason"]) == (
        "withdrawn",
        "member",
        "Asked by e-mail",
    )
    assert consent["by"] == {"kind": "member", "id": "rita", "name": "Rita Recruiter"}
    assert consent["recorded_at"] == consent["history"][0]["at"]
    assert (consent["obtained_at"], consent["evidence"]) == (None, None)


def test_withdrawn_consent_can_be_added_again_and_the_history_keeps_both(office: Office) -> None:
    person = office.candidate()
    office.boss.accepted("withdraw-consent", **person.at)
    person.agrees()
    consent = person.consent()
    assert (consent["status"], consent["cause"], consent["reason"]) == ("granted", None, None)
    assert kinds(consent) == ["granted", "withdrawn", "granted"]
    person.gets()


def test_there_must_be_consent_to_withdraw(office: Office) -> None:
    person = office.candidate(consent=False)
    assert office.boss.refused("withdraw-consent", **person.at) == "not_granted"
    person.agrees()
    office.boss.accepted("withdraw-consent", **person.at)
    assert office.boss.refused("withdraw-consent", **person.at) == "not_granted"


def test_a_revocation_says_that_it_was_the_candidate_and_by_which_word(office: Office) -> None:
    person = office.candidate()
    person.writes("Stop!")
    consent = person.consent()
    assert (consent["status"], consent["keyword"]) == ("revoked", "STOP")
    assert consent["by"]["kind"] == "carrier"  # it is the carrier that passes on what the phone said
    assert (consent["obtained_at"], consent["evidence"]) == (None, None)


def test_consent_by_keyword_says_the_word_and_is_nobodys_record(office: Office) -> None:
    person = office.candidate(consent=False)
    person.writes("start")
    consent = person.consent()
    assert (consent["status"], consent["candidate"]) == ("granted", None)
    assert consent["evidence"] == {"how": "keyword", "keyword": "START"}
    assert consent["obtained_at"] == consent["recorded_at"]


def test_the_whole_history_stands_newest_first(office: Office) -> None:
    person = office.candidate()
    office.boss.accepted("withdraw-consent", **person.at, reason="A mistake")
    person.agrees()
    person.writes("STOP")
    person.writes("START")
    person.writes("please stop texting me")
    office.boss.accepted("review-stop-request", **person.at, wants_to_stop=True)
    consent = person.consent()
    assert kinds(consent) == [
        "granted", "withdrawn", "granted", "revoked", "granted", "flagged", "reviewed", "withdrawn",
    ]  # fmt: skip
    assert consent["cause"] == "stop_request"
    moments = [step["at"] for step in consent["history"]]
    assert moments == sorted(moments, reverse=True)
    assert [step["version"] for step in consent["history"]] == sorted(
        (step["version"] for step in consent["history"]), reverse=True
    )
    assert all(step["by"]["id"] for step in consent["history"])


def test_it_is_shown_to_whoever_views_or_audits(office: Office) -> None:
    person = office.candidate()
    for permission in (VIEW, AUDIT):
        assert office.member(permission).get(person.path + "/consent")["status"] == "granted"
    answer = office.member(Permission.SEND, Permission.MANAGE).http.get(person.path + "/consent")
    assert problem_of(answer)["code"] == "scope_missing"


def test_the_thread_says_it_too(office: Office) -> None:
    person = office.candidate(consent=False)
    assert person.thread()["consent"] == "not_given"
    person.agrees()
    assert person.thread()["consent"] == "granted"
    office.boss.accepted("withdraw-consent", **person.at)
    assert person.thread()["consent"] == "withdrawn"
    person.writes("STOP")
    assert person.thread()["consent"] == "revoked"


def test_a_withdrawal_cancels_and_refunds_what_is_scheduled(office: Office) -> None:
    person = office.candidate()
    before = office.balance
    text = person.gets(send_at="2150-01-01T12:00:00Z", override_quiet_hours=True)
    assert office.balance == before - 1
    assert office.boss.accepted("withdraw-consent", **person.at) == {"consent": "withdrawn", "cancelled": 1}
    assert person.message(text["text_id"])["reason"] == "consent_withdrawn"
    assert office.balance == before
