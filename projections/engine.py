"""The database of the views: SQLite in a file of its own, or PostgreSQL, from one source.

Views are disposable, so SQLite may lose its last transactions in a power cut (`synchronous = NORMAL`): rows
and position go together, and the log is read again from there. What is deleted is overwritten
(`secure_delete`), since views hold what people wrote.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url

LOCK_TIMEOUT_S = 10.0
CACHE_KIB = 64 * 1_024
CHECKPOINT_PAGES = 4_000  # 16 MB of log: fewer, larger write-backs while catching up

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "secure_delete = ON",
    "temp_store = MEMORY",
    f"cache_size = -{CACHE_KIB}",
    f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
)


def open_engine(url: str, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Engine:
    """An engine for the views at `url`: `sqlite:////path/to/views.db` or `postgresql+psycopg://...`.

    `lock_timeout_s`: how long a writer waits for another, with SQLite.

    Raises:
        ValueError: any other kind of database, or SQLite without a file.
    """
    parsed = make_url(url)
    match parsed.get_backend_name(), parsed.database:
        case "sqlite", str(path) if path not in ("", ":memory:"):
            options = {"timeout": lock_timeout_s}
            return _sqlite(create_engine(parsed, connect_args=options, hide_parameters=True))
        case "postgresql", _:  # rows as tuples, as with SQLite
            return create_engine(parsed, paramstyle="format", hide_parameters=True)
        case _:
            raise ValueError("The views need a SQLite file or PostgreSQL.")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: it takes SQLite's lock at once, so that what it reads first still holds."""
    with engine.connect().execution_options(sayso_writes=True) as connection, connection.begin():
        yield connection


def _sqlite(engine: Engine) -> Engine:
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(database: sqlite3.Connection, _: Any) -> None:
    database.isolation_level = None  # sqlite3 would begin late and end early; `_begin` does it instead
    for pragma in _PRAGMAS:
        database.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("sayso_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
