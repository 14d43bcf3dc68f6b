"""What can go wrong with a ledger.

    LedgerError
    ├── PositionConflict    another owner wrote here: this one must stop
    ├── VersionConflict     a stream already has an event of that version
    └── LedgerUnavailable   the file cannot be read or written just now

Whichever is raised, nothing of the batch was stored.
"""


class LedgerError(Exception):
    """The ledger did not do what it was asked."""


class PositionConflict(LedgerError):
    """The position is not where this owner left it: another owner wrote, and this one must stop."""


class VersionConflict(LedgerError):
    """A stream already has an event of that version."""


class LedgerUnavailable(LedgerError):
    """The file cannot be read or written: the disk is full or broken, or another process holds the lock."""
