"""Numbers and the consent that hangs on them: by application (3.4), by hand (3.5, 3.6), after a stop (3.9),
with several numbers and shared ones (3.14), and the review of what sounds like a stop (3.8).
"""

from datetime import timedelta

import pytest

from domain.conversation import CANDIDATES_MAX
from schemas import events as e
from schemas.evidence import ApplicationEvidence, ByHandEvidence
from tests.domain.facts import (
    active,
    added,
    assigned,
    cancelled,
    dispatched,
    flagged,
    granted,
    granted_by_keyword,
    joined,
    numbered,
    queued,
    ready,
    refunded,
    removed,
    revoked,
    withdrawn,
)
from tests.domain.given import ACME, NOW, NUMBER, conversation_stream, given, on
from tests.domain.people import (
    APPLICATION,
    BERLIN_NUMBER,
    BY_HAND,
    OTHER_NUMBER,
    SENDER,
    add_consent,
    add_number,
    apply,
    change_number,
    receive,
    remove_number,
    review,
    send,
    withdraw,
)

SERVICE = "MG0123456789abcdef0123456789abcdef"

# --- 3.4 consent from the candidate when applying ---------------------------------------------------


@pytest.mark.parametrize("source", ["career_site", "indeed", "other"])
@pytest.mark.parametrize("scope", ["this_job", "this_and_other_jobs"])
def test_an_application_brings_consent_with_all_its_evidence(source: str, scope: str) -> None:
    """3.4"""
    evidence = ApplicationEvidence.model_validate(
        {
            "source": source,
            "scope": scope,
            "wording": "Yes, text me.",
            "wording_version": "2",
            "application_id": "a-1",
            "job_id": "j-1",
            "ip": "2001:db8::1",
            "user_agent": "Mozilla/5.0",
        }
    )
    yesterday = NOW - timedelta(days=1)
    outcome = given(numbered()).when(apply(obtained_at=yesterday, evidence=evidence))
    outcome.then(granted(obtained_at=yesterday, evidence=evidence)).answering(consent="granted")


def test_a_further_application_is_kept_as_further_evidence() -> None:
    """3.4"""
    second = APPLICATION.model_copy(update={"application_id": "application-2"})
    given(numbered(), granted()).when(apply(evidence=second)).then(granted(evidence=second))


@pytest.mark.parametrize("consent", [apply, add_consent])
def test_consent_needs_a_number_that_the_candidate_has(consent: object) -> None:
    """3.4, 3.5"""
    assert callable(consent)
    given(numbered("bob")).when(consent("ada")).refused("number_unknown")
    given().when(consent("ada")).refused("number_unknown")
    given(numbered()).when(consent(number="+1415")).refused("number_invalid")


@pytest.mark.parametrize("consent", [apply, add_consent])
def test_consent_is_not_obtained_in_the_future(consent: object) -> None:
    """3.5"""
    assert callable(consent)
    given(numbered()).when(consent(obtained_at=NOW + timedelta(seconds=1))).refused("obtained_in_future")
    assert given(numbered()).when(consent(obtained_at=NOW)).of(e.ConsentGranted)


# --- 3.5, 3.6 by hand -------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["call", "email", "in_person", "note"])
def test_a_member_adds_consent_with_when_and_how_it_was_obtained(method: str) -> None:
    """3.5"""
    evidence = ByHandEvidence.model_validate({"method": method, "note": "At the fair."})
    last_week = NOW - timedelta(days=7)
    outcome = given(numbered()).when(add_consent(obtained_at=last_week, evidence=evidence))
    outcome.then(granted(obtained_at=last_week, evidence=evidence))


def test_consent_that_stands_is_not_added_by_hand_again() -> None:
    """3.5"""
    given(numbered(), granted()).when(add_consent()).refused("already_granted")


def test_consent_is_withdrawn_and_added_again() -> None:
    """3.6"""
    outcome = given(numbered(), granted()).when(withdraw(reason="Asked by e-mail."))
    outcome.then(withdrawn(reason="Asked by e-mail.")).answering(consent="withdrawn", cancelled=0)
    outcome.and_when(add_consent()).then(granted(evidence=BY_HAND)).and_when(withdraw()).then(withdrawn())


def test_consent_that_does_not_stand_cannot_be_withdrawn() -> None:
    """3.6"""
    given(numbered()).when(withdraw()).refused("not_granted")
    given(numbered(), granted(), withdrawn()).when(withdraw()).refused("not_granted")
    given(numbered(), revoked()).when(withdraw()).refused("not_granted")


def test_only_the_consent_of_a_candidate_with_the_number_can_be_withdrawn() -> None:
    """3.6"""
    given(numbered("bob"), granted("bob")).when(withdraw("ada")).refused("number_unknown")


def test_a_withdrawal_calls_back_and_refunds_what_waits() -> None:
    """3.6, 3.11"""
    outcome = given(ready(balance=49), queued()).when(withdraw())
    outcome.then(withdrawn(), cancelled("consent_withdrawn"), refunded(1, 50, "consent_withdrawn"))
    outcome.answering(cancelled=1)


