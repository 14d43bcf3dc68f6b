"""How a database goes about the questions that are asked of it."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine
from sqlalchemy import event as listening

from projections.engine import is_postgresql


def plans_of(engine: Engine, ask: Callable[[], object]) -> list[str]:
    """The plans of the questions that `ask` asks, one after the other, in tables without rows."""
    asked: list[tuple[str, tuple[Any, ...]]] = []

    def note(_: object, __: object, statement: str, parameters: tuple[Any, ...], *___: object) -> None:
        asked.append((statement, parameters))

    listening.listen(engine, "before_cursor_execute", note)
    ask()
    listening.remove(engine, "before_cursor_execute", note)
    return [_plan(engine, *each) for each in asked if each[0].startswith(("SELECT", "WITH"))]


def _plan(engine: Engine, statement: str, parameters: tuple[Any, ...]) -> str:
    with engine.connect() as connection:
        if not is_postgresql(engine):
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            return "\n".join(row[3] for row in rows)
        for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):  # which suit a table without rows
            connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        return "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())
