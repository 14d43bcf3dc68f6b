"""What can go wrong with the keystore.

KeyStoreError
├── WrongMasterKey       the keys were wrapped with another master key
├── KeyConflict          somebody else made one of the new keys first
├── ErasureIncomplete    traces of an erased key may be left
└── KeyStoreUnavailable  it cannot be read or written just now
"""

from schemas.stores import StoreUnavailable


class KeyStoreError(Exception):
    """The keystore cannot do what it must."""


class WrongMasterKey(KeyStoreError):
    """The keys were wrapped with another master key."""


class KeyConflict(KeyStoreError):
    """Somebody else made one of the new keys first; ours are dropped. Encode again, with theirs."""


class ErasureIncomplete(KeyStoreError):
    """The key is gone from the table, but traces of it may linger. Erase again."""


class KeyStoreUnavailable(KeyStoreError, StoreUnavailable):
    """It cannot be read or written now: a disk is full or broken, a lock is held, a server is away."""