def test_a_withdrawal_cannot_call_back_what_is_being_handed_over() -> None:
    """3.6"""
    given(ready(), queued(), dispatched()).when(withdraw()).then(withdrawn()).answering(cancelled=0)


# --- 3.9 after a keyword revocation -----------------------------------------------------------------


@pytest.mark.parametrize("consent", [apply, add_consent])
def test_nobody_else_undoes_a_keyword_and_the_reason_says_what_to_text_where(consent: object) -> None:
    """3.9, P6"""
    assert callable(consent)
    history = given(active(), numbered(), granted(), revoked())
    history.when(consent()).refused("revoked_by_keyword", "START", SENDER)


@pytest.mark.parametrize("consent", [apply, add_consent])
@pytest.mark.parametrize("sender", [[], assigned(SERVICE, None, "messaging_service")])
def test_without_a_number_of_our_own_the_reason_names_none(consent: object, sender: e.Event) -> None:
    """3.9: nobody can text a messaging service by its id."""
    assert callable(consent)
    outcome = given(sender, numbered(), revoked()).when(consent())
    outcome.refused("revoked_by_keyword", "START", "the number that texted them")


def test_a_new_owner_of_the_number_does_not_undo_a_keyword() -> None:
    """3.9, 3.14"""
    history = given(active(), numbered(), granted(), revoked(), removed(), joined("bob"))
    history.when(apply("bob")).refused("revoked_by_keyword")


def test_a_start_from_the_phone_undoes_it_and_then_all_is_as_before() -> None:
    """3.9"""
    outcome = given(active(), numbered(), revoked()).when(receive("START"))
    outcome.and_when(withdraw()).and_when(add_consent()).then(granted(evidence=BY_HAND))


# --- 3.14 several numbers, and shared ones ----------------------------------------------------------


def test_the_first_who_has_a_number_opens_its_conversation() -> None:
    """3.14"""
    given().when(add_number(name="Ada", time_zone="America/New_York")).then(
        added("ada", NUMBER, "America/New_York", "Ada"),
        e.ConversationOpened(number=NUMBER, region="US"),
        e.CandidateJoined(candidate="ada", time_zone="America/New_York"),
    ).answering(conversation=conversation_stream(ACME, NUMBER), region="US")


def test_the_second_who_has_it_joins() -> None:
    """3.14"""
    given(numbered("bob")).when(add_number()).then(joined("ada"))


def test_numbers_are_read_as_people_type_them() -> None:
    """3.14"""
    outcome = given().when(add_number("(415) 555-2671", region="US"))
    assert outcome.of(e.NumberAdded)[0].number == NUMBER
    given().when(add_number("(415) 555-2671")).refused("number_region_needed")
    given().when(add_number("0692 12 34 56", region="FR")).refused("number_ambiguous")


def test_a_time_zone_must_exist() -> None:
    """3.18"""
    given().when(add_number(time_zone="Mars/Olympus")).refused("time_zone_unknown", "Mars/Olympus")


def test_a_number_is_added_to_a_candidate_once() -> None:
    """3.14"""
    given(numbered()).when(add_number()).refused("number_present")


def test_a_number_is_shared_by_a_limited_number_of_candidates() -> None:
    """3.14"""
    family = [joined(f"c{i}") for i in range(1, CANDIDATES_MAX)]
    given(numbered("c0"), family).when(add_number()).refused("too_many_candidates", str(CANDIDATES_MAX))


def test_each_number_has_a_consent_of_its_own() -> None:
    """3.14"""
    outcome = given(ready(), numbered(number=OTHER_NUMBER)).when(send(number=OTHER_NUMBER))
    outcome.refused("consent_not_given")


def test_a_number_that_is_removed_takes_its_consent_with_it() -> None:
    """3.14"""
    outcome = given(numbered(), granted()).when(remove_number())
    outcome.then(removed(), withdrawn("number_removed"))
    outcome.and_when(add_number()).then(joined("ada"))
    assert outcome.and_when(add_number()).conversation().consent == "withdrawn"


def test_a_number_without_consent_is_removed_without_a_word_about_it() -> None:
    """3.14"""
    given(numbered()).when(remove_number()).then(removed())
    given(numbered(), granted(), withdrawn()).when(remove_number()).then(removed())


def test_a_revocation_stays_with_the_number_when_it_is_removed() -> None:
    """3.9, 3.14"""
    outcome = given(numbered(), revoked()).when(remove_number())
    outcome.then(removed())
    assert outcome.and_when(add_number()).conversation().consent == "revoked"


def test_only_a_number_that_the_candidate_has_can_be_removed() -> None:
    """3.14"""
    given(numbered("bob")).when(remove_number()).refused("number_unknown")


def test_what_waits_for_a_number_that_is_removed_comes_back() -> None:
    """3.14"""
    given(ready(balance=49), queued()).when(remove_number()).then(
        removed(),
        withdrawn("number_removed"),
        cancelled("number_removed"),
        refunded(1, 50, "number_removed"),
    )


