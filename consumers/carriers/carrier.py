"""What a carrier is asked, and everything it can answer.

An outside call ends as a value, never as an exception, and silence is not refusal:

    Accepted     the carrier has the text
    Rejected     it answered no; what follows is in `domain.carrier_errors.look_up(code, http_status)`
    Unreachable  the request did not leave, or not whole: sending again later is safe
    Unknown      it may or may not have the text: look before sending again
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from schemas.base import FIRST_CARRIER


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """One text, ready to be handed over.

    `to` is E.164; `sender` is E.164, a short code, a name or a messaging service ("MG" and 32 hexadecimal
    digits) at `carrier`. The carrier has no idempotency key, so `text_id` does not go to it:
    `status_callback` must name the text.
    """

    text_id: UUID
    to: str
    body: str
    sender: str
    status_callback: str
    traceparent: str | None = None
    """The trace it belongs to, for spans alone: it does not go to the carrier."""
    until_s: float = math.inf
    """By `time.monotonic`: from then on it must not be sent, for somebody else may be about to."""
    carrier: str = FIRST_CARRIER


@dataclass(frozen=True, slots=True)
class Accepted:
    """The carrier has the text. A messaging service chooses a number later: until then the rest is None."""

    sid: str
    status: str
    segments: int | None
    sender: str | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The carrier answered no. `message` may quote the number: personal data."""

    code: int | None
    http_status: int
    message: str
    retry_after_s: float | None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No connection came about, or not in time, so the carrier cannot have the text."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """No usable answer after the request may have left: time-out, reset, 5xx, nonsense."""

    reason: str


Outcome = Accepted | Rejected | Unreachable | Unknown


@dataclass(frozen=True, slots=True)
class Found:
    """A text the carrier holds. Times are UTC, in whole seconds; `sent_at` is None while it is queued."""

    sid: str
    status: str
    body: str
    sender: str | None
    segments: int | None
    created_at: datetime
    sent_at: datetime | None
    error_code: int | None


class Carrier(Protocol):
    """Somebody who carries texts. Safe to call from several threads at once."""

    def send(self, text: OutgoingText) -> Outcome:
        """Hand `text` over, once: never repeats the request by itself. Raises nothing a network can cause."""
        ...

    def find(self, to: str, since: datetime) -> tuple[Found, ...] | Unknown:
        """Every text to `to` created at or after `since` (aware), to settle a doubt; () means proven absent.

        `since` should lie a margin before the hand-over, since two clocks are compared.
        """
        ...


class Carriers(Protocol):
    """All carriers there are, as one. Safe to call from several threads at once."""

    def send(self, text: OutgoingText) -> Outcome:
        """As the text's own carrier does."""
        ...

    def find(self, carrier: str, to: str, since: datetime) -> tuple[Found, ...] | Unknown:
        """As the carrier of that name does: only the one that a text was handed to can say that it has it."""
        ...

    def failing(self) -> frozenset[str]:
        """Those that do not answer just now, and are better left alone by whoever has a choice."""
        ...
