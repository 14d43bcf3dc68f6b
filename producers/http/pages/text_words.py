"""A text in a thread, in words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from producers.http.pages.attachment_words import AttachmentLine
from producers.http.text_status import Tone, status_of, who
from projections.shapes import ThreadMessage


@dataclass(frozen=True, slots=True)
class Line:
    """A text as the thread shows it."""

    key: str
    side: Literal["out", "in"]
    body: str
    at: datetime
    author: str
    label: str | None
    """What kind of message it is, where it is no ordinary one."""
    status: str
    when: datetime | None
    """Follows the status, where it is about a time to come."""
    detail: str | None
    tone: Tone
    segments: int | None
    waits: bool
    """It can still be called back, or moved."""
    bulk: UUID | None
    """Which bulk it is part of, if it is."""
    is_held: bool
    """It waits because its bulk is paused."""
    send_at: datetime | None
    attachments: tuple[AttachmentLine, ...]


def line(message: ThreadMessage, name: str, attachments: tuple[AttachmentLine, ...]) -> Line:
    """`message` in words, with what came with it; `name` is the candidate's."""
    status = status_of(message)
    waits = message.status == "scheduled" or (message.status == "queued" and message.purpose == "message")
    return Line(
        key=message.id,
        side="out" if message.kind == "text" else "in",
        body=message.body,
        at=message.at,
        author=_author(message, name),
        label=_label(message),
        status=status.words,
        when=message.send_at if message.status == "scheduled" else None,
        detail=status.detail,
        tone=status.tone,
        segments=message.segments if message.kind == "text" else None,
        waits=waits,
        bulk=message.bulk,
        is_held=message.bulk_paused is not None,
        send_at=message.send_at,
        attachments=attachments,
    )


def _author(message: ThreadMessage, name: str) -> str:
    if message.kind != "text":
        return name
    return who(message.by) if message.purpose == "message" else "Automatic answer"


def _label(message: ThreadMessage) -> str | None:
    if message.kind == "keyword":
        return f"Keyword {message.keyword}"
    if message.flagged:
        return "Sounds like a wish to stop"
    return None