def test_who_leaves_a_shared_number_takes_only_what_they_brought() -> None:
    """3.14"""
    shared = [numbered("ada"), joined("bob")]
    given(shared, granted("ada")).when(remove_number(candidate="ada")).then(
        removed("ada"), withdrawn("number_removed")
    )
    for kept in ([granted("bob")], [granted("ada"), granted("bob")], [granted_by_keyword()]):
        outcome = given(shared, kept).when(remove_number(candidate="ada"))
        outcome.then(removed("ada"))
        assert outcome.conversation().consent == "granted"


def test_the_last_to_leave_takes_what_the_number_itself_had_said() -> None:
    """3.14"""
    shared = [numbered("ada"), joined("bob")]
    outcome = (
        given(shared, granted_by_keyword())
        .when(remove_number(candidate="ada"))
        .and_when(remove_number(candidate="bob"))
    )
    outcome.then(removed("bob"), withdrawn("number_removed"))


def test_who_leaves_a_shared_number_takes_their_texts_along() -> None:
    """3.14"""
    history = given(active(48), numbered("ada"), joined("bob"), granted("bob"), queued())
    history.when(remove_number(candidate="bob")).then(
        removed("bob"),
        withdrawn("number_removed"),
        cancelled("number_removed"),
        refunded(1, 49, "number_removed"),
    )
    given(active(48), numbered("ada"), joined("bob"), granted("ada"), queued()).when(
        remove_number(candidate="bob")
    ).then(removed("bob"))


def test_a_number_that_is_changed_takes_its_consent_with_it() -> None:
    """3.14"""
    outcome = given(active(), numbered(zone="America/Denver"), granted()).when(change_number(OTHER_NUMBER))
    outcome.then(removed(), withdrawn("number_removed"), numbered("ada", OTHER_NUMBER, "America/Denver"))
    outcome.answering(conversation=conversation_stream(ACME, OTHER_NUMBER), region="US")
    outcome.and_when(send(number=OTHER_NUMBER)).refused("consent_not_given")
    outcome.and_when(send()).refused("number_unknown")


def test_a_number_that_is_written_differently_is_no_other_number() -> None:
    """3.14: correcting how it is written must not cost the consent."""
    history = given(numbered(), granted())
    history.when(change_number("(415) 555-2671", region="US")).refused("number_present")


def test_a_number_is_not_changed_into_one_that_the_candidate_has() -> None:
    """3.14"""
    history = given(numbered(), numbered(number=OTHER_NUMBER))
    history.when(change_number(OTHER_NUMBER)).refused("number_present")
    history.when(change_number(BERLIN_NUMBER, candidate="bob")).refused("number_unknown")
    given().when(change_number(NUMBER)).refused("number_unknown")


def test_a_number_changed_into_a_shared_one_finds_the_consent_of_that_one() -> None:
    """3.14"""
    history = given(numbered(), granted(), numbered("bob", OTHER_NUMBER), on(OTHER_NUMBER, revoked()))
    outcome = history.when(change_number(OTHER_NUMBER))
    assert outcome.conversation(OTHER_NUMBER).consent == "revoked"


# --- 3.8 what sounds like a stop, reviewed ----------------------------------------------------------


def test_a_person_finds_that_nothing_was_meant() -> None:
    """3.8"""
    outcome = given(ready(), flagged()).when(review(wants_to_stop=False))
    outcome.then(e.StopRequestReviewed(wants_to_stop=False)).answering(consent="granted", cancelled=0)
    assert outcome.and_when(send()).of(e.TextQueued)


def test_a_person_finds_that_it_was_meant() -> None:
    """3.8"""
    outcome = given(ready(49), queued(), flagged()).when(review(wants_to_stop=True))
    outcome.then(
        e.StopRequestReviewed(wants_to_stop=True),
        withdrawn("stop_request"),
        cancelled("consent_withdrawn"),
        refunded(1, 50, "consent_withdrawn"),
    ).answering(consent="withdrawn", cancelled=1)
    outcome.and_when(send()).refused("consent_withdrawn")


def test_a_wish_to_stop_is_kept_where_consent_does_not_stand_anyway() -> None:
    """3.8"""
    outcome = given(numbered(), granted(), flagged(), withdrawn()).when(review(wants_to_stop=True))
    outcome.then(e.StopRequestReviewed(wants_to_stop=True)).answering(consent="withdrawn")


def test_nothing_can_be_reviewed_that_was_not_flagged() -> None:
    """3.8"""
    given(ready()).when(review(wants_to_stop=True)).refused("nothing_to_review")
    given(ready(), flagged()).when(review(wants_to_stop=True, candidate="bob")).refused("number_unknown")


def test_consent_added_while_a_review_waits_does_not_lift_it() -> None:
    """3.8"""
    history = given(ready(), flagged(), withdrawn())
    history.when(add_consent()).and_when(send()).refused("under_review")
