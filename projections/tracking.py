"""How far each view has come in each log, and which copy of it is the latest."""

from collections.abc import Collection

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, String, Table, select, update

from projections.writing import upsert

METADATA = MetaData()

POSITIONS = Table(
    "positions",
    METADATA,
    Column("view", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("position", BigInteger, nullable=False),
)
GENERATIONS = Table(
    "view_generations",
    METADATA,
    Column("view", String, primary_key=True),
    Column("generation", Integer, nullable=False),
)


class PositionMoved(Exception):
    """Somebody else has written the view meanwhile. Nothing of ours stays; read the positions and go on."""


def positions(connection: Connection, source: str) -> dict[str, int]:
    """The position of each view in `source`; a view that is not there has read nothing."""
    here = select(POSITIONS.c.view, POSITIONS.c.position).where(POSITIONS.c.source == source)
    return {row.view: row.position for row in connection.execute(here)}


def begin(connection: Connection, view: str, source: str) -> None:
    """Let `view` start at the beginning of `source`, unless it has started already."""
    row = {"view": view, "source": source, "position": 0}
    connection.execute(upsert(connection.dialect, POSITIONS).values(row).on_conflict_do_nothing())


def move(connection: Connection, views: Collection[str], source: str, before: int, after: int) -> None:
    """Move `views`, all of which stand at `before`, to `after`: compare, and set.

    Raises:
        PositionMoved: one of them stands elsewhere.
    """
    here = (POSITIONS.c.source == source) & (POSITIONS.c.position == before) & POSITIONS.c.view.in_(views)
    if connection.execute(update(POSITIONS).where(here).values(position=after)).rowcount != len(views):
        raise PositionMoved
