"""Sending: the rules in their order (3.7, 3.10), what an accepted text costs (3.16), countries (3.15) and the
first text (3.17).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.segments import TEXT_UNITS_MAX
from domain.sending import OPEN_TEXTS_MAX
from schemas import events as e
from schemas.account_settings import QuietHours
from schemas.actors import Actor
from tests.domain.facts import (
    activated,
    active,
    assigned,
    cancelled,
    debited,
    dispatched,
    flagged,
    granted,
    joined,
    numbered,
    queued,
    ready,
    revoked,
    sent,
    settings,
    stopped,
    withdrawn,
)
from tests.domain.given import NOW, NUMBER, History, given, on
from tests.domain.people import (
    FRENCH_NUMBER,
    MANAGER,
    OTHER_NUMBER,
    RECRUITER,
    SENDER,
    TEXT,
    add_consent,
    send,
)

NIGHT = datetime(2026, 3, 3, 6, tzinfo=UTC)  # 22:00 in San Francisco
MORNING = datetime(
    2026, 3, 3, 16, tzinfo=UTC
)  # 08:00 there, when the law of the USA lets texts through again
ALWAYS_QUIET = QuietHours(quiet_from="08:00", quiet_until="21:00")  # the hours that the law leaves open
WELL_INTRODUCED = "Grace from Acme here. Reply STOP to opt out."

# --- 3.10 the rules, in their order -----------------------------------------------------------------

FINE: Mapping[str, Any] = {
    "actor": RECRUITER,
    "active": True,
    "stopped": False,
    "sender": True,
    "number": NUMBER,
    "candidate": "ada",
    "blocked": set(),
    "consent": granted(),
    "body": WELL_INTRODUCED,
    "first_text": "advise",
    "send_at": None,
    "quiet_hours": None,
    "override": False,
    "open_texts": 0,
    "balance": 50,
}
TOO_LONG = "x" * (TEXT_UNITS_MAX + 1)
RULES: list[tuple[str, dict[str, Any]]] = [
    ("not_permitted", {"actor": MANAGER}),
    ("not_activated", {"active": False}),
    ("sending_stopped", {"stopped": True}),
    ("no_sender", {"sender": False}),
    ("number_invalid", {"number": "+14155"}),
    ("number_unknown", {"candidate": "bob"}),
    ("country_blocked", {"blocked": {"US"}}),
    ("consent_not_given", {"consent": None}),
    ("body_empty", {"body": " \n"}),
    ("body_too_long", {"body": TOO_LONG}),
    ("first_text_incomplete", {"first_text": "require", "body": "Hello"}),
    ("send_at_past", {"send_at": NOW - timedelta(seconds=1)}),
    ("never_open", {"quiet_hours": ALWAYS_QUIET}),
    ("too_many_open_texts", {"open_texts": OPEN_TEXTS_MAX}),
    ("insufficient_credit", {"balance": 0}),
]
"""Each rule's code, and what breaks it."""


@pytest.mark.parametrize("at", range(len(RULES)), ids=[code for code, _ in RULES])
def test_the_first_rule_that_fails_is_the_refusal(at: int) -> None:
    """3.10: each rule with all before it fine, and it and all after it broken."""
    case = dict(FINE)
    for _, breakage in reversed(RULES[at:]):
        case |= breakage
    story, command = _told(case)
    story.when(command).refused(RULES[at][0])


@pytest.mark.parametrize(("code", "breakage"), RULES, ids=[code for code, _ in RULES])
def test_each_rule_refuses_on_its_own(code: str, breakage: dict[str, Any]) -> None:
    """3.10"""
    story, command = _told({**FINE, **breakage})
    story.when(command).refused(code)


def test_a_text_that_breaks_no_rule_is_accepted() -> None:
    """3.10"""
    story, command = _told(FINE)
    assert story.when(command).of(e.TextQueued)


@pytest.mark.parametrize(
    ("consent", "code"),
    [
        ([withdrawn()], "consent_withdrawn"),
        ([revoked()], "revoked_by_keyword"),
        ([flagged()], "under_review"),
        ([withdrawn(), flagged()], "consent_withdrawn"),
    ],
)
def test_each_way_of_missing_consent_has_a_code_of_its_own(consent: list[e.Event], code: str) -> None:
    """3.7, 3.10"""
    given(ready(), consent).when(send()).refused(code)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("+14155", "number_invalid"),
        ("(415) 555-2671", "number_region_needed"),
        ("+1 900 555 2671", "number_cannot_be_texted"),
    ],
)
def test_each_way_of_missing_the_number_has_a_code_of_its_own(typed: str, code: str) -> None:
    """3.10"""
    given(ready()).when(send(number=typed)).refused(code)


