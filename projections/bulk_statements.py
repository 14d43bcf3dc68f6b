"""Many rows written by one statement: what suits a database at the other end of a connection.

The rows go there turned into columns, each an array that PostgreSQL takes apart again (`unnest`): so one
round trip and one plan serve them all. The arrays are written out here, since the driver takes several times
as long for them. Source of their form: PostgreSQL, "Array Input and Output Syntax".
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ClauseElement,
    ColumnElement,
    Connection,
    Delete,
    Dialect,
    Integer,
    String,
    Table,
    TableValuedAlias,
    Update,
    and_,
    bindparam,
    column,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.sql.compiler import SQLCompiler

from projections.row_statements import KEY, Form, gained_by


def execute(
    connection: Connection, form: Form, table: Table, columns: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> None:
    """Do `form` with `rows`: the values of `columns`, then, but for `insert` and `ensure`, of the key."""
    sql, arrays = _statement(form, connection.dialect, table, columns)
    parameters = tuple(array(values) for array, values in zip(arrays, zip(*rows, strict=True), strict=True))
    connection.exec_driver_sql(sql, parameters)


# --- arrays -----------------------------------------------------------------------------------------

_Array = Callable[[Sequence[Any]], str]


def _texts(values: Sequence[str | None]) -> str:
    if None in values:
        return "{" + ",".join("NULL" if value is None else _quoted(value) for value in values) + "}"
    joined = '","'.join(values)  # type: ignore[arg-type]
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        return "{" + ",".join(map(_quoted, values)) + "}"  # type: ignore[arg-type]
    return f'{{"{joined}"}}'  # nothing in it to be escaped, which is usual, and quick


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _others(values: Sequence[int | bool | None]) -> str:
    if None not in values:
        return "{" + ",".join(map(str, values)) + "}"
    return "{" + ",".join("NULL" if value is None else str(value) for value in values) + "}"


_ARRAYS: Mapping[type[Any], _Array] = {
    String: _texts,
    Integer: _others,
    BigInteger: _others,
    Boolean: _others,
}

# --- statements -------------------------------------------------------------------------------------


@lru_cache(maxsize=1_024)
def _statement(
    form: Form, dialect: Dialect, table: Table, columns: tuple[str, ...]
) -> tuple[str, Sequence[_Array]]:
    """SQL that takes one array for each column, then for each of the key's; and what writes them."""
    names = list(columns)
    if form not in ("insert", "ensure"):
        names += [KEY + column.name for column in table.primary_key]
    types = [table.c[name.removeprefix(KEY)].type for name in names]
    arrays = [bindparam(name, type_=ARRAY(type_)) for name, type_ in zip(names, types, strict=True)]
    new = func.unnest(*arrays).table_valued(*map(column, names), name="new").render_derived()
    compiled = _FORMS[form](table, new).compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    assert compiled.positiontup == names
    return str(compiled), [_ARRAYS[type(type_)] for type_ in types]


def _insert(table: Table, new: TableValuedAlias) -> Insert:
    names = [column.name.removeprefix(KEY) for column in new.c]
    return insert(table).from_select(names, select(new), include_defaults=False)


def _ensure(table: Table, new: TableValuedAlias) -> Insert:
    return _insert(table, new).on_conflict_do_nothing()


def _put(table: Table, new: TableValuedAlias) -> Insert:
    statement = _insert(table, new)
    names = [column.name for column in new.c if not column.name.startswith(KEY)]
    if not names:
        return statement.on_conflict_do_nothing()
    gained = {name: gained_by(table.c[name], statement.excluded[name]) for name in names}
    return statement.on_conflict_do_update(index_elements=table.primary_key, set_=gained)


def _update(table: Table, new: TableValuedAlias) -> Update:
    values = {column.name: column for column in new.c if not column.name.startswith(KEY)}
    return update(table).values(values).where(_is_row(table, new))


def _delete(table: Table, new: TableValuedAlias) -> Delete:
    return delete(table).where(_is_row(table, new))


def _is_row(table: Table, new: TableValuedAlias) -> ColumnElement[bool]:
    return and_(*(column == new.c[KEY + column.name] for column in table.primary_key))


_FORMS: Mapping[Form, Callable[[Table, TableValuedAlias], ClauseElement]] = {
    "insert": _insert,
    "ensure": _ensure,
    "put": _put,
    "update": _update,
    "delete": _delete,
}
