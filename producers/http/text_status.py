"""How far a text has come, in words: for pages, and for answers that say why."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from domain.carrier_errors import look_up
from projections.bulk_shapes import BulkText
from projections.shapes import ThreadMessage, Who
from schemas.events import BulkPauseCause

Tone = Literal["plain", "good", "bad", "waiting"]
Text = ThreadMessage | BulkText

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
_PAUSED: Mapping[BulkPauseCause, str] = MappingProxyType(
    {
        "member": "It waits: its bulk is paused.",
        "failures": "It waits: its bulk paused itself, since too many of its texts failed.",
        "opt_outs": "It waits: its bulk paused itself, since too many candidates texted a stop keyword.",
    }
)


@dataclass(frozen=True, slots=True)
class TextStatus:
    """The status of a text in a word or two, and why it is so where there is something to say."""

    words: str
    detail: str | None
    tone: Tone


def status_of(text: Text) -> TextStatus:
    """How far `text` has come."""
    match text.status:
        case "received":
            return TextStatus("", None, "plain")
        case "scheduled":
            return TextStatus("Scheduled for", _waiting(text), "waiting")
        case "queued":
            return TextStatus("Queued", _waiting(text), "waiting")
        case "sending":
            return TextStatus("Sending", None, "waiting")
        case "in_doubt":
            return TextStatus("Handed over, not confirmed yet", None, "waiting")
        case "sent":
            return TextStatus("Sent", None, "plain")
        case "delivered":
            return TextStatus("Delivered", None, "good")
        case "undelivered":
            return TextStatus("Not delivered", _failure(text), "bad")
        case "failed":
            return TextStatus("Failed, refunded", _failure(text), "bad")
        case "cancelled":
            return TextStatus("Cancelled, refunded", _cancellation(text), "bad")
        case "unknown":
            return TextStatus("Unknown", "What became of it could not be learned.", "bad")


def who(person: Who) -> str:
    """A person or service by the best name known."""
    match person.kind:
        case "system":
            return "Sayso"
        case "carrier":
            return "The carrier"
        case _:
            return person.name or person.id


def _waiting(text: Text) -> str | None:
    return _delay(text) if text.bulk_paused is None else _PAUSED[text.bulk_paused]


def _delay(text: Text) -> str | None:
    match text.delay:
        case "quiet_hours":
            return "moved out of quiet hours"
        case "carrier":
            error = look_up(text.code)
            # Without a row for another try, another carrier takes it, or nobody was reached.
            known = "The carrier did not take it." if error.retry is None else error.sentence
            return f"{known} {_AGAIN}"
        case _:
            return None


def _failure(text: Text) -> str:
    reason = text.reason or "The carrier gave no reason."
    return reason if text.code is None else f"{reason} (carrier's code {text.code})"


def _cancellation(text: Text) -> str:
    if text.reason == "cancelled_by_member":
        return f"by {who(text.status_by)}"
    reason = text.reason or "for no stated reason"
    return _CALLED_BACK.get(reason, reason.replace("_", " "))
