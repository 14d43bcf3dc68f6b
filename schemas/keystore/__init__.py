"""The keys of people's streams, apart from the ledger, in a SQLite file or a PostgreSQL database.

Each key is wrapped with a master key that is kept elsewhere, so what is stored opens nothing by itself.
Erasing a key is what erases a person: its row stays as a tombstone, so that the stream's next key is of a new
generation.
"""

from schemas.keystore.errors import (
    ErasureIncomplete,
    KeyConflict,
    KeyStoreError,
    KeyStoreUnavailable,
    WrongMasterKey,
)
from schemas.keystore.store import KeyStore

__all__ = [
    "ErasureIncomplete",
    "KeyConflict",
    "KeyStore",
    "KeyStoreError",
    "KeyStoreUnavailable",
    "WrongMasterKey",
]
