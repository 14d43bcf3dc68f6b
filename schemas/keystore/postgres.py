"""Wrapped keys in tables of a PostgreSQL database.

What PostgreSQL keeps of a row that was changed, in pages until they are used again and in its log and backups
until they are thrown away, is a wrapped key like any other: it opens nothing without the master key. Keep the
keystore in a database of its own if its backups are to live shorter than the ledger's.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from schemas.keystore.errors import ErasureIncomplete, KeyStoreUnavailable
from schemas.keystore.table import StoredKey
from schemas.postgres import Connections, create_once

TABLE = "keystore_keys"

_CREATION = (
    b"""
CREATE TABLE public.keystore_keys (
    stream text COLLATE "C" PRIMARY KEY,
    generation integer NOT NULL,
    key bytea,
    created timestamptz NOT NULL,
    erased timestamptz
)
""",
    b"CREATE TABLE public.keystore_erasures (count bigint NOT NULL)",
    b"INSERT INTO public.keystore_erasures VALUES (0)",
)
_FIND = b"SELECT stream, generation, key FROM public.keystore_keys WHERE stream = ANY(%s)"
_ANY = b"SELECT stream, generation, key FROM public.keystore_keys WHERE key IS NOT NULL LIMIT 1"
_INSERT = b"""
INSERT INTO public.keystore_keys AS old (stream, generation, key, created)
SELECT stream, generation, key, %s FROM unnest(%s::text[], %s::integer[], %s::bytea[])
AS new (stream, generation, key)
ON CONFLICT (stream) DO UPDATE
SET generation = excluded.generation, key = excluded.key, created = excluded.created, erased = NULL
WHERE old.key IS NULL AND old.generation = excluded.generation - 1
"""
_ERASE = b"UPDATE public.keystore_keys SET key = NULL, erased = %s WHERE stream = %s AND key IS NOT NULL"
_COUNT = b"UPDATE public.keystore_erasures SET count = count + 1"
_VACUUM = b"VACUUM public.keystore_keys"
_ERASURES = b"SELECT count FROM public.keystore_erasures"


class PostgresKeyTable:
    """The tables in the database at `dsn`, created if need be."""

    def __init__(self, dsn: str) -> None:
        self._connections = Connections(dsn)
        try:
            with _own_errors(), self._connections.connection() as connection:
                create_once(connection, TABLE, _CREATION)
        except BaseException:
            self._connections.close()
            raise

    def find(self, streams: Sequence[str]) -> list[StoredKey]:
        """The rows of those of `streams` that have one."""
        with self._cursor() as cursor:
            found = cursor.execute(_FIND, (list(streams),), prepare=True, binary=True)
            return [StoredKey(*row) for row in found]

    def any(self) -> StoredKey | None:
        """Some key that is there."""
        with self._cursor() as cursor:
            row = cursor.execute(_ANY).fetchone()
        return None if row is None else StoredKey(*row)

    def insert(self, keys: Sequence[StoredKey], now: datetime) -> bool:
        """Store all of `keys`, or none if one is no longer the next of its stream."""
        in_one_order = sorted(keys)  # else two processes could each wait for the other
        streams, generations, wrapped = (list(column) for column in zip(*in_one_order, strict=True))
        with self._cursor() as cursor, cursor.connection.transaction() as transaction:
            stored = cursor.execute(_INSERT, (now, streams, generations, wrapped)).rowcount
            if stored < len(keys):
                raise psycopg.Rollback(transaction)
        return stored == len(keys)

    def erase(self, stream: str, now: datetime) -> None:
        """Destroy the key of `stream`, and clear away the row that held it, as far as readers allow.

        Raises:
            ErasureIncomplete: that row was not cleared away.
        """
        with self._cursor() as cursor:
            with cursor.connection.transaction():
                cursor.execute(_ERASE, (now, stream))
                cursor.execute(_COUNT)
            try:
                cursor.execute(_VACUUM)
            except psycopg.Error as error:
                raise ErasureIncomplete(stream) from error

    def erasures(self) -> int:
        """How many the database has seen."""
        with self._cursor() as cursor:
            row = cursor.execute(_ERASURES, prepare=True).fetchone()
        assert row is not None, "it was put there with the table"
        return int(row[0])

    def close(self) -> None:
        """Let the connections go."""
        self._connections.close()

    @contextmanager
    def _cursor(self) -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
        with (
            _own_errors(),
            self._connections.connection() as connection,
            connection.cursor(row_factory=tuple_row) as cursor,
        ):
            yield cursor


@contextmanager
def _own_errors() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise KeyStoreUnavailable(str(error)) from error