def test_a_revocation_is_refused_with_what_to_text_and_where() -> None:
    """3.7, 3.9"""
    given(ready(), revoked()).when(send()).refused("revoked_by_keyword", "START", SENDER)


@pytest.mark.parametrize("body", ["", " ", "\n\t\r", "\u00a0\u3000", "\u200b\u2060\ufeff", " \u00ad \u200d"])
def test_a_text_in_which_nothing_can_be_seen_is_empty(body: str) -> None:
    """3.10"""
    given(ready()).when(send(body)).refused("body_empty")


@pytest.mark.parametrize("body", ["\u200d.", "👍", "\u2800x", "ے"])
def test_a_text_in_which_something_can_be_seen_is_not(body: str) -> None:
    """3.10"""
    assert given(ready()).when(send(body)).of(e.TextQueued)


def test_a_number_is_sent_to_however_it_is_written() -> None:
    """3.10"""
    assert given(ready()).when(send(number="+1 (415) 555-2671")).of(e.TextQueued)


def test_a_text_to_a_number_of_another_candidate_is_refused() -> None:
    """3.14"""
    given(ready(), numbered("bob", OTHER_NUMBER)).when(send(candidate="bob")).refused("number_unknown")


def test_a_number_that_is_shared_is_texted_for_either_candidate() -> None:
    """3.14"""
    given(ready(), joined("bob")).when(send(candidate="bob")).then(
        queued(candidate="bob"), debited(1, balance=49)
    )


# --- 3.10, 3.16 what an accepted text leads to ------------------------------------------------------


def test_a_text_is_queued_and_paid() -> None:
    """3.10"""
    outcome = given(ready()).when(send("Hello"))
    outcome.then(queued("Hello"), debited(1, balance=49))
    outcome.answering(
        text_id=str(TEXT), encoding="GSM-7", segments=1, send_at=None, deferred=False, balance=49
    )


@pytest.mark.parametrize(
    ("body", "segments"),
    [
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 1_400, 10),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 1_400, 21),
        ("€" * 80, 1),
        ("€" * 700, 10),
    ],
)
def test_each_segment_costs_one_credit(body: str, segments: int) -> None:
    """3.16"""
    given(ready()).when(send(body)).then(queued(body), debited(segments, balance=50 - segments)).answering(
        segments=segments
    )


@pytest.mark.parametrize("body", ["x" * 1_401, "ж" * 1_401, "€" * 701, "😀" * 701])
def test_the_limit_counts_the_units_of_the_encoding(body: str) -> None:
    """3.16"""
    given(ready()).when(send(body)).refused("body_too_long", "1400")


def test_the_last_credit_is_spent_and_no_more() -> None:
    """3.2"""
    outcome = given(ready(balance=2)).when(send("x" * 161))
    assert outcome.balance == 0
    outcome.and_when(send("Hi", command_id=UUID(int=2))).refused("insufficient_credit", "needs 1", "is 0")


def test_a_number_has_a_limited_number_of_open_texts() -> None:
    """3.10"""
    waiting = [queued(f"No. {i}", UUID(int=1_000 + i)) for i in range(OPEN_TEXTS_MAX)]
    given(ready(), waiting).when(send()).refused("too_many_open_texts", str(OPEN_TEXTS_MAX))
    assert given(ready(), waiting[1:]).when(send()).of(e.TextQueued)
    assert given(ready(), waiting, cancelled("x", UUID(int=1_000))).when(send()).of(e.TextQueued)


# --- 3.15 countries ---------------------------------------------------------------------------------


def test_a_french_number_is_refused_with_a_reason_of_its_own() -> None:
    """3.15"""
    history = given(active(), numbered(number=FRENCH_NUMBER), on(FRENCH_NUMBER, granted()))
    history.when(send(number=FRENCH_NUMBER)).refused("french_number", "French numbers (+33)")


def test_the_receipt_warns_where_replies_cannot_come_back() -> None:
    """3.15"""
    austrian = "+436641234567"
    history = given(active(), numbered(number=austrian), on(austrian, granted()))
    outcome = history.when(send(number=austrian))
    outcome.answering(warnings=["sender_overwritten", "no_replies"])


def test_an_account_narrows_the_policy_and_never_opens_it() -> None:
    """3.15"""
    given(ready(), settings(blocked_regions={"US"})).when(send()).refused("country_blocked", "Your account")
    french = [numbered(number=FRENCH_NUMBER), on(FRENCH_NUMBER, granted())]
    outcome = given(active(), settings(blocked_regions={"FR"}), french).when(send(number=FRENCH_NUMBER))
    outcome.refused("french_number", "French numbers (+33)")


# --- 3.17 the first text ----------------------------------------------------------------------------


