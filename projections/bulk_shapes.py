"""What the view of bulks answers with; the others' shapes are in `projections.shapes`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from projections.shapes import Who
from schemas.events import BulkPauseCause

BulkState = Literal["running", "paused", "cancelled", "finished"]


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
    sending: int
    """Being handed over, or in doubt."""
    sent: int
    """The carrier has them, and told no more."""
    delivered: int
    failed: int
    cancelled: int
    unknown: int
    opted_out: int
    """Those who texted a stop keyword within a day of it."""
