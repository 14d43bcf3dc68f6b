"""Tables that producers keep beside the views: made by whoever comes first."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from projections.engine import kept_alive


def postgres_engine(url: str, connect_args: Mapping[str, Any] | None = None, **options: Any) -> sa.Engine:
    """An engine for `postgresql://...`. `connect_args`: of each connection; `options`: of SQLAlchemy."""
    parsed = sa.make_url(url).set(drivername="postgresql+psycopg")
    return sa.create_engine(
        parsed,
        hide_parameters=True,
        pool_pre_ping=True,
        connect_args={**kept_alive(parsed), **(connect_args or {})},
        **options,
    )


def make(engine: sa.Engine, tables: sa.MetaData, lock: int) -> None:
    """Make those of `tables` that are not there.

    `lock`: of PostgreSQL's advisory locks, the tables' own: several processes may start at once.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
        tables.create_all(connection)
