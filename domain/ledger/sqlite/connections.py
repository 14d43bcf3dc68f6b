"""Connections to one shard's SQLite file: one that writes, several that read."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Lock
from typing import Self

from eventsourcing.persistence import InterfaceError, OperationalError
from eventsourcing.sqlite import (
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteTransaction,
)

READERS_KEPT = 16
READERS_MAX = 64
STATEMENTS_CACHED = 64
WRITER_CACHE_KIB = 32 * 1024  # the ends of half a million conversations, and the file's tail
READER_CACHE_KIB = 2 * 1024
LOCK_TIMEOUT_S = 5

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",  # the log is synced at every commit: what was answered survives a power cut
    "wal_autocheckpoint = 16384",  # pages, 64 MiB: only if the checkpointer does not keep up
    "temp_store = MEMORY",
)


class LedgerTransaction(SQLiteTransaction):
    """Takes the write lock at the start, so that what is read in the transaction still holds at its end."""

    def __enter__(self) -> SQLiteCursor:
        cursor = self.connection.cursor()
        try:
            cursor.execute("BEGIN IMMEDIATE" if self.commit else "BEGIN")
        except sqlite3.OperationalError as error:
            raise OperationalError(error) from error
        return cursor


class LedgerConnection(SQLiteConnection):
    """A connection that leaves no transaction open behind a failed commit."""

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        with LedgerTransaction(self, commit=commit) as cursor, cursor:
            yield cursor

    def commit(self) -> None:
        try:
            super().commit()
        except sqlite3.Error:
            self.rollback()
            raise


class LedgerPool(SQLiteConnectionPool):
    """Connections set up as a ledger needs them."""

    def create(self, cache_kib: int = READER_CACHE_KIB) -> LedgerConnection:
        """A new connection.

        Raises:
            eventsourcing.persistence.InterfaceError: the file cannot be opened.
        """
        try:
            database = sqlite3.connect(
                self.db_name,
                check_same_thread=False,
                isolation_level=None,
                cached_statements=STATEMENTS_CACHED,  # the library passes True, which means one
                timeout=LOCK_TIMEOUT_S,
            )
        except sqlite3.Error as error:
            raise InterfaceError(error) from error
        try:
            for pragma in (*_PRAGMAS, f"cache_size = -{cache_kib}"):
                database.execute(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            database.close()
            raise InterfaceError(error) from error
        database.row_factory = sqlite3.Row
        return LedgerConnection(database, max_age=None)

    def _create_connection(self) -> SQLiteConnection:
        return self.create()


class LedgerDatastore(SQLiteDatastore):
    """One connection that writes, never anybody else's, and a pool of those that read.

    It closes once nobody uses it: SQLite's library corrupts memory where a connection is closed under a
    thread that still reads through it.
    """

    def __init__(self, readers: LedgerPool, writer: LedgerConnection) -> None:
        super().__init__(readers.db_name, originator_id_type="text")
        self.pool: LedgerPool = readers
        self._writer = writer
        self._writing = Lock()
        self._idle = Condition()
        self._users = 0
        self._closed = False

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """The file at `path`, created if need be.

        Raises:
            eventsourcing.persistence.InterfaceError: the file cannot be opened, or is no database.
        """
        readers = LedgerPool(
            db_name=str(path), pool_size=READERS_KEPT, max_overflow=READERS_MAX - READERS_KEPT
        )
        return cls(readers, readers.create(WRITER_CACHE_KIB))

    @contextmanager
    def get_connection(self, *, commit: bool) -> Iterator[SQLiteConnection]:
        with self._in_use():
            if commit:
                with self._writing:
                    yield self._writer
            else:
                with super().get_connection(commit=False) as connection:
                    yield connection

    def close(self) -> None:
        with self._idle:
            self._closed = True
            self._idle.wait_for(lambda: self._users == 0)
        super().close()
        self._writer.close()

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        with self._idle:
            if self._closed:
                raise OperationalError("The ledger is closed.")
            self._users += 1
        try:
            yield
        finally:
            with self._idle:
                self._users -= 1
                self._idle.notify_all()
