"""Connections to a PostgreSQL database: kept between uses, and made anew once they were lost."""

import select
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

CONNECTIONS_KEPT = 4
CONNECTIONS_MAX = 16
CONNECTION_AWAITED_S = 10.0
SCHEMA = "public"

KEPT_ALIVE: Mapping[str, int] = MappingProxyType(
    {
        "connect_timeout": 5,  # s, as the next three
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25_000,  # ms
    }
)
"""How each of our connections to PostgreSQL notices, within half a minute, that the server fell silent."""

_DEFAULTS: dict[str, str | int | None] = {"application_name": "sayso", **KEPT_ALIVE}
"""What holds where the dsn says nothing else."""

_SESSION: dict[str, str] = {
    "lock_timeout": "10s",
    # All that is looked up here is looked up by index. A plan that was made while a table was small would be
    # kept while it grows, and read the whole of it each time.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
_SET = "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS session (name, value)"
_FIND = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = %s AND tablename = %s) AS found
"""
"""Not `to_regclass`, which remembers that a table was not there while another transaction creates it."""
_SYNCHRONOUS = """
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
"""What is committed here was promised to somebody, whatever is usual in this database."""


class ConnectionLost(psycopg.OperationalError):
    """The connection broke in use: whether the last statement was carried out is not known."""


class Connections:
    """As many connections to one database as threads ask for at once, at most `CONNECTIONS_MAX`.

    Each is in autocommit mode, and its rows are dicts unless a cursor says otherwise.
    """

    def __init__(self, dsn: str) -> None:
        """Connects when first used. `dsn`: as libpq takes it."""
        self._conninfo = make_conninfo("", **{**_DEFAULTS, **conninfo_to_dict(dsn)})
        self._kept: list[psycopg.Connection[DictRow]] = []
        self._lock = Lock()
        self._room = BoundedSemaphore(CONNECTIONS_MAX)
        self._closed = False

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[DictRow]]:
        """A connection for the caller alone.

        Raises:
            ConnectionLost: it broke in the caller's hands.
            psycopg.OperationalError: none can be had.
        """
        if not self._room.acquire(timeout=CONNECTION_AWAITED_S):
            raise psycopg.OperationalError("All connections are in use.")
        try:
            connection = self._take()
            try:
                yield connection
            except psycopg.Error as error:
                if connection.closed:
                    raise ConnectionLost(str(error)) from error
                raise
            finally:
                self._put_back(connection)
        finally:
            self._room.release()

    def close(self) -> None:
        """Close those that nobody uses now, and the others once they are put back."""
        with self._lock:
            self._closed = True
            kept, self._kept = self._kept, []
        for connection in kept:
            connection.close()

    def _take(self) -> psycopg.Connection[DictRow]:
        while True:
            with self._lock:
                if self._closed:
                    raise psycopg.OperationalError("The connections are closed.")
                if not self._kept:
                    break
                connection = self._kept.pop()
            if _alive(connection):
                return connection
            connection.close()
        return self._connect()

    def _connect(self) -> psycopg.Connection[DictRow]:
        connection = psycopg.connect(self._conninfo, autocommit=True, row_factory=dict_row)
        try:
            connection.execute(_SET, (list(_SESSION), list(_SESSION.values())))
            connection.execute(_SYNCHRONOUS)
        except BaseException:
            connection.close()
            raise
        return connection

    def _put_back(self, connection: psycopg.Connection[DictRow]) -> None:
        idle = connection.pgconn.transaction_status == TransactionStatus.IDLE
        with self._lock:
            if idle and not self._closed and len(self._kept) < CONNECTIONS_KEPT:
                self._kept.append(connection)
                return
        connection.close()


def create_once(connection: psycopg.Connection[DictRow], table: str, statements: Sequence[bytes]) -> None:
    """Run `statements`, which create `table` among others, in one transaction, unless it is there.

    Of several processes that come at once, one creates and the others wait for it.
    """
    if _exists(connection, table):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('sayso tables'))")
        if not _exists(connection, table):
            for statement in statements:
                connection.execute(statement)


def _alive(connection: psycopg.Connection[Any]) -> bool:
    """Whether an idle connection still stands: a server that goes leaves something to read."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


def _exists(connection: psycopg.Connection[DictRow], table: str) -> bool:
    row = connection.execute(_FIND, (SCHEMA, table)).fetchone()
    return row is not None and bool(row["found"])
