"""The spool: signed calls of the carrier that could not be taken in at once, on the disk until they are.

One SQLite file. A call is sealed (AES-256-GCM, under a key derived from the master key), since it holds what
a person wrote; beside it stands in the clear only when it came. What is dropped is overwritten.

Processes of one machine may share a folder: each writes, and whoever holds the folder's lock replays for all
of them. The operating system lets go of the lock whatever becomes of its holder, so a dead process's calls
are replayed by another, or by the next that starts. Not for network file systems, whose locks say nothing.
"""

import fcntl
import secrets
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from hmac import digest
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any, NamedTuple
from uuid import UUID, uuid4

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.keystore import WrongMasterKey

log = structlog.get_logger("sayso.spool")

FILE, LOCK = "spool.db", "spool.lock"
NONCE_BYTES = 12  # NIST SP 800-38D: 96 bits
CALLS_PER_COMMIT_MAX = 500
BUSY_S_MAX = 0.3
"""How long another process may keep us from writing: the carrier is waiting."""
_PURPOSE = b"sayso spool v1"  # the master key wraps keys and seals letters, too; no key serves two purposes

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",  # synced at every commit: what was answered survives a power cut
    "secure_delete = ON",
    "journal_size_limit = 16777216",  # bytes that the log keeps once it is moved
)
_TABLE = """
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_us INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    told INTEGER NOT NULL
)
"""
_UNTOLD = "CREATE INDEX IF NOT EXISTS calls_untold ON calls (id) WHERE NOT told"
_NAME = "CREATE TABLE IF NOT EXISTS name (only INTEGER PRIMARY KEY CHECK (only = 1), id TEXT NOT NULL)"
_INDEX = "CREATE INDEX IF NOT EXISTS calls_at ON calls (at_us)"


class SpoolFull(Exception):
    """There is no more room, in the spool or on its disk; nothing was kept."""


class SpoolBroken(Exception):
    """The call could not be written for another reason; nothing was kept."""


class Spooled(NamedTuple):
    """A call that waits. `id` grows in the order in which they came."""

    id: int
    at: datetime
    call: bytes


class Standing(NamedTuple):
    """What waits: how many calls, and when the oldest came."""

    waiting: int
    oldest: datetime | None


