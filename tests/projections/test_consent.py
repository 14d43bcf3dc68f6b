"""Given steps of a number's consent, then whether it may be texted, on whose word, and the whole history."""

from datetime import timedelta

from projections.shapes import Consent, Who
from schemas.events import (
    CandidateJoined,
    CandidateLeft,
    ConsentGranted,
    ConsentRevoked,
    ConsentWithdrawn,
    StopRequestFlagged,
    StopRequestReviewed,
)
from schemas.evidence import ApplicationEvidence, ByHandEvidence, KeywordEvidence
from tests.projections.history import ACME, NOON, PHONE, History, actor, conversation
from tests.projections.views import Views

NUMBER = "+14155550123"
STREAM = conversation(NUMBER)
CALL = ByHandEvidence(method="call", note="She said yes.")
APPLICATION = ApplicationEvidence(
    source="career_site",
    scope="this_job",
    wording="May we text you?",
    wording_version="3",
    application_id="a1",
)
ATS = actor("service", "ATS")


def consent_of(views: Views, history: History) -> Consent:
    consent = views.given(history).ask.consent(ACME, NUMBER)
    assert consent is not None
    return consent


def granted(candidate: str | None = "grace", evidence: object = CALL) -> ConsentGranted:
    return ConsentGranted.model_validate(
        {"candidate": candidate, "obtained_at": NOON, "evidence": evidence}, from_attributes=True
    )


def test_a_number_never_met_has_no_consent_to_show(views: Views) -> None:
    assert views.ask.consent(ACME, NUMBER) is None


def test_a_new_number_has_none_given(views: Views, history: History) -> None:
    consent = consent_of(views, history.numbered("grace", NUMBER))
    assert (consent.status, consent.under_review, consent.region) == ("not_given", False, "US")
    assert (consent.by, consent.obtained_at, consent.recorded_at, consent.evidence) == (None,) * 4
    assert [step.kind for step in consent.history] == ["opened"]


def test_consent_by_hand_shows_the_team_member_when_it_was_obtained_and_when_recorded(
    views: Views, history: History
) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, granted())
    consent = consent_of(views, history)
    assert consent.status == "granted"
    assert consent.by == Who("member", "ada", "Ada L.")
    assert (consent.candidate, consent.evidence) == ("grace", CALL)
    assert (consent.obtained_at, consent.recorded_at) == (NOON, history.now)


def test_consent_when_applying_keeps_its_evidence(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, granted(evidence=APPLICATION), by=ATS)
    consent = consent_of(views, history)
    assert consent.evidence == APPLICATION
    assert consent.by == Who("service", "ats", "ATS")


def test_withdrawn_says_by_whom_and_why_and_can_be_given_again(views: Views, history: History) -> None:
    bob = actor("member", "Bob")
    history.numbered("grace", NUMBER).happened(STREAM, granted())
    history.happened(STREAM, ConsentWithdrawn(cause="member", reason="She called."), by=bob)
    consent = consent_of(views, history)
    assert (consent.status, consent.cause, consent.reason) == ("withdrawn", "member", "She called.")
    assert consent.by == Who("member", "bob", "Bob")
    assert (consent.obtained_at, consent.evidence) == (None, None)
    again = consent_of(views, history.happened(STREAM, granted()))
    assert (again.status, again.cause, again.reason) == ("granted", None, None)


def test_a_keyword_revokes_and_a_keyword_brings_back(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, granted())
    history.happened(STREAM, ConsentRevoked(keyword="STOP"), by=PHONE)
    revoked = consent_of(views, history)
    assert (revoked.status, revoked.keyword, revoked.by) == (
        "revoked",
        "STOP",
        Who("candidate", "phone", None),
    )
    history.happened(STREAM, granted(None, KeywordEvidence(keyword="START")), by=PHONE)
    back = consent_of(views, history)
    assert (back.status, back.keyword, back.candidate) == ("granted", "START", None)
    assert [step.kind for step in back.history] == ["granted", "revoked", "granted", "opened"]


def test_a_flagged_number_is_under_review_until_a_person_looked(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, granted(), StopRequestFlagged(sid="SM1"))
    flagged = consent_of(views, history)
    assert (flagged.status, flagged.under_review) == ("granted", True)
    reviewed = consent_of(views, history.happened(STREAM, StopRequestReviewed(wants_to_stop=False)))
    assert (reviewed.status, reviewed.under_review) == ("granted", False)
    assert [(step.kind, step.sid, step.wants_to_stop) for step in reviewed.history[:2]] == [
        ("reviewed", None, False),
        ("flagged", "SM1", None),
    ]


def test_a_start_or_stop_keyword_answers_the_review(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, granted(), StopRequestFlagged(sid="SM1"))
    history.happened(STREAM, granted(None, KeywordEvidence(keyword="START")), by=PHONE)
    assert not consent_of(views, history).under_review
    history.happened(STREAM, StopRequestFlagged(sid="SM2"), ConsentRevoked(keyword="STOP"), by=PHONE)
    assert not consent_of(views, history).under_review


def test_a_record_made_under_review_does_not_end_the_review(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, granted(), StopRequestFlagged(sid="SM1"))
    history.happened(STREAM, granted(evidence=APPLICATION), by=ATS)
    assert consent_of(views, history).under_review


def test_consent_rests_on_the_newest_record_of_those_who_still_have_the_number(
    views: Views, history: History
) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, CandidateJoined(candidate="grace", time_zone=None))
    history.happened(STREAM, CandidateJoined(candidate="henry", time_zone=None))
    history.happened(STREAM, granted("grace"))
    history.happened(STREAM, granted("henry", APPLICATION))
    assert consent_of(views, history).candidate == "henry"
    consent = consent_of(views, history.happened(STREAM, CandidateLeft(candidate="henry")))
    assert (consent.status, consent.candidate, consent.evidence) == ("granted", "grace", CALL)


def test_a_removed_number_has_lost_its_consent_and_says_so(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, granted())
    history.happened(STREAM, CandidateLeft(candidate="grace"), ConsentWithdrawn(cause="number_removed"))
    consent = consent_of(views, history)
    assert (consent.status, consent.cause) == ("withdrawn", "number_removed")
    assert [step.kind for step in consent.history[:2]] == ["withdrawn", "left"]


def test_every_step_stands_in_the_history_with_its_evidence(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER)
    history.happened(STREAM, granted(), at=NOON + timedelta(days=1))
    history.happened(STREAM, ConsentRevoked(keyword="21610"), at=NOON + timedelta(days=2))
    revoked, given, _ = consent_of(views, history).history
    assert (given.evidence, given.obtained_at, given.at) == (CALL, NOON, NOON + timedelta(days=1))
    assert (revoked.keyword, revoked.at, revoked.version) == ("21610", NOON + timedelta(days=2), 3)


def test_what_an_erased_person_said_is_gone_but_the_block_stands(views: Views, history: History) -> None:
    history.numbered("grace", NUMBER).happened(STREAM, granted(), ConsentRevoked(keyword="STOP"))
    history.keys.erase(STREAM)
    views.given(history)
    assert views.ask.consent(ACME, NUMBER) is None
    rows = views.rows()
    assert [row[2] for row in rows["consent_v1_status"]] == ["revoked"]
    assert NUMBER not in repr(rows["threads_v5_conversations"] + rows["consent_v1_steps"])
