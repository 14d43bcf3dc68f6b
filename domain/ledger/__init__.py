"""The ledger: the only room here that knows the `eventsourcing` library."""

from domain.ledger.errors import (
    LedgerError,
    LedgerUnavailable,
    OutcomeUnknown,
    PositionConflict,
    VersionConflict,
)
from domain.ledger.ledger import Ledger
from domain.ledger.names import StreamNames

__all__ = [
    "Ledger",
    "LedgerError",
    "LedgerUnavailable",
    "OutcomeUnknown",
    "PositionConflict",
    "StreamNames",
    "VersionConflict",
]
