"""How a try to fetch an attachment can end: as a value, never as an exception.

Fetched   it is here
Stored    it is on the disk, too
Refused   it will not be stored, whatever comes
Again     not now: it may be tried again
"""

from dataclasses import dataclass

from schemas.commands import AttachmentRefusal, Picture


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the address led to."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """It is stored, sealed."""

    size_bytes: int
    sha256: str
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class Refused:
    """No."""

    reason: AttachmentRefusal


@dataclass(frozen=True, slots=True)
class Again:
    """Something is away or full, or not there yet."""

    cause: str
    """For the log: nothing of a person, and no address."""
    ends_as: AttachmentRefusal | None = "given_up"
    """What it counts as if it stays so for long; none: it is our own affair, and never counts against it."""
    retry_after_s: float | None = None
    """How long we were asked to wait."""
