"""The keys of people's streams, in a SQLite file of their own, apart from the ledger.

Each key is wrapped with a master key that is not in the file, so the file alone opens nothing. Erasing a key
is what erases a person: the row stays as a tombstone, so that the stream's next key is of a new generation.
"""

import os
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, RLock
from time import monotonic

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.sealing import KEY_BYTES, NONCE_BYTES, SealingKey

CACHED_KEYS_MAX = 20_000
LOCK_TIMEOUT_S = 5.0
ERASURE_SEEN_WITHIN_S = 1.0
"""How long another process may still open what was erased here."""

_TABLE = """
CREATE TABLE IF NOT EXISTS keys (
    stream TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    key BLOB,
    created TEXT NOT NULL,
    erased TEXT
) WITHOUT ROWID
"""


class KeyStoreError(Exception):
    """The keystore cannot do what it must."""


class WrongMasterKey(KeyStoreError):
    """The file's keys were wrapped with another master key."""


class KeyConflict(KeyStoreError):
    """Somebody else made one of the new keys first; ours are dropped. Encode again, with theirs."""


class ErasureIncomplete(KeyStoreError):
    """The key is gone from the table but may linger in the write-ahead log. Erase again."""


class KeyStore:
    """Keys by stream. Any thread may look keys up, and other processes may use the same file."""

    def __init__(self, path: Path | str, master_key: bytes) -> None:
        """Open the file at `path`, or create it. `master_key`: 32 bytes.

        Raises:
            WrongMasterKey: the file belongs to another master key.
        """
        self._master = AESGCM(master_key)
        self._lock = RLock()  # the fields and the reading connection; never held while the disk syncs
        self._cache: OrderedDict[str, SealingKey] = OrderedDict()
        self._pending: dict[str, tuple[SealingKey, bytes]] = {}
        self._write_lock = Lock()  # taken before the other one
        self._writer = _connect(path)
        self._reader = _connect(path)
        self._erasures_seen = _erasures(self._reader)
        self._look_again_at_s = monotonic() + ERASURE_SEEN_WITHIN_S
        self._try_master_key()

    def cipher(self, stream: str) -> SealingKey | None:
        """The key of `stream`; None if there is none, or none any more."""
        with self._lock:
            if monotonic() >= self._look_again_at_s:
                self._forget_erased()
            key = self._cache.get(stream)
            if key is not None:
                self._cache.move_to_end(stream)
                return key
            if stream in self._pending:
                return self._pending[stream][0]
            return self._load(stream)

    def prepare(self, stream: str) -> SealingKey:
        """The key of `stream`, made now if there is none. It is not durable before `flush`.

        For one thread at a time, until it has flushed: the one that writes the ledger.
        """
        return self.cipher(stream) or self._make(stream)

    def flush(self) -> None:
        """Make all prepared keys durable, in one transaction.

        Raises:
            KeyConflict: another process was faster with one of them.
            sqlite3.Error: the disk refuses; the keys stay prepared.
        """
        if not self._pending:
            return  # as mostly; no lock for that
        with self._write_lock:
            with self._lock:
                made = dict(self._pending)
            stored = self._store(made)
            with self._lock:
                for stream, (key, _) in made.items():
                    self._pending.pop(stream, None)
                    if stored:
                        self._remember(stream, key)
        if not stored:
            raise KeyConflict(f"of {len(made)} new keys, some were made elsewhere")

    def ensure(self, streams: Iterable[str]) -> None:
        """Give each of `streams` a durable key, in one transaction. Raises as `flush` does."""
        for stream in streams:
            self.prepare(stream)
        self.flush()

    def erase(self, stream: str) -> None:
        """Destroy the key of `stream`, for good. Erasing twice, or what has no key, is harmless.

        Raises:
            ErasureIncomplete: a reader held on to the log; call again.
        """
        with self._write_lock:
            with _transaction(self._writer):
                self._writer.execute(_ERASE, (datetime.now(UTC).isoformat(), stream))
                self._writer.execute(f"PRAGMA user_version = {_erasures(self._writer) + 1}")
            with self._lock:
                self._pending.pop(stream, None)
                self._cache.pop(stream, None)
            # The log still holds pages with the key until they are written back and it is cut.
            busy, *_ = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise ErasureIncomplete(stream)

    def close(self) -> None:
        """Let the file go."""
        with self._write_lock, self._lock:
            self._reader.close()
            self._writer.close()

    def _store(self, made: dict[str, tuple[SealingKey, bytes]]) -> bool:
        """Write all of `made`, or, if one is no longer the next of its stream, none."""
        now = datetime.now(UTC).isoformat()
        rows = [(stream, key.generation, wrapped, now) for stream, (key, wrapped) in made.items()]
        try:
            with _transaction(self._writer):
                if self._writer.executemany(_INSERT, rows).rowcount < len(rows):
                    raise KeyConflict
        except KeyConflict:
            return False
        return True

    def _make(self, stream: str) -> SealingKey:
        with self._lock:
            row = self._reader.execute(_GENERATION, (stream,)).fetchone()
            generation = row[0] + 1 if row else 1
            raw = os.urandom(KEY_BYTES)
            key = SealingKey(raw, generation)
            self._pending[stream] = (key, self._wrap(raw, stream, generation))
            return key

    def _load(self, stream: str) -> SealingKey | None:
        row = self._reader.execute(_SELECT, (stream,)).fetchone()
        if row is None:
            return None
        generation, wrapped = row
        key = SealingKey(self._unwrap(wrapped, stream, generation), generation)
        self._remember(stream, key)
        return key

    def _remember(self, stream: str, key: SealingKey) -> None:
        self._cache[stream] = key
        if len(self._cache) > CACHED_KEYS_MAX:
            self._cache.popitem(last=False)

    def _forget_erased(self) -> None:
        """Empty the cache if a key was erased: another process cannot reach into ours."""
        self._look_again_at_s = monotonic() + ERASURE_SEEN_WITHIN_S
        erasures = _erasures(self._reader)
        if erasures != self._erasures_seen:
            self._cache.clear()
            self._erasures_seen = erasures

    def _try_master_key(self) -> None:
        row = self._reader.execute("SELECT * FROM keys WHERE key IS NOT NULL LIMIT 1").fetchone()
        if row is not None:
            stream, generation, wrapped, *_ = row
            self._unwrap(wrapped, stream, generation)

    def _wrap(self, raw: bytes, stream: str, generation: int) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, raw, f"{stream}.{generation}".encode())

    def _unwrap(self, wrapped: bytes, stream: str, generation: int) -> bytes:
        nonce, box = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return self._master.decrypt(nonce, box, f"{stream}.{generation}".encode())
        except InvalidTag:
            raise WrongMasterKey("the keystore was made with another master key") from None


_SELECT = "SELECT generation, key FROM keys WHERE stream = ? AND key IS NOT NULL"
_GENERATION = "SELECT generation FROM keys WHERE stream = ?"
_INSERT = """
INSERT INTO keys VALUES (?, ?, ?, ?, NULL)
ON CONFLICT (stream) DO UPDATE
SET generation = excluded.generation, key = excluded.key, created = excluded.created, erased = NULL
WHERE key IS NULL AND generation = excluded.generation - 1
"""
_ERASE = "UPDATE keys SET key = NULL, erased = ? WHERE stream = ? AND key IS NOT NULL"


def _connect(path: Path | str) -> sqlite3.Connection:
    Path(path).touch(mode=0o600)  # SQLite gives the log that goes with it the same mode
    database = sqlite3.connect(path, timeout=LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        database.execute(f"PRAGMA {pragma}")
    database.execute(_TABLE)
    return database


def _erasures(database: sqlite3.Connection) -> int:
    """How many erasures the file has seen."""
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
