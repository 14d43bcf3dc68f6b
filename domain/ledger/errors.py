"""What can go wrong with a ledger.

    LedgerError
    ├── PositionConflict    another owner took the ledger: this one must stop
    ├── VersionConflict     a stream already has an event of that version
    └── LedgerUnavailable   the store cannot be read or written just now
        └── OutcomeUnknown  nobody can say just now whether the batch was stored

Whichever is raised, nothing of the batch was stored; only with `OutcomeUnknown` it may have been.
"""


class LedgerError(Exception):
    """The ledger did not do what it was asked."""


class PositionConflict(LedgerError):
    """The ledger is not as this owner left it: another one took it, and this one must stop."""


class VersionConflict(LedgerError):
    """A stream already has an event of that version."""


class LedgerUnavailable(LedgerError):
    """The store cannot be read or written: a disk is full or broken, a lock is held, a server is away."""


class OutcomeUnknown(LedgerUnavailable):
    """The connection was lost while the batch was being stored, and there is no other to look with.

    `Ledger.resume` finds out, as soon as it can.
    """
