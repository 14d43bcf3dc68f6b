"""Events that are made of checked values are the very events that checking makes."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from pydantic import JsonValue, ValidationError

from schemas.events import CommandAccepted, Event, SegmentsDebited, TextQueued, TextScheduled

ID = UUID(int=7)
AT = datetime(2026, 11, 3, 10, tzinfo=UTC)
RESULT: dict[str, JsonValue] = {"balance": 3, "advice": []}
MADE = [
    (SegmentsDebited.of(ID, 2, 48), SegmentsDebited(text_id=ID, segments=2, balance=48)),
    (
        TextQueued.of(ID, "c1", "Hello", "GSM-7", 1, overrides_quiet_hours=True),
        TextQueued(
            text_id=ID,
            candidate="c1",
            body="Hello",
            encoding="GSM-7",
            segments=1,
            overrides_quiet_hours=True,
        ),
    ),
    (
        TextScheduled.of(
            ID, "c1", "Hello", "GSM-7", 1, send_at=AT, delay="requested", overrides_quiet_hours=False
        ),
        TextScheduled(
            text_id=ID,
            candidate="c1",
            body="Hello",
            encoding="GSM-7",
            segments=1,
            send_at=AT,
            delay="requested",
        ),
    ),
    (
        CommandAccepted.of("send-text", "0" * 32, RESULT),
        CommandAccepted(command_type="send-text", fingerprint="0" * 32, result=RESULT),
    ),
]


@pytest.mark.parametrize(("made", "checked"), MADE)
def test_made_is_as_good_as_checked(made: Event, checked: Event) -> None:
    assert made == checked
    assert made.model_dump_json() == checked.model_dump_json()
    assert made.__dict__.keys() == type(made).model_fields.keys(), "a field was added, and is not made"
    assert type(made).model_validate_json(made.model_dump_json()) == made


def test_what_is_made_cannot_be_changed_either() -> None:
    with pytest.raises(ValidationError):
        setattr(SegmentsDebited.of(ID, 2, 48), "balance", 1)  # noqa: B010  # mypy knows, too
