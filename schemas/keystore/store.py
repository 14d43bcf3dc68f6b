"""The keystore itself: keys made, wrapped, remembered and forgotten, wherever they are kept."""

import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, RLock
from time import monotonic
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.keystore.errors import KeyConflict, WrongMasterKey
from schemas.keystore.postgres import PostgresKeyTable
from schemas.keystore.sqlite import SqliteKeyTable
from schemas.keystore.table import KeyTable, StoredKey
from schemas.sealing import KEY_BYTES, NONCE_BYTES, SealingKey

CACHED_KEYS_MAX = 20_000
ERASURE_SEEN_WITHIN_S = 1.0
"""How long another process may still open what was erased here."""


class KeyStore:
    """Keys by stream. Any thread may look keys up, and other processes may use the same keys.

    New keys are for one thread to make: each ledger that is written has a keystore object of its own.
    """

    def __init__(self, table: KeyTable, master_key: bytes) -> None:
        self._table = table
        self._master = AESGCM(master_key)
        self._lock = RLock()  # the fields and what is read; never held while keys are being stored
        self._write_lock = Lock()  # taken before the other one
        self._cache: OrderedDict[str, SealingKey] = OrderedDict()
        self._pending: dict[str, tuple[SealingKey, bytes]] = {}
        self._generations: dict[str, int] = {}
        """Of the streams that were just loaded and have no key."""
        self._erasures_seen = table.erasures()
        self._look_again_at_s = monotonic() + ERASURE_SEEN_WITHIN_S
        self._try_master_key()

    @classmethod
    def open(cls, path: Path | str, master_key: bytes) -> Self:
        """The keys in the SQLite file at `path`, created if need be. `master_key`: 32 bytes.

        Raises:
            WrongMasterKey: the file belongs to another master key.
            KeyStoreUnavailable: it cannot be opened.
        """
        return cls._on(SqliteKeyTable(path), master_key)

    @classmethod
    def open_postgres(cls, dsn: str, master_key: bytes) -> Self:
        """The keys in the database at `dsn`. Otherwise as `open`."""
        return cls._on(PostgresKeyTable(dsn), master_key)

    @classmethod
    def _on(cls, table: KeyTable, master_key: bytes) -> Self:
        try:
            return cls(table, master_key)
        except BaseException:
            table.close()
            raise

    def cipher(self, stream: str) -> SealingKey | None:
        """The key of `stream`; None if there is none, or none any more. Raises KeyStoreUnavailable."""
        with self._lock:
            key = self._at_hand(stream)
            if key is None:
                self._fetch([stream])
                key = self._cache.get(stream)
            return key

    def load(self, streams: Iterable[str]) -> dict[str, SealingKey]:
        """The keys of those of `streams` that have one: one question to the store instead of one each."""
        found, missing = dict[str, SealingKey](), list[str]()
        with self._lock:
            self._notice_erasures()
            for stream in dict.fromkeys(streams):
                key = self._remembered(stream)
                if key is None:
                    missing.append(stream)
                else:
                    found[stream] = key
            self._generations = self._fetch(missing) if missing else {}
            for stream in missing:
                key = self._remembered(stream)
                if key is not None:
                    found[stream] = key
        return found

    def prepare(self, stream: str) -> SealingKey:
        """The key of `stream`, made now if there is none. It is not durable before `flush`.

        For one thread at a time, until it has flushed: the one that writes the ledger.
        """
        with self._lock:
            key = self._at_hand(stream)
            if key is not None:
                return key
            if stream not in self._generations:
                self._generations |= self._fetch([stream])
            generation = self._generations.pop(stream, None)
            return self._cache[stream] if generation is None else self._make(stream, generation + 1)

    def flush(self) -> None:
        """Make all prepared keys durable, in one transaction.

        Raises:
            KeyConflict: another process was faster with one of them.
            KeyStoreUnavailable: it cannot be written; the keys stay prepared.
        """
        if not self._pending:
            return  # as mostly; no lock for that
        with self._write_lock:
            with self._lock:
                made = dict(self._pending)
            rows = [StoredKey(stream, key.generation, wrapped) for stream, (key, wrapped) in made.items()]
            stored = self._table.insert(rows, datetime.now(UTC))
            with self._lock:
                for stream, (key, _) in made.items():
                    self._pending.pop(stream, None)
                    if stored:
                        self._remember(stream, key)
        if not stored:
            raise KeyConflict(f"of {len(made)} new keys, some were made elsewhere")

    def ensure(self, streams: Iterable[str]) -> None:
        """Give each of `streams` a durable key, in one transaction. Raises as `flush` does."""
        wanted = list(streams)
        self.load(wanted)
        for stream in wanted:
            self.prepare(stream)
        self.flush()

    def erase(self, stream: str) -> None:
        """Destroy the key of `stream`, for good. Erasing twice, or what has no key, is harmless.

        Raises:
            ErasureIncomplete: traces of it may be left; call again.
            KeyStoreUnavailable: it cannot be written.
        """
        with self._write_lock:
            try:
                self._table.erase(stream, datetime.now(UTC))
            finally:
                with self._lock:
                    self._pending.pop(stream, None)
                    self._cache.pop(stream, None)
                    self._generations.pop(stream, None)

    def close(self) -> None:
        """Let the store go."""
        with self._write_lock, self._lock:
            self._table.close()

    def _at_hand(self, stream: str) -> SealingKey | None:
        self._notice_erasures()
        return self._remembered(stream)

    def _remembered(self, stream: str) -> SealingKey | None:
        key = self._cache.get(stream)
        if key is not None:
            self._cache.move_to_end(stream)
            return key
        return self._pending[stream][0] if stream in self._pending else None

    def _fetch(self, streams: Sequence[str]) -> dict[str, int]:
        """Load the keys of `streams`. Of those that have none: the generation of the last one, or 0."""
        without = dict.fromkeys(streams, 0)
        for stream, generation, wrapped in self._table.find(streams):
            if wrapped is None:
                without[stream] = generation
            else:
                del without[stream]
                key = SealingKey(self._unwrap(wrapped, stream, generation), generation)
                self._remember(stream, key)
        return without

    def _make(self, stream: str, generation: int) -> SealingKey:
        raw = os.urandom(KEY_BYTES)
        key = SealingKey(raw, generation)
        self._pending[stream] = (key, self._wrap(raw, stream, generation))
        return key

    def _remember(self, stream: str, key: SealingKey) -> None:
        self._cache[stream] = key
        if len(self._cache) > CACHED_KEYS_MAX:
            self._cache.popitem(last=False)

    def _notice_erasures(self) -> None:
        """Empty the cache if a key was erased: another process cannot reach into ours."""
        if monotonic() < self._look_again_at_s:
            return
        erasures = self._table.erasures()
        self._look_again_at_s = monotonic() + ERASURE_SEEN_WITHIN_S
        if erasures != self._erasures_seen:
            self._cache.clear()
            self._generations.clear()
            self._erasures_seen = erasures

    def _try_master_key(self) -> None:
        found = self._table.any()
        if found is not None and found.wrapped is not None:
            self._unwrap(found.wrapped, found.stream, found.generation)

    def _wrap(self, raw: bytes, stream: str, generation: int) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, raw, f"{stream}.{generation}".encode())

    def _unwrap(self, wrapped: bytes, stream: str, generation: int) -> bytes:
        nonce, box = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return self._master.decrypt(nonce, box, f"{stream}.{generation}".encode())
        except InvalidTag:
            raise WrongMasterKey("the keystore was made with another master key") from None
