"""What a batch of events does to the tables, gathered in memory and written in few statements.

Events of a batch that touch the same row become one statement's parameters. Every operation either says
what a row's columns are from now on, or what to add to them; so the rows after a log do not depend on how
it was cut into batches.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table

from projections import bulk_statements, row_statements
from projections.engine import is_postgresql
from projections.row_statements import Form, adding

Key = tuple[Any, ...]
Row = dict[str, Any]


class Writes:
    """The rows that one batch inserts, puts, changes and removes. Keys are primary keys' values, in order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._execute = bulk_statements.execute if is_postgresql(connection) else row_statements.execute
        self._tables: dict[Table, _Rows] = defaultdict(_Rows)
        self._appended: dict[tuple[Table, tuple[str, ...]], list[tuple[Any, ...]]] = defaultdict(list)

    @property
    def connection(self) -> Connection:
        """The transaction that all of it belongs to. Whoever reads through it must `flush` first."""
        return self._connection

    def append(self, table: Table, columns: tuple[str, ...], values: tuple[Any, ...]) -> None:
        """A row that is not there yet, and never changes: the values of `columns`."""
        self._appended[table, columns].append(values)

    def insert(self, table: Table, key: Key, row: Row) -> None:
        """A row that is not there yet; `row` is whole, key included."""
        rows = self._tables[table]
        rows.changed.pop(key, None)  # of a row that was not there
        rows.inserted[key] = row

    def ensure(self, table: Table, key: Key, row: Row) -> None:
        """A row, unless there is one already. The row may later be changed, not put or removed."""
        if key in self._tables[table].changed and key not in self._tables[table].ensured:
            self.flush()  # that change was of the row that is there, if any
        self._tables[table].ensured.setdefault(key, row)

    def put(self, table: Table, key: Key, columns: Row) -> None:
        """The row's `columns` from now on, whether or not it is there yet."""
        if key in self._tables[table].changed:
            self.flush()
        rows = self._tables[table]
        before = rows.put.get(key)
        if before is None:
            rows.put[key] = columns
            return
        added = adding(table)
        for name, value in columns.items():
            before[name] = before[name] + value if name in added and name in before else value

    def change(self, table: Table, key: Key, columns: Row) -> None:
        """The `columns` of a row from now on; nothing, if there is no such row."""
        rows = self._tables[table]
        pending = rows.inserted.get(key) or rows.put.get(key) or rows.changed.setdefault(key, {})
        pending.update(columns)

    def remove(self, table: Table, key: Key) -> None:
        """The row is gone; nothing, if there is no such row."""
        rows = self._tables[table]
        for pending in (rows.inserted, rows.put, rows.changed):
            pending.pop(key, None)
        rows.removed[key] = {}

    def flush(self) -> None:
        """Write what was gathered, and gather anew."""
        for (table, columns), values in self._appended.items():
            self._execute(self._connection, "insert", table, columns, values)
        for table, rows in self._tables.items():
            self._run_all("delete", table, _keyed(rows.removed))
            self._run_all("ensure", table, _whole(rows.ensured))
            self._run_all("insert", table, _whole(rows.inserted))
            self._run_all("put", table, _keyed(rows.put))
            self._run_all("update", table, _keyed(rows.changed))
        self._appended.clear()
        self._tables.clear()

    def _run_all(self, form: Form, table: Table, groups: "_Groups") -> None:
        for columns, values in groups.items():
            self._execute(self._connection, form, table, columns, values)


class _Rows:
    """What is pending for one table. `inserted` and `ensured` rows hold their key as well."""

    __slots__ = ("changed", "ensured", "inserted", "put", "removed")

    def __init__(self) -> None:
        self.removed: dict[Key, Row] = {}
        self.ensured: dict[Key, Row] = {}
        self.inserted: dict[Key, Row] = {}
        self.put: dict[Key, Row] = {}
        self.changed: dict[Key, Row] = {}


_Groups = Mapping[tuple[str, ...], list[tuple[Any, ...]]]
"""Parameters of many rows, by the columns that the rows name."""


def _whole(rows: Mapping[Key, Row]) -> _Groups:
    groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows.values():
        groups[tuple(row)].append(tuple(row.values()))
    return groups


def _keyed(rows: Mapping[Key, Row]) -> _Groups:
    groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for key, row in rows.items():
        groups[tuple(row)].append((*row.values(), *key))
    return groups
