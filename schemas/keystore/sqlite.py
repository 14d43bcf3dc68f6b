"""Wrapped keys in a SQLite file of their own, for its owner's eyes only."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from schemas.keystore.errors import ErasureIncomplete, KeyConflict, KeyStoreUnavailable
from schemas.keystore.table import StoredKey

LOCK_TIMEOUT_S = 5.0

_TABLE = """
CREATE TABLE IF NOT EXISTS keys (
    stream TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    key BLOB,
    created TEXT NOT NULL,
    erased TEXT
) WITHOUT ROWID
"""
_FIND = "SELECT stream, generation, keys.key FROM json_each(?) JOIN keys ON stream = value"
_ANY = "SELECT stream, generation, key FROM keys WHERE key IS NOT NULL LIMIT 1"
_INSERT = """
INSERT INTO keys VALUES (?, ?, ?, ?, NULL)
ON CONFLICT (stream) DO UPDATE
SET generation = excluded.generation, key = excluded.key, created = excluded.created, erased = NULL
WHERE key IS NULL AND generation = excluded.generation - 1
"""
_ERASE = "UPDATE keys SET key = NULL, erased = ? WHERE stream = ? AND key IS NOT NULL"


class SqliteKeyTable:
    """The file, created if need be."""

    def __init__(self, path: Path | str) -> None:
        with _own_errors():
            self._writer = _connect(path)
            self._reader = _connect(path)

    def find(self, streams: Sequence[str]) -> list[StoredKey]:
        """The rows of those of `streams` that have one."""
        with _own_errors():
            return [StoredKey(*row) for row in self._reader.execute(_FIND, (json.dumps(streams),))]

    def any(self) -> StoredKey | None:
        """Some key that is there."""
        with _own_errors():
            row = self._reader.execute(_ANY).fetchone()
        return None if row is None else StoredKey(*row)

    def insert(self, keys: Sequence[StoredKey], now: datetime) -> bool:
        """Store all of `keys`, or none if one is no longer the next of its stream."""
        rows = [(*key, now.isoformat()) for key in keys]
        try:
            with _own_errors(), _transaction(self._writer):
                if self._writer.executemany(_INSERT, rows).rowcount < len(rows):
                    raise KeyConflict
        except KeyConflict:
            return False
        return True

    def erase(self, stream: str, now: datetime) -> None:
        """Destroy the key of `stream`. Raises ErasureIncomplete where a reader held on to the log."""
        with _own_errors():
            with _transaction(self._writer):
                self._writer.execute(_ERASE, (now.isoformat(), stream))
                self._writer.execute(f"PRAGMA user_version = {_erasures(self._writer) + 1}")
            # The log still holds pages with the key until they are written back and it is cut.
            busy, *_ = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise ErasureIncomplete(stream)

    def erasures(self) -> int:
        """How many the file has seen."""
        with _own_errors():
            return _erasures(self._reader)

    def close(self) -> None:
        """Let the file go."""
        self._reader.close()
        self._writer.close()


def _connect(path: Path | str) -> sqlite3.Connection:
    Path(path).touch(mode=0o600)  # SQLite gives the log that goes with it the same mode
    database = sqlite3.connect(path, timeout=LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        database.execute(f"PRAGMA {pragma}")
    database.execute(_TABLE)
    return database


def _erasures(database: sqlite3.Connection) -> int:
    count: int = database.execute("PRAGMA user_version").fetchone()[0]
    return count


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.commit()
    except BaseException:
        database.rollback()
        raise


@contextmanager
def _own_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise KeyStoreUnavailable(str(error)) from error
