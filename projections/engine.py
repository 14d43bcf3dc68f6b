"""The database of the views: SQLite in a file of its own, or PostgreSQL, from one source.

Views are disposable, so a power cut may take the last transactions (`synchronous = NORMAL`, and PostgreSQL's
`synchronous_commit = off`): rows and position go together, and the log is read again from there. What is
deleted from SQLite is overwritten (`secure_delete`), since views hold what people wrote.

Reading, a transaction sees one moment (`REPEATABLE READ`; SQLite has nothing else). Writing, it sees what was
committed when it got its locks (`READ COMMITTED`): of two writers, the later one finds the position moved.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    ExceptionContext,
    create_engine,
    event,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoneToBeHad

from schemas.postgres import KEPT_ALIVE
from schemas.stores import StoreUnavailable

LOCK_TIMEOUT_S = 10.0
CACHE_KIB = 64 * 1_024
CHECKPOINT_PAGES = 4_000  # 16 MB of log: fewer, larger write-backs while catching up

SHAPING_LOCK = 0x5A590  # of PostgreSQL's advisory locks: ours for making, renaming and dropping tables

_VALUES_AT_FAULT = ("22", "23")
"""Classes of SQLSTATE whose messages quote values: bad data, and constraints."""

_OUR_MISTAKES = (
    DataError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.NotSupportedError,
    psycopg.ProgrammingError,
)
"""A database that says one of these is there: the same again would be no better.

What else there is, passes: no connection, a full disk, a server that shuts down or only reads (25006).
"""

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
        case "postgresql", _:
            return _postgresql(parsed.set(drivername="postgresql+psycopg"))
        case _:
            raise ValueError("The views need a SQLite file or PostgreSQL.")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads.

    Raises:
        StoreUnavailable: the database is away.
    """
    with own_errors(), engine.connect() as connection:
        yield connection


@contextmanager
def own_errors() -> Iterator[None]:
    """Whatever SQLAlchemy or psycopg says of a database that is away becomes `StoreUnavailable`."""
    try:
        yield
    except NoneToBeHad as error:
        raise StoreUnavailable("All connections to the database are in use.") from error
    except _OUR_MISTAKES:
        raise
    except (DBAPIError, psycopg.Error) as error:
        said = error.orig if isinstance(error, DBAPIError) else error
        raise StoreUnavailable(f"The database is away: {type(said).__name__}.") from error


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: it takes SQLite's lock at once, so that what it reads first still holds."""
    options: dict[str, Any] = {"sayso_writes": True}
    if is_postgresql(engine):
        options["isolation_level"] = "READ COMMITTED"
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


@contextmanager
def shaping(engine: Engine) -> Iterator[Connection]:
    """A transaction that makes, renames or drops tables: one at a time, whatever the number of processes.

    Rows can be had again; tables that a power cut took away would be missed.
    """
    with writing(engine) as connection:
        if is_postgresql(engine):
            connection.execute(text("SET LOCAL synchronous_commit = on"))
            lock = func.pg_advisory_xact_lock(SHAPING_LOCK, func.hashtext(func.current_schema()))
            connection.execute(select(lock))
        yield connection


def is_postgresql(database: Engine | Connection) -> bool:
    """Whether it is; otherwise it is SQLite."""
    return database.dialect.name == "postgresql"


def connected_alone(engine: Engine) -> psycopg.Connection[Any]:
    """A connection to the engine's PostgreSQL, beside its pool, that commits every statement by itself."""
    args, options = engine.dialect.create_connect_args(engine.url)
    return psycopg.connect(*args, **{**options, **kept_alive(engine.url), "autocommit": True})


def kept_alive(url: URL) -> dict[str, Any]:
    """How a connection to `url` is kept alive, but for what `url` itself says of that."""
    return {name: value for name, value in KEPT_ALIVE.items() if name not in url.query}


def _postgresql(url: URL) -> Engine:
    engine = create_engine(
        url,
        paramstyle="format",  # rows as tuples, as with SQLite
        hide_parameters=True,
        isolation_level="REPEATABLE READ",
        pool_pre_ping=True,  # after a restart of the server, nobody meets a connection that is gone
        # A plan that is kept was made for a table as small as it was then.
        connect_args={"prepare_threshold": None, **kept_alive(url)},
    )
    event.listen(engine, "connect", _be_quick)
    event.listen(engine, "handle_error", _be_discreet)
    return engine


def _be_quick(database: psycopg.Connection[Any], _: Any) -> None:
    database.execute("SET synchronous_commit = off")
    database.commit()


def _be_discreet(context: ExceptionContext) -> None:
    """PostgreSQL's message repeats the row or the value at fault: what is said instead tells only where."""
    error = context.original_exception
    if isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_VALUES_AT_FAULT):
        place = (error.diag.table_name, error.diag.column_name or error.diag.constraint_name)
        error.args = (f"SQLSTATE {error.sqlstate} in {'.'.join(filter(None, place)) or 'a value'}",)
        if context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.args = (f"({type(error).__name__}) {error}",)


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
