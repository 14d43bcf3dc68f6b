"""The shapes of what came with replies."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from schemas.commands import AttachmentRefusal, Picture

AttachmentState = Literal["waiting", "stored", "refused"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture or file that came with a reply."""

    index: int
    """Its place in the reply, from 0."""
    content_type: str
    """What the carrier called it. Nobody has checked it."""
    url: str
    """Where the carrier keeps it."""
    state: AttachmentState
    """`waiting`: it is not fetched yet, or nothing is fetched here at all."""
    size_bytes: int | None
    """Only where stored, as is `picture`."""
    picture: Picture | None
    """What kind of picture it is; none: it is something else, or is not what the carrier called it."""
    reason: AttachmentRefusal | None
    """Why it is not stored and will not be; only where refused."""


@dataclass(frozen=True, slots=True)
class AttachmentPlace:
    """An attachment, and what its file is known by."""

    conversation: str
    sid: str
    attachment: Attachment


@dataclass(frozen=True, slots=True)
class WaitingAttachment:
    """What came with a reply and is neither stored nor refused yet."""

    account: str
    conversation: str
    number: str
    sid: str
    index: int
    url: str
    content_type: str
    since: datetime
    """When the reply came."""
