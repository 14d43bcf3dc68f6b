"""What the view of bulks answers with; the others' shapes are in `projections.shapes`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal
from uuid import UUID

from projections.shapes import MessageStatus, Who
from schemas.events import BulkPauseCause, Delay

BulkState = Literal["running", "paused", "cancelled", "finished"]
BulkCount = Literal["waiting", "sending", "sent", "delivered", "failed", "cancelled", "unknown"]

STATUSES: Mapping[BulkCount, tuple[MessageStatus, ...]] = MappingProxyType(
    {
        "waiting": ("queued", "scheduled"),
        "sending": ("sending", "in_doubt"),
        "sent": ("sent",),
        "delivered": ("delivered",),
        "failed": ("undelivered", "failed"),
        "cancelled": ("cancelled",),
        "unknown": ("unknown",),
    }
)
"""Which texts each of a bulk's figures counts, by their status."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """One text for many, and how far it has come. Who was refused, and why, stands in its receipt.

    waiting + sending + sent + delivered + failed + cancelled + unknown + refused = total.
    """

    bulk: UUID
    """The id of the command that asked for it."""
    body: str
    """As it was written; a first text may say more."""
    send_at: datetime | None
    state: BulkState
    """`finished`: no text waits any more."""
    cause: BulkPauseCause | None
    """Why it is paused; `failures` and `opt_outs`: it paused itself."""
    started_at: datetime
    by: Who
    state_at: datetime
    """Since when it is running, paused or cancelled."""
    state_by: Who
    total: int
    """Recipients."""
    refused: int
    waiting: int
    """`queued` or `scheduled`."""
    sending: int
    """Being handed over, or in doubt: `sending` or `in_doubt`."""
    sent: int
    """The carrier has them, and told no more."""
    delivered: int
    failed: int
    """`undelivered` or `failed`."""
    cancelled: int
    unknown: int
    opted_out: int
    """Those who texted a stop keyword within a day of it."""


@dataclass(frozen=True, slots=True)
class BulkText:
    """What became of a bulk's text to one of its recipients. What it says stands in their thread."""

    text_id: UUID
    candidate: str
    name: str | None
    number: str
    status: MessageStatus
    at: datetime
    """When it was accepted."""
    segments: int
    """As debited; the carrier's count once it says so."""
    send_at: datetime | None
    delay: Delay | Literal["carrier"] | None
    """Why it leaves at `send_at` and not at once."""
    bulk_paused: BulkPauseCause | None
    """Why it waits, if its bulk is paused."""
    status_at: datetime
    status_by: Who
    """Who brought the status about: for `cancelled`, whoever called it back."""
    code: int | None
    """The carrier's error."""
    reason: str | None
    """Why it was cancelled (a refusal's code or `cancelled_by_member`), failed or is in doubt."""