class Spool:
    """The store. `keep` is for any thread; `oldest` and `drop` are for whoever replays.

    Args:
        folder: made if it is not there; may be shared by processes of one machine.
        key: the master key.
        bytes_max: how large the file may grow.

    Raises:
        WrongMasterKey: what waits was sealed with another.
        OSError, sqlite3.Error: the folder or file cannot be used.
    """

    def __init__(self, folder: Path, key: bytes, bytes_max: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._box = AESGCM(digest(key, _PURPOSE, sha256))
        self._using, self._counting = threading.Lock(), threading.Lock()
        self._under_way = 0
        self._lock_file: IO[str] = (folder / LOCK).open("w")
        self._database = _opened(folder / FILE, bytes_max)
        self._arriving: SimpleQueue[_Arrival | None] = SimpleQueue()
        self._waits = _any_in(self._database)
        ((name,),) = self._database.execute("SELECT id FROM name").fetchall()
        self.id = UUID(name)
        """Of the folder: the same for every process that shares it, and after every start."""
        try:
            self.oldest(1)
        except InvalidTag as error:
            self._close_files()
            raise WrongMasterKey(str(folder)) from error
        self._writer = threading.Thread(target=self._write, name="spool", daemon=True)
        self._writer.start()

    @property
    def waiting(self) -> bool:
        """Whether something waits, as far as this process knows: what comes now has to go behind it."""
        return self._waits

    def keep(self, call: bytes, at: datetime, *, told: bool = True) -> "Future[None]":
        """Write `call` down; the future is done once it is on the disk.

        `told`: whether whoever has to know that it waits knows.

        It fails with `SpoolFull` or `SpoolBroken`: then nothing was kept.
        """
        with self._counting:
            self._under_way += 1
            self._waits = True  # from now on: nothing may overtake it
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._box.encrypt(nonce, call, None)
        kept: Future[None] = Future()
        self._arriving.put(_Arrival(int(at.timestamp() * 1_000_000), sealed, told, kept))
        return kept

    def oldest(self, limit: int) -> Sequence[Spooled]:
        """At most `limit` calls, in the order in which they came."""
        return self._read("SELECT id, at_us, sealed FROM calls ORDER BY id LIMIT ?", limit)

    def untold(self, limit: int) -> Sequence[Spooled]:
        """As `oldest`, but of calls that were kept without anybody's knowing."""
        return self._read("SELECT id, at_us, sealed FROM calls WHERE NOT told ORDER BY id LIMIT ?", limit)

    def tell(self, ids: Sequence[int]) -> None:
        """Whoever has to know of these knows."""
        self._change("UPDATE calls SET told = 1 WHERE id = ?", ids)

    def drop(self, ids: Sequence[int]) -> None:
        """These were taken in: forget them."""
        self._change("DELETE FROM calls WHERE id = ?", ids)
        self.look()

    def look(self) -> bool:
        """Whether something waits, other processes' calls included."""
        with self._using:
            waits = _any_in(self._database)
            with self._counting:
                self._waits = waits or self._under_way > 0
        return self._waits

    def standing(self) -> Standing:
        """What waits now."""
        row = self._ask(
            lambda database: database.execute("SELECT count(*), min(at_us) FROM calls").fetchone()
        )
        waiting, at_us = row
        return Standing(waiting, None if at_us is None else _moment(at_us))

    def mine(self) -> bool:
        """Whether it is this process that replays; true from the first time on, until `close`."""
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Write what has come, and let go."""
        self._arriving.put(None)
        self._writer.join()
        self._close_files()

    def _close_files(self) -> None:
        self._database.close()
        self._lock_file.close()

    def _read(self, query: str, limit: int) -> list[Spooled]:
        rows = self._ask(lambda database: database.execute(query, (limit,)).fetchall())
        return [self._open(*row) for row in rows]

    def _change(self, statement: str, ids: Sequence[int]) -> None:
        def change(database: sqlite3.Connection) -> None:
            with database:
                database.executemany(statement, [(one,) for one in ids])

        self._ask(change)

    def _ask(self, query: "Callable[[sqlite3.Connection], Any]") -> Any:
        with self._using:
            return query(self._database)

    def _open(self, number: int, at_us: int, sealed: bytes) -> Spooled:
        call = self._box.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
        return Spooled(number, _moment(at_us), call)

    # --- writing: whatever has come meanwhile goes to the disk in one commit ------------------------

    def _write(self) -> None:
        going = True
        while going:
            arrivals = [self._arriving.get()]
            while len(arrivals) < CALLS_PER_COMMIT_MAX:
                try:
                    arrivals.append(self._arriving.get_nowait())
                except Empty:
                    break
            going = None not in arrivals
            self._store([arrival for arrival in arrivals if arrival is not None])

    def _store(self, arrivals: "Sequence[_Arrival]") -> None:
        rows = [(arrival.at_us, arrival.sealed, arrival.told) for arrival in arrivals]
        wrong: Exception | None = None
        try:
            with self._using, self._database as database:
                database.executemany("INSERT INTO calls (at_us, sealed, told) VALUES (?, ?, ?)", rows)
        except sqlite3.Error as error:
            full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
            wrong = SpoolFull() if full else SpoolBroken(error.sqlite_errorname)
        except Exception as error:
            log.exception("spool_failed")
            wrong = SpoolBroken(type(error).__name__)
        with self._counting:
            self._under_way -= len(arrivals)
        for arrival in arrivals:
            if arrival.kept.set_running_or_notify_cancel():
                if wrong is None:
                    arrival.kept.set_result(None)
                else:
                    arrival.kept.set_exception(wrong)


class _Arrival(NamedTuple):
    at_us: int
    sealed: bytes
    told: bool
    kept: "Future[None]"


def _opened(path: Path, bytes_max: int) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=BUSY_S_MAX, check_same_thread=False)
    try:
        path.chmod(0o600)
        for pragma in _PRAGMAS:
            database.execute(f"PRAGMA {pragma}")
        with closing(database.execute("PRAGMA page_size")) as cursor:
            (page_bytes,) = cursor.fetchone()
        database.execute(f"PRAGMA max_page_count = {max(1, bytes_max // page_bytes)}")
        with database:
            database.execute(_TABLE)
            database.execute(_INDEX)
            database.execute(_UNTOLD)
            database.execute(_NAME)
            database.execute("INSERT OR IGNORE INTO name VALUES (1, ?)", (str(uuid4()),))
    except BaseException:
        database.close()
        raise
    return database


def _any_in(database: sqlite3.Connection) -> bool:
    return database.execute("SELECT 1 FROM calls LIMIT 1").fetchone() is not None


def _moment(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC)
