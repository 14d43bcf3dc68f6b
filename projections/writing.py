"""What a batch of events does to the tables, gathered in memory and written in few statements.

Events of a batch that touch the same row become one statement's parameters. Every operation either says
what a row's columns are from now on, or what to add to them; so the rows after a log do not depend on how
it was cut into batches.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BindParameter,
    ClauseElement,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    FromClause,
    Table,
    and_,
    bindparam,
    delete,
    insert,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import SQLCompiler

Key = tuple[Any, ...]
Row = dict[str, Any]

ADDS: Mapping[str, bool] = {"adds": True}
"""`Column(info=ADDS)`: what is put there is added to what is there."""


class Writes:
    """The rows that one batch inserts, puts, changes and removes. Keys are primary keys' values, in order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
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
        adding = _adding(table)
        for name, value in columns.items():
            before[name] = before[name] + value if name in adding and name in before else value

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
            self._run(_insert, table, columns, values)
        for table, rows in self._tables.items():
            self._run_all(_delete, table, _keyed(rows.removed))
            self._run_all(_ensure, table, _whole(rows.ensured))
            self._run_all(_insert, table, _whole(rows.inserted))
            self._run_all(_put, table, _keyed(rows.put))
            self._run_all(_update, table, _keyed(rows.changed))
        self._appended.clear()
        self._tables.clear()

    def _run_all(self, form: "_Form", table: Table, groups: "_Groups") -> None:
        for columns, values in groups.items():
            self._run(form, table, columns, values)

    def _run(
        self, form: "_Form", table: Table, columns: tuple[str, ...], values: list[tuple[Any, ...]]
    ) -> None:
        statement = _compiled(form, self._connection.dialect, table, columns)
        self._connection.exec_driver_sql(statement.sql, statement.arranged(values))


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


# --- statements, each compiled once -----------------------------------------------------------------

_KEY = "key_"  # before the names of the key's parameters, to tell them from columns

_Form = Callable[[Dialect, Table, Mapping[str, BindParameter[Any]]], ClauseElement]


class _Statement:
    """SQL for the driver, and how it wants a row's parameters ordered."""

    def __init__(self, sql: str, given: Sequence[str], wanted: Sequence[str]) -> None:
        self.sql = sql
        places = [given.index(name) for name in wanted]
        self._pick = None if places == list(range(len(given))) else _picking(places)

    def arranged(self, parameters: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """`parameters`, as given, in the wanted order."""
        return parameters if self._pick is None else [self._pick(row) for row in parameters]


def _picking(places: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    if len(places) == 1:
        return lambda row: (row[places[0]],)
    return itemgetter(*places)


@lru_cache(maxsize=1_024)
def _compiled(form: _Form, dialect: Dialect, table: Table, names: tuple[str, ...]) -> _Statement:
    binds = {name: bindparam(name, type_=table.c[name].type) for name in names}
    compiled = form(dialect, table, binds).compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    wanted = compiled.positiontup or ()
    keys = [_KEY + column.name for column in table.primary_key if _KEY + column.name in wanted]
    return _Statement(str(compiled), [*names, *keys], wanted)


@cache
def _adding(table: FromClause) -> frozenset[str]:
    return frozenset(column.name for column in table.c if "adds" in column.info)


def _insert(_: Dialect, table: Table, row: Mapping[str, BindParameter[Any]]) -> ClauseElement:
    return insert(table).values(row)


def _ensure(dialect: Dialect, table: Table, row: Mapping[str, BindParameter[Any]]) -> ClauseElement:
    return upsert(dialect, table).values(row).on_conflict_do_nothing()


def _put(dialect: Dialect, table: Table, columns: Mapping[str, BindParameter[Any]]) -> ClauseElement:
    key = {column.name: _key(column) for column in table.primary_key}
    statement = upsert(dialect, table).values({**columns, **key})
    if not columns:
        return statement.on_conflict_do_nothing()
    new = {name: _gained(table.c[name], statement.excluded[name]) for name in columns}
    return statement.on_conflict_do_update(index_elements=table.primary_key, set_=new)


def _gained(column: Column[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    return column + new if column.name in _adding(column.table) else new


def _update(_: Dialect, table: Table, columns: Mapping[str, BindParameter[Any]]) -> ClauseElement:
    return update(table).where(_is_row(table)).values(columns)


def _delete(_: Dialect, table: Table, __: Mapping[str, BindParameter[Any]]) -> ClauseElement:
    return delete(table).where(_is_row(table))


def _is_row(table: Table) -> ColumnElement[bool]:
    return and_(*(column == _key(column) for column in table.primary_key))


def _key(column: Column[Any]) -> BindParameter[Any]:
    return bindparam(_KEY + column.name, type_=column.type)


def upsert(dialect: Dialect, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that may say what to do on conflict: both databases can, each in its own dialect."""
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)
