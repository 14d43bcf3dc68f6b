"""What the keystore needs of the place where wrapped keys are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol


class StoredKey(NamedTuple):
    """The newest key of a stream."""

    stream: str
    generation: int
    wrapped: bytes | None
    """None once it was erased."""


class KeyTable(Protocol):
    """One row a stream. Every method may raise KeyStoreUnavailable, and then nothing was changed."""

    def find(self, streams: Sequence[str]) -> list[StoredKey]:
        """The rows of those of `streams` that have one. For one thread at a time."""
        ...

    def any(self) -> StoredKey | None:
        """Some key that is there."""
        ...

    def insert(self, keys: Sequence[StoredKey], now: datetime) -> bool:
        """Store all of `keys` durably; or none, and False, if one is not the next of its stream any more."""
        ...

    def erase(self, stream: str, now: datetime) -> None:
        """Destroy the key of `stream`, if it has one, and count that as an erasure.

        Raises:
            ErasureIncomplete: it is gone from the table, but not from all that is behind it.
        """
        ...

    def erasures(self) -> int:
        """How many there were, by whomever. For one thread at a time."""
        ...

    def close(self) -> None:
        """Let it go."""
        ...
