"""What is asked and answered about a text before it is sent."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.segments import Encoding
from producers.http.models import Answered
from schemas.base import ForeignId, Moment, WithoutNul
from schemas.commands import BODY_CHARACTERS_MAX, NumberText


class PreviewRequest(BaseModel):
    """A text as far as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    number: NumberText
    body: Annotated[str, Field(max_length=BODY_CHARACTERS_MAX), WithoutNul]
    candidate: ForeignId | None = None
    """Whom it is for; if missing, whoever has the number."""
    send_at: Moment | None = None
    override_quiet_hours: bool = False


class ForcingCharacter(Answered):
    """A character that only UCS-2 has."""

    character: str
    name: str
    """In Unicode."""
    positions: tuple[int, ...]
    """Its places in the body, in characters from 0."""
    swap: str | None
    """What could stand for it."""


class Swapped(Answered):
    """The text with every such character swapped that can be."""

    body: str
    encoding: Encoding
    segments: int
    saved: int
    """Segments."""


class Refusal(Answered):
    """Why the text would be refused."""

    code: str
    sentence: str


class PreviewAnswer(Answered):
    """What would become of the text now. Nothing was done."""

    encoding: Encoding
    units: int
    """Septets (GSM-7) or UTF-16 units (UCS-2)."""
    segments: int
    credits: int
    """What it would cost: one for each segment."""
    segment_units_left: int
    """Until another segment is needed."""
    text_units_left: int
    """Until the longest text; negative where it is too long."""
    forcing: tuple[ForcingCharacter, ...]
    """What makes it UCS-2."""
    swapped: Swapped | None
    """What swapping those would save; none where there is nothing to swap."""
    warnings: tuple[str, ...]
    """About the country."""
    advice: tuple[str, ...]
    """What a first text lacks."""
    advised_sentence: str | None
    """What would make up for it, in the account's language."""
    appended: bool
    """Whether that sentence is added by itself; then it is counted above."""
    refusal: Refusal | None
    """None: it would be accepted."""
    send_at: datetime | None
    """When it would go; none: at once, or not at all."""
    deferred: bool
    """Whether quiet hours put it off."""
