"""The preview: what a send would come to, in every respect, and nothing done (3.15 to 3.18)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.bulk import Bulk
from domain.candidate import Candidate
from domain.preview import Given, Preview, preview
from domain.segments import TEXT_UNITS_MAX
from domain.turn import Turn
from schemas import events as e
from tests.domain.facts import (
    active,
    flagged,
    granted,
    numbered,
    queued,
    ready,
    revoked,
    settings,
    stopped,
    withdrawn,
)
from tests.domain.given import (
    ACME,
    NOW,
    NUMBER,
    POLICY,
    Happening,
    account_stream,
    conversation_stream,
    given,
    on,
)
from tests.domain.people import BULK, FRENCH_NUMBER, LATER, MANAGER, NIGHT_OWL, send
from tests.domain.test_sending import RULES, WELL_INTRODUCED

NIGHT = datetime(2026, 3, 3, 6, tzinfo=UTC)  # 22:00 in San Francisco
MORNING = datetime(2026, 3, 3, 16, tzinfo=UTC)
AUSTRIAN = "+436641234567"


def look(*happened: Happening, at: datetime = NOW, number: str = NUMBER, **more: Any) -> Preview:
    history = given(happened)
    account = history.account(account_stream(ACME))
    conversation = history.conversation(conversation_stream(ACME, number))
    return preview(send(number=number, **more), account, conversation, at, POLICY)


# --- as sending has it ------------------------------------------------------------------------------

CASES: dict[str, tuple[list[Happening], dict[str, Any]]] = {
    "fine": ([ready()], {}),
    "long": ([ready()], {"body": "x" * 500}),
    "with emoji": ([ready()], {"body": "Hello 👋"}),
    "appended": ([ready(), settings(company="Acme", first_text="append")], {}),
    "later": ([ready()], {"send_at": LATER}),
    "not permitted": ([ready()], {"actor": MANAGER}),
    "not active": ([], {}),
    "stopped": ([ready(), stopped()], {}),
    "number": ([ready()], {"number": "+14155"}),
    "nobody's": ([active()], {}),
    "country": ([ready(), settings(blocked_regions={"US"})], {}),
    "no consent": ([active(), numbered()], {}),
    "withdrawn": ([ready(), withdrawn()], {}),
    "revoked": ([ready(), revoked()], {}),
    "review": ([ready(), flagged()], {}),
    "empty": ([ready()], {"body": " "}),
    "too long": ([ready()], {"body": "x" * 1_401}),
    "required": ([ready(), settings(first_text="require")], {}),
    "past": ([ready()], {"send_at": datetime(2020, 1, 1, tzinfo=UTC)}),
    "credit": ([ready(balance=0)], {}),
}


@pytest.mark.parametrize("at", [NOW, NIGHT], ids=["day", "night"])
@pytest.mark.parametrize(("happened", "more"), CASES.values(), ids=CASES)
def test_the_preview_says_what_sending_does(
    happened: list[Happening], more: dict[str, Any], at: datetime
) -> None:
    """3.10, 3.18: the same code and sentence, or the same cost and time."""
    outcome = given(happened).at(at).when(send(**more))
    seen = look(*happened, at=at, **more)
    if outcome.refusal is not None:
        assert seen.refusal is not None
        assert (seen.refusal.code, seen.refusal.sentence) == (outcome.refusal.code, outcome.refusal.sentence)
    else:
        assert seen.refusal is None
        due = None if seen.send_at is None else seen.send_at.isoformat()
        outcome.answering(
            segments=seen.segments.segments,
            encoding=seen.segments.encoding,
            send_at=due,
            deferred=seen.deferred,
            warnings=list(seen.warnings),
            advice=[] if seen.appended else list(seen.advice),
        )


def test_every_rule_of_sending_has_its_case() -> None:
    """3.10: but those that need a hundred texts, no sender, or no open hour."""
    codes = {
        outcome.refusal.code
        for happened, more in CASES.values()
        if (outcome := given(happened).when(send(**more))).refusal is not None
    }
    rare = {"no_sender", "never_open", "too_many_open_texts"}
    assert {code for code, _ in RULES} - rare <= codes


def test_what_is_given_is_one_account_and_one_conversation_and_nobody_else() -> None:
    account, conversation = given(ready()).account(), given(ready()).conversation()
    turn = Turn(send(), Given(account, conversation), NOW, POLICY)
    assert turn.account is account
    assert turn.conversation(turn.stream_of(NUMBER)) is conversation
    assert turn.candidate("ada") == Candidate()
    assert turn.bulk(BULK) == Bulk()


# --- what the composer shows ------------------------------------------------------------------------


def test_it_counts_and_says_what_is_left() -> None:
    """3.16"""
    seen = look(ready(), body="Hello")
    assert (seen.segments.encoding, seen.segments.units, seen.segments.segments) == ("GSM-7", 5, 1)
    assert seen.text_units_left == TEXT_UNITS_MAX - 5
    assert look(ready(), body="x" * 1_410).text_units_left == -10


def test_it_says_what_forces_ucs_2_and_what_swapping_would_save() -> None:
    """3.16"""
    seen = look(ready(), body="Hello “Ada”" + "x" * 100)
    assert [forcing.character for forcing in seen.forcing] == ["“", "”"]
    assert seen.segments.segments == 2
    assert seen.swaps.saved == 1


def test_it_warns_before_the_send_where_the_sender_is_overwritten() -> None:
    """3.15"""
    history: list[Happening] = [active(), numbered(number=AUSTRIAN), on(AUSTRIAN, granted())]
    seen = look(*history, number=AUSTRIAN)
    assert seen.refusal is None
    assert seen.warnings == ("sender_overwritten", "no_replies")
    blocked = look(*history, on(AUSTRIAN, withdrawn()), number=AUSTRIAN)
    assert blocked.warnings == seen.warnings


def test_a_refused_country_warns_of_nothing() -> None:
    """3.15"""
    seen = look(active(), numbered(number=FRENCH_NUMBER), number=FRENCH_NUMBER)
    assert seen.warnings == ()
    assert seen.refusal is not None
    assert seen.refusal.code == "french_number"


@pytest.mark.parametrize("mode", ["advise", "append", "require"])
def test_it_advises_with_the_sentence_to_insert(mode: str) -> None:
    """3.17"""
    seen = look(ready(), settings(company="Acme", first_text=mode), body="Are you free?")
    assert seen.advice == ("no_introduction", "no_opt_out")
    assert seen.advised_sentence == "This is Grace from Acme. Reply STOP to get no more texts."
    assert seen.appended == (mode == "append")


def test_it_advises_nothing_where_nothing_lacks() -> None:
    """3.17"""
    company = settings(company="Acme")
    for seen in (look(ready(), company, body=WELL_INTRODUCED), look(ready(), company, queued())):
        assert seen.advice == ()
        assert seen.advised_sentence is None


def test_what_would_be_appended_is_counted_even_where_the_text_would_be_refused() -> None:
    """3.16, 3.17: else a text would look as if it fitted, and be refused for its length."""
    append: e.Event = settings(company="Acme", first_text="append")
    seen = look(ready(), append, body="x" * 1_390)
    assert seen.refusal is not None
    assert seen.refusal.code == "body_too_long"
    assert seen.text_units_left < 0
    blocked = look(active(), numbered(), append, body="x" * 155)
    assert blocked.segments.segments == 2


def test_an_empty_text_is_given_nothing_to_append_to() -> None:
    """3.17"""
    seen = look(ready(), settings(company="Acme", first_text="append"), body="")
    assert not seen.appended
    assert seen.segments.units == 0
    assert seen.advice


def test_it_says_when_the_text_would_go() -> None:
    """3.18"""
    assert look(ready()).send_at is None
    deferred = look(ready(), at=NIGHT)
    assert (deferred.send_at, deferred.deferred) == (MORNING, True)
    owl = look(ready(), at=NIGHT, actor=NIGHT_OWL, override_quiet_hours=True)
    assert (owl.send_at, owl.deferred, owl.refusal) == (None, False, None)
    assert look(ready(), send_at=LATER).send_at == LATER
