"""A ledger in a SQLite file: what only a file can meet with."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.ledger import Ledger, LedgerUnavailable
from domain.ledger.sqlite.connections import LedgerDatastore
from schemas.keystore import KeyStore
from schemas.keystore.sqlite import SqliteKeyTable
from tests.domain.ledger.given import OPENED, READ, History, debited
from tests.domain.ledger.places import OnSqlite


@pytest.fixture
def place(on_sqlite: OnSqlite) -> OnSqlite:
    return on_sqlite


@pytest.fixture
def path(place: OnSqlite) -> Path:
    return place.folder / "ledger-0.db"


def everything(ledger: Ledger) -> tuple[int, list[tuple[int, bytes]]]:
    return ledger.position(), ledger.notifications(after=0, limit=1_000)


def pragma(ledger: Ledger, words: str) -> object:
    """Of the connection that writes."""
    datastore = ledger._store.events.datastore  # type: ignore[attr-defined]  # the protocol knows no file
    assert isinstance(datastore, LedgerDatastore)
    with datastore.transaction(commit=True) as cursor:
        cursor.execute(f"PRAGMA {words}")
        return (cursor.fetchone() or [None])[0]


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another process writes and does not come to an end."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def test_a_full_disk_leaves_the_ledger_as_it_was(ledger: Ledger, history: History) -> None:
    ledger.append(history.of("a1", debited(49)), 1)
    before = everything(ledger)
    pragma(ledger, "max_page_count = 1")  # SQLite makes it as many as there are
    many = history.of("c1", *[READ] * 1_000)
    with pytest.raises(LedgerUnavailable, match="database or disk is full"):
        ledger.append(many, 2)
    assert everything(ledger) == before
    pragma(ledger, "max_page_count = 1000000")
    ledger.append(many, 2)
    assert ledger.read("c1") == many


def test_a_commit_that_the_file_system_refuses_leaves_the_ledger_as_it_was(
    path: Path, ledger: Ledger, history: History
) -> None:
    ledger.append(history.of("a1", debited(49)), 1)
    before = everything(ledger)
    many = history.of("c1", *[READ] * 1_000)
    log_bytes = path.with_name("ledger-0.db-wal").stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log_bytes + 20_000, limits[1]))
    try:
        with pytest.raises(LedgerUnavailable, match="disk"):
            ledger.append(many, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert everything(ledger) == before
    ledger.append(many, 2)
    assert ledger.read("c1") == many


def test_a_locked_file_is_told_from_a_conflict(path: Path, ledger: Ledger, history: History) -> None:
    pragma(ledger, "busy_timeout = 1")
    batch = history.of("a1", debited(49))
    with locked(path), pytest.raises(LedgerUnavailable, match="locked"):
        ledger.append(batch, 1)
    assert ledger.resume() == 0
    ledger.append(batch, 1)


def test_a_keystore_that_cannot_be_written_keeps_the_ledger_as_it_was(
    place: OnSqlite, ledger: Ledger, keys: KeyStore, history: History
) -> None:
    assert isinstance(keys._table, SqliteKeyTable)
    keys._table._writer.execute("PRAGMA busy_timeout = 1")
    batch = history.of("c1", OPENED)
    with locked(place.folder / "keys.db"), pytest.raises(LedgerUnavailable, match="locked"):
        ledger.append(batch, 1)
    assert everything(ledger) == (0, [])
    ledger.append(batch, 1)


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path, keys: KeyStore) -> None:
    (tmp_path / "notes.txt").write_text("dear diary" * 1_000)
    with pytest.raises(LedgerUnavailable, match="not a database"):
        Ledger.open(tmp_path / "notes.txt", 0, keys)
    with pytest.raises(LedgerUnavailable, match="unable to open"):
        Ledger.open(tmp_path / "no" / "folder.db", 0, keys)


def test_every_commit_is_synced(ledger: Ledger) -> None:
    assert (pragma(ledger, "synchronous"), pragma(ledger, "journal_mode")) == (2, "wal")


def test_notification_ids_survive_a_vacuum(place: OnSqlite, ledger: Ledger, history: History) -> None:
    ledger.append(history.of("a1", debited(49), debited(48)), 1)
    before = everything(ledger)
    place.execute("VACUUM")
    assert everything(ledger) == before
