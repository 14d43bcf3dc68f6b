"""The conversation's state: folded from its events, whatever they are, and as small as what is open."""

from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain import conversation as conversations
from domain.conversation import ConsentStatus, Conversation, OpenText
from domain.refusals import Refused
from domain.senders import Sender
from schemas import events as e
from tests.domain.facts import (
    activated,
    cancelled,
    delivered,
    dispatched,
    doubted,
    failed,
    flagged,
    granted,
    granted_by_keyword,
    queued,
    rescheduled,
    revoked,
    scheduled,
    sent,
    withdrawn,
)
from tests.domain.given import NOW, NUMBER
from tests.domain.people import LATER, SENDER, TEXT

OPENED = e.ConversationOpened(number=NUMBER, region="US")
JOINED = e.CandidateJoined(candidate="ada", time_zone=None)
LEFT = e.CandidateLeft(candidate="ada")
NO = e.StopRequestReviewed(wants_to_stop=False)
WAY: dict[str, Any] = {"sender": SENDER, "carrier": "twilio"}
RECOUNTED = e.TextRecounted(text_id=TEXT, billed=3, paid=2)
EVENTS = [
    OPENED, JOINED, LEFT, granted(), granted("bob"), granted_by_keyword(), withdrawn(), revoked(), flagged(),
    NO, queued(), scheduled(LATER), rescheduled(NOW, "carrier"), dispatched(), doubted(), sent(), RECOUNTED,
    delivered(), failed(), cancelled("missed"), e.TextUnknown(text_id=TEXT), e.ThreadRead(),
]  # fmt: skip

NEW = Conversation()


def told(*events: e.Event, since: Conversation = NEW) -> Conversation:
    for event in events:
        since = conversations.evolve(since, event, NOW)
    return since


# --- folding ----------------------------------------------------------------------------------------


@for_all(st.lists(st.sampled_from(EVENTS)))
def test_evolving_never_refuses_and_never_changes_what_was(events: list[e.Event]) -> None:
    """Whatever the order: history is not open to argument."""
    state = Conversation()
    for event in events:
        before, copy = state, Conversation(*state)
        state = conversations.evolve(before, event, NOW)
        assert before == copy
        assert state.consent in get_args(ConsentStatus)
        assert set(state.texts) <= {TEXT}


def test_a_conversation_is_opened_by_its_first_event() -> None:
    assert not Conversation().opened
    assert told(OPENED).opened


@pytest.mark.parametrize(
    ("events", "consent"),
    [
        ([], "not_given"),
        ([granted()], "granted"),
        ([granted(), withdrawn()], "withdrawn"),
        ([granted(), revoked()], "revoked"),
        ([granted(), revoked(), granted_by_keyword()], "granted"),
        ([granted(), granted("bob"), withdrawn()], "withdrawn"),
    ],
)
def test_consent_is_what_was_said_last(events: list[e.Event], consent: str) -> None:
    """3.6"""
    assert told(*events).consent == consent


def test_whose_records_brought_consent_is_known_while_it_stands() -> None:
    """3.14"""
    state = told(granted(), granted("bob"), granted_by_keyword())
    assert state.granted_by == {"ada", "bob", None}
    assert told(LEFT, since=state).granted_by == {"bob", None}
    assert told(withdrawn(), since=state).granted_by == told(revoked(), since=state).granted_by == set()


@pytest.mark.parametrize(
    ("event", "under_review"),
    [
        (granted(), True),
        (withdrawn(), True),
        (granted_by_keyword(), False),
        (revoked(), False),
        (NO, False),
    ],
)
def test_only_a_person_or_the_candidate_ends_a_review(event: e.Event, under_review: bool) -> None:
    """3.8"""
    assert told(granted(), flagged(), event).under_review is under_review


def test_the_evidence_of_an_erased_person_does_not_change_what_it_proved() -> None:
    """P7"""
    erased = granted(evidence=None)
    state = told(granted(), flagged(), withdrawn(), erased)
    assert (state.consent, state.under_review) == ("granted", True)


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([queued()], OpenText(1, "ada")),
        ([queued(purpose="help_answer", candidate=None)], OpenText(1, None, purpose="help_answer")),
        ([scheduled(LATER)], OpenText(1, "ada", send_at=LATER, requested=True)),
        ([scheduled(LATER, delay="quiet_hours")], OpenText(1, "ada", send_at=LATER)),
        ([queued(), dispatched()], OpenText(1, "ada", "dispatching", attempt=1, **WAY)),
        ([queued(), dispatched(), doubted()], OpenText(1, "ada", "in_doubt", attempt=1, **WAY)),
        (
            [queued(), dispatched(), sent()],
            OpenText(1, "ada", "sent", attempt=1, **WAY, sid="SM9", counted=True),
        ),
        (
            [queued(), dispatched(), RECOUNTED],
            OpenText(2, "ada", "dispatching", attempt=1, **WAY, counted=True),
        ),
        ([queued(), rescheduled(NOW, "carrier")], OpenText(1, "ada", send_at=NOW)),
        (
            [queued(), dispatched(), rescheduled(LATER)],
            OpenText(1, "ada", send_at=LATER, attempt=1, requested=True, **WAY),
        ),
        ([queued(overrides_quiet_hours=True)], OpenText(1, "ada", overrides_quiet_hours=True)),
    ],
)
def test_an_open_text_is_known_by_what_happened_to_it(events: list[e.Event], text: OpenText) -> None:
    """P3"""
    assert told(*events).texts == {TEXT: text}


@pytest.mark.parametrize("end", [delivered(), failed(), cancelled("missed"), e.TextUnknown(text_id=TEXT)])
def test_a_settled_text_leaves_the_state(end: e.Event) -> None:
    other = queued(text_id=UUID(int=2))
    assert set(told(queued(), other, dispatched(), sent(), end).texts) == {UUID(int=2)}


@pytest.mark.parametrize("event", [dispatched(), sent(), doubted(), rescheduled(NOW), RECOUNTED])
def test_news_of_a_text_that_is_not_open_leaves_the_state_as_it_is(event: e.Event) -> None:
    assert told(queued(), delivered(), event) == told(queued(), delivered())


def test_an_event_of_another_stream_leaves_the_state_as_it_is() -> None:
    assert told(granted(), activated(), e.ThreadRead()) == told(granted())


# --- deciding ---------------------------------------------------------------------------------------


def test_a_keyword_grants_now_and_for_the_number_itself() -> None:
    """3.8"""
    assert conversations.grant_by_keyword("START", NOW) == [granted_by_keyword()]


@pytest.mark.parametrize("state", [told(granted()), told(), told(withdrawn())])
def test_a_stop_revokes_once(state: Conversation) -> None:
    """3.8"""
    assert conversations.revoke(state, "STOP") == [revoked()]
    assert conversations.revoke(told(revoked(), since=state), "STOP") == []


def test_a_number_that_is_nobodys_is_left_without_a_word_about_consent() -> None:
    """3.14"""
    assert conversations.leave(told(JOINED), "ada") == [LEFT]


def test_consent_without_any_record_goes_with_the_last_candidate() -> None:
    """3.14"""
    assert conversations.leave(told(JOINED, granted_by_keyword()), "ada") == [
        LEFT,
        withdrawn("number_removed"),
    ]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (told(), "consent_not_given"),
        (told(flagged()), "consent_not_given"),
        (told(granted(), withdrawn()), "consent_withdrawn"),
        (told(granted(), revoked()), "revoked_by_keyword"),
        (told(granted(), flagged()), "under_review"),
    ],
)
def test_what_is_missing_for_a_text_has_a_code(state: Conversation, code: str) -> None:
    """3.7"""
    with pytest.raises(Refused) as refusal:
        conversations.require_consent(state, [Sender(SENDER)])
    assert refusal.value.code == code


def test_nothing_is_missing_where_consent_stands() -> None:
    """3.7"""
    conversations.require_consent(told(granted(obtained_at=NOW - timedelta(days=400))), [])
