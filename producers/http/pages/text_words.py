"""A text in a thread, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from domain.carrier_errors import look_up
from producers.http.pages.attachment_words import AttachmentLine
from projections.shapes import ThreadMessage, Who

Tone = Literal["plain", "good", "bad", "waiting"]

_CALLED_BACK: Mapping[str, str] = MappingProxyType(
    {
        "revoked_by_keyword": "the candidate texted a stop keyword",
        "consent_withdrawn": "consent was withdrawn",
        "consent_not_given": "there was no consent any more",
        "under_review": "a reply was waiting for a review",
        "number_removed": "the number was removed",
        "number_unknown": "the number was removed",
        "country_blocked": "the country may not be texted any more",
        "french_number": "French numbers cannot be texted",
        "never_open": "no hour was outside quiet hours",
        "missed": "it missed its time and would have come too late",
        "bulk_cancelled": "the bulk that it belongs to was called back",
        "not_activated": "texting was not active",
        "no_sender": "the account had no number to text from",
    }
)
_AGAIN = "It is tried again then."


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
    send_at: datetime | None
    attachments: tuple[AttachmentLine, ...]


def line(message: ThreadMessage, name: str, attachments: tuple[AttachmentLine, ...]) -> Line:
    """`message` in words, with what came with it; `name` is the candidate's."""
    status, detail, tone = _status(message)
    waits = message.status == "scheduled" or (message.status == "queued" and message.purpose == "message")
    return Line(
        key=message.id,
        side="out" if message.kind == "text" else "in",
        body=message.body,
        at=message.at,
        author=_author(message, name),
        label=_label(message),
        status=status,
        when=message.send_at if message.status == "scheduled" else None,
        detail=detail,
        tone=tone,
        segments=message.segments if message.kind == "text" else None,
        waits=waits,
        send_at=message.send_at,
        attachments=attachments,
    )


def who(person: Who) -> str:
    """A person or service by the best name known."""
    match person.kind:
        case "system":
            return "Sayso"
        case "carrier":
            return "The carrier"
        case _:
            return person.name or person.id


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


def _status(message: ThreadMessage) -> tuple[str, str | None, Tone]:
    match message.status:
        case "received":
            return "", None, "plain"
        case "scheduled":
            return "Scheduled for", _delay(message), "waiting"
        case "queued":
            return "Queued", None, "waiting"
        case "sending":
            return "Sending", None, "waiting"
        case "in_doubt":
            return "Handed over, not confirmed yet", None, "waiting"
        case "sent":
            return "Sent", None, "plain"
        case "delivered":
            return "Delivered", None, "good"
        case "undelivered":
            return "Not delivered", _failure(message), "bad"
        case "failed":
            return "Failed, refunded", _failure(message), "bad"
        case "cancelled":
            return "Cancelled, refunded", _cancellation(message), "bad"
        case "unknown":
            return "Unknown", "What became of it could not be learned.", "bad"


def _delay(message: ThreadMessage) -> str | None:
    match message.delay:
        case "quiet_hours":
            return "moved out of quiet hours"
        case "carrier":
            error = look_up(message.code)
            # Without a row for another try, another carrier takes it, or nobody was reached.
            known = "The carrier did not take it." if error.retry is None else error.sentence
            return f"{known} {_AGAIN}"
        case _:
            return None


def _failure(message: ThreadMessage) -> str:
    reason = message.reason or "The carrier gave no reason."
    return reason if message.code is None else f"{reason} (carrier's code {message.code})"


def _cancellation(message: ThreadMessage) -> str:
    if message.reason == "cancelled_by_member":
        return f"by {who(message.status_by)}"
    reason = message.reason or "for no stated reason"
    return _CALLED_BACK.get(reason, reason.replace("_", " "))
