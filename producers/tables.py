"""Tables that producers keep beside the views: made by whoever comes first."""

import sqlalchemy as sa


def make(engine: sa.Engine, tables: sa.MetaData, lock: int) -> None:
    """Make those of `tables` that are not there.

    `lock`: of PostgreSQL's advisory locks, the tables' own: several processes may start at once.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
        tables.create_all(connection)
