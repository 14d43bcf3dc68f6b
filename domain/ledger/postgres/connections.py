"""The library's idea of a database, on connections of our own keeping."""

from collections.abc import Mapping, Sequence
from typing import Any

from eventsourcing.persistence import OperationalError
from eventsourcing.postgres import PostgresDatastore
from psycopg.rows import tuple_row

from schemas.postgres import SCHEMA, ConnectionLost, Connections


class LedgerDatastore(PostgresDatastore):
    """The database behind a dsn. It connects when it is first used."""

    def __init__(self, dsn: str) -> None:
        super().__init__("", "", "", "", "", schema=SCHEMA, originator_id_type="text")
        # The library's own pool needs threads, and may wait minutes before it tries a lost server again.
        self.pool: Any = _LikeAPool(Connections(dsn))

    def register_type_adapters(self) -> None:
        """Nothing to do: rows travel as arrays, not as a composite type."""

    def fetch(self, statement: bytes, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[Any]:
        """The rows that `statement` gives, as tuples. Raises the library's persistence errors."""
        with self.get_connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(statement, parameters, prepare=True, binary=True).fetchall()


def was_lost(error: OperationalError) -> bool:
    """Whether the connection broke in use, so that nobody knows what became of the last statement."""
    return isinstance(error.__cause__, ConnectionLost)


class _LikeAPool:
    """What the library asks of its pool."""

    def __init__(self, connections: Connections) -> None:
        self.connection = connections.connection
        self.close = connections.close

    def open(self, wait: bool, timeout: float) -> None:
        """They connect when they are used."""
