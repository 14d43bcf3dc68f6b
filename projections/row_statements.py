"""Rows written one by one, by statements compiled once: what suits a database in our own process."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any, Literal

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

Form = Literal["insert", "ensure", "put", "update", "delete"]
"""What is done with rows. `ensure`: insert those that are not there; `put`: insert or update."""

KEY = "key_"
"""Before the names of the key's parameters, to tell them from columns."""

ADDS: Mapping[str, bool] = {"adds": True}
"""`Column(info=ADDS)`: what is put there is added to what is there."""


@cache
def adding(table: FromClause) -> frozenset[str]:
    """The names of the columns that say `ADDS`."""
    return frozenset(column.name for column in table.c if "adds" in column.info)


def execute(
    connection: Connection, form: Form, table: Table, columns: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> None:
    """Do `form` with `rows`: the values of `columns`, then, but for `insert` and `ensure`, of the key."""
    statement = _compiled(form, connection.dialect, table, columns)
    connection.exec_driver_sql(statement.sql, statement.arranged(rows))


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
def _compiled(form: Form, dialect: Dialect, table: Table, names: tuple[str, ...]) -> _Statement:
    binds = {name: bindparam(name, type_=table.c[name].type) for name in names}
    compiled = _FORMS[form](dialect, table, binds).compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    wanted = compiled.positiontup or ()
    keys = [KEY + column.name for column in table.primary_key if KEY + column.name in wanted]
    return _Statement(str(compiled), [*names, *keys], wanted)


def _insert(_: Dialect, table: Table, row: Mapping[str, BindParameter[Any]]) -> ClauseElement:
    return insert(table).values(row)


def _ensure(dialect: Dialect, table: Table, row: Mapping[str, BindParameter[Any]]) -> ClauseElement:
    return upsert(dialect, table).values(row).on_conflict_do_nothing()


def _put(dialect: Dialect, table: Table, columns: Mapping[str, BindParameter[Any]]) -> ClauseElement:
    key = {column.name: _key(column) for column in table.primary_key}
    statement = upsert(dialect, table).values({**columns, **key})
    if not columns:
        return statement.on_conflict_do_nothing()
    new = {name: gained_by(table.c[name], statement.excluded[name]) for name in columns}
    return statement.on_conflict_do_update(index_elements=table.primary_key, set_=new)


def gained_by(column: Column[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """What `column` of a row that is there becomes when `new` is put there."""
    return column + new if column.name in adding(column.table) else new


def _update(_: Dialect, table: Table, columns: Mapping[str, BindParameter[Any]]) -> ClauseElement:
    return update(table).where(_is_row(table)).values(columns)


def _delete(_: Dialect, table: Table, __: Mapping[str, BindParameter[Any]]) -> ClauseElement:
    return delete(table).where(_is_row(table))


def _is_row(table: Table) -> ColumnElement[bool]:
    return and_(*(column == _key(column) for column in table.primary_key))


def _key(column: Column[Any]) -> BindParameter[Any]:
    return bindparam(KEY + column.name, type_=column.type)


def upsert(dialect: Dialect, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that may say what to do on conflict: both databases can, each in its own dialect."""
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)


_FORMS: Mapping[Form, Callable[[Dialect, Table, Mapping[str, BindParameter[Any]]], ClauseElement]] = {
    "insert": _insert,
    "ensure": _ensure,
    "put": _put,
    "update": _update,
    "delete": _delete,
}