def test_the_receipt_advises_what_a_first_text_lacks() -> None:
    """3.17"""
    outcome = given(ready(), settings(company="Acme")).when(send("Are you free?"))
    outcome.then(queued("Are you free?"), debited(1, balance=49))
    outcome.answering(advice=["no_introduction", "no_opt_out"])
    given(ready(), settings(company="Acme")).when(send(WELL_INTRODUCED)).answering(advice=[])


def test_what_it_lacks_is_appended_where_the_account_chose_so() -> None:
    """3.17"""
    outcome = given(ready(), settings(company="Acme", first_text="append")).when(send("Are you free?"))
    (text,) = outcome.of(e.TextQueued)
    assert text.body == "Are you free? This is Grace from Acme. Reply STOP to get no more texts."
    outcome.answering(advice=[], segments=1)


def test_what_is_appended_is_paid_and_counts_for_the_limit() -> None:
    """3.16, 3.17"""
    history = given(ready(), settings(company="Acme", first_text="append"))
    assert history.when(send("x" * 155)).balance == 48
    history.when(send("x" * 1_399)).refused("body_too_long")


def test_a_first_text_that_lacks_nothing_is_left_as_it_is() -> None:
    """3.17"""
    history = given(ready(), settings(company="Acme", first_text="append"))
    history.when(send(WELL_INTRODUCED)).then(queued(WELL_INTRODUCED), debited(1, balance=49))


def test_it_is_refused_with_the_sentence_to_add_where_the_account_requires_it() -> None:
    """3.17"""
    history = given(ready(), settings(company="Acme", first_text="require"))
    history.when(send("Are you free?")).refused(
        "first_text_incomplete", "This is Grace from Acme.", "Reply STOP"
    )
    assert history.when(send(WELL_INTRODUCED)).of(e.TextQueued)


def test_the_sentence_is_in_the_accounts_language() -> None:
    """3.17"""
    history = given(ready(), settings(company="Acme", language="fr", first_text="require"))
    history.when(send("Bonjour")).refused("first_text_incomplete", "Je suis Grace, de Acme.")


@pytest.mark.parametrize("before", [[queued()], [queued(), dispatched()], [queued(), dispatched(), sent()]])
def test_a_text_that_left_or_will_leave_makes_the_next_one_an_ordinary_one(before: list[e.Event]) -> None:
    """3.17"""
    history = given(ready(), settings(first_text="require"), before)
    assert history.when(send("Hi", command_id=UUID(int=2))).of(e.TextQueued)


@pytest.mark.parametrize(
    "before",
    [
        [queued(), cancelled("cancelled_by_member")],
        [queued(), dispatched(), e.TextFailed(text_id=TEXT, status="failed", code=21211, reason="No.")],
        [queued(purpose="help_answer", candidate=None), dispatched(), sent()],
    ],
)
def test_as_long_as_no_text_left_the_next_one_is_the_first(before: list[e.Event]) -> None:
    """3.17"""
    history = given(ready(), settings(first_text="require"), before)
    history.when(send("Hi", command_id=UUID(int=2))).refused("first_text_incomplete")


# --- 3.7 what blocks, and what unblocks -------------------------------------------------------------


def test_a_text_is_refused_until_consent_is_added_and_then_goes() -> None:
    """3.7"""
    given(active(), numbered()).when(send()).refused("consent_not_given")
    outcome = given(active(), numbered()).when(add_consent())
    outcome.and_when(send()).then(queued(), debited(1, balance=49))


def test_consent_for_one_account_is_none_for_another() -> None:
    """P8"""
    given(ready()).when(send(account="umbrella")).refused("not_activated")


# --- telling a case ---------------------------------------------------------------------------------


def _told(case: Mapping[str, Any]) -> tuple[History, Any]:
    happened: list[Any] = [numbered()]
    happened += [activated(case["balance"])] if case["active"] else []
    happened += [stopped()] if case["stopped"] else []
    happened += [assigned()] if case["sender"] else []
    happened += [] if case["consent"] is None else [case["consent"]]
    answer: dict[str, Any] = {
        "purpose": "help_answer",
        "candidate": None,
    }  # after which a first text is still the first
    happened += [queued(text_id=UUID(int=1_000 + i), **answer) for i in range(case["open_texts"])]
    happened += [
        settings(
            company="Acme",
            first_text=case["first_text"],
            blocked_regions=case["blocked"],
            quiet_hours=case["quiet_hours"],
        )
    ]
    actor: Actor = case["actor"]
    command = send(
        case["body"],
        actor=actor,
        number=case["number"],
        candidate=case["candidate"],
        send_at=case["send_at"],
        override_quiet_hours=case["override"],
    )
    return given(happened), command
