"""The steps of a hand-over: which of them are one and the same."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from consumers import handover
from projections.shapes import OpenText

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TEXT = OpenText(
    text_id=UUID(int=7),
    account="acme",
    conversation="c1",
    number="+4520123456",
    candidate="ann",
    body="Hello",
    sender="+15005550006",
    purpose="message",
    bulk=None,
    segments=1,
    state="queued",
    due_at=NOW,
    attempt=0,
    sid=None,
    since=NOW,
)


def test_the_same_step_asked_for_twice_at_once_is_one_command() -> None:
    """P2"""
    assert handover.start(TEXT, NOW) == handover.start(TEXT, NOW + timedelta(seconds=1))


def test_a_text_that_was_refused_its_last_look_is_looked_at_anew_after_a_while() -> None:
    """P3: the refusal of the first look is for ever, the text's waiting is not."""
    first = handover.start(TEXT, NOW)
    later = handover.start(TEXT, NOW + timedelta(seconds=handover.ASKED_ANEW_AFTER_S))

    assert first.command_id != later.command_id
    assert first.attempt == later.attempt == 1
