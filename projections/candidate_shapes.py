"""What the view of candidates answers with; the others' shapes are in `projections.shapes`."""

from dataclasses import dataclass
from datetime import datetime

from projections.shapes import ConsentStatus


@dataclass(frozen=True, slots=True)
class NumberLine:
    """A number in the list of candidates, and whether it may be texted."""

    number: str
    consent: ConsentStatus
    under_review: bool


@dataclass(frozen=True, slots=True)
class CandidateLine:
    """A candidate in the list of them, newest first."""

    candidate: str
    name: str | None
    numbers: tuple[NumberLine, ...]
    """The numbers they have now, oldest first."""
    unread: int
    """Replies and keywords nobody read yet, over all their threads."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number that a candidate has, or had."""

    number: str
    conversation: str
    region: str
    time_zone: str | None
    added_at: datetime
    removed_at: datetime | None
    """None: it is theirs now."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate, their numbers (those they have first, oldest first) and who follows them."""

    candidate: str
    name: str | None
    added_at: datetime
    numbers: tuple[Number, ...]
    followers: tuple[str, ...]
