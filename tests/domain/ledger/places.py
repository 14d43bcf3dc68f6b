"""Where ledgers and their keys are kept: what both places do, the tests ask of both."""

import sqlite3
from abc import ABC, abstractmethod
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from domain.ledger import Ledger
from schemas.keystore import KeyStore

MASTER_KEY = b"m" * 32


class Place(ABC):
    """One place. What is opened here is closed with it; opened twice, it is as in two processes."""

    events = ""
    snapshots = ""

    def __init__(self) -> None:
        self._opened: list[Ledger | KeyStore] = []

    def ledger(self, keys: KeyStore, shard: int = 0) -> Ledger:
        self._opened.append(ledger := self.open_ledger(keys, shard))
        return ledger

    def keys(self) -> KeyStore:
        self._opened.append(keys := self.open_keys())
        return keys

    def close(self) -> None:
        for one in self._opened:
            one.close()

    @abstractmethod
    def open_ledger(self, keys: KeyStore, shard: int) -> Ledger: ...

    @abstractmethod
    def open_keys(self) -> KeyStore: ...

    def execute(self, statement: str) -> list[Any]:
        """Reach around the ledger of shard 0, to {events} and {snapshots}. Raises the driver's errors."""
        return self.execute_here(statement.format(events=self.events, snapshots=self.snapshots))

    @abstractmethod
    def execute_here(self, statement: str) -> list[Any]: ...


class OnSqlite(Place):
    events, snapshots = "stored_events", "stored_snapshots"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def open_ledger(self, keys: KeyStore, shard: int) -> Ledger:
        return Ledger.open(self.folder / f"ledger-{shard}.db", shard, keys)

    def open_keys(self) -> KeyStore:
        return KeyStore.open(self.folder / "keys.db", MASTER_KEY)

    def execute_here(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "ledger-0.db", isolation_level=None)) as database:
            return database.execute(statement).fetchall()


class OnPostgres(Place):
    events, snapshots = "ledger_0_events", "ledger_0_snapshots"

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self.dsn = dsn

    def open_ledger(self, keys: KeyStore, shard: int) -> Ledger:
        return Ledger.open_postgres(self.dsn, shard, keys)

    def open_keys(self) -> KeyStore:
        return KeyStore.open_postgres(self.dsn, MASTER_KEY)

    def execute_here(self, statement: str) -> list[Any]:
        with closing(psycopg.connect(self.dsn, autocommit=True)) as database:
            cursor = database.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []
