"""How far each view has come in each log, and which copy of it is the latest."""

from collections.abc import Collection

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, String, Table, func, select, update

from projections.row_statements import upsert

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


def source_of(shard: int) -> str:
    """What the log of `shard` is called here."""
    return f"shard-{shard}"


def shard_of(source: str) -> int:
    """The shard whose log is called `source`.

    Raises:
        ValueError: no shard's log is called so.
    """
    return int(source.removeprefix("shard-"))


def positions(connection: Connection, source: str) -> dict[str, int]:
    """The position of each view in `source`; a view that is not there has read nothing."""
    here = select(POSITIONS.c.view, POSITIONS.c.position).where(POSITIONS.c.source == source)
    return {row.view: row.position for row in connection.execute(here)}


def of_view(connection: Connection, view: str) -> dict[str, int]:
    """The position of `view` in each source that it has begun to read."""
    here = select(POSITIONS.c.source, POSITIONS.c.position).where(POSITIONS.c.view == view)
    return {row.source: row.position for row in connection.execute(here)}


def shown(connection: Connection, views: Collection[str]) -> dict[str, int]:
    """What all of `views` show, at least, of each source."""
    least = select(POSITIONS.c.source, func.min(POSITIONS.c.position).label("position"))
    found = least.where(POSITIONS.c.view.in_(views)).group_by(POSITIONS.c.source)
    return {row.source: row.position for row in connection.execute(found)}


def hold(connection: Connection, views: Collection[str], source: str) -> dict[str, int]:
    """The positions of `views` in `source`, which nobody else moves until this transaction ends."""
    here = (POSITIONS.c.source == source) & POSITIONS.c.view.in_(views)
    rows = select(POSITIONS.c.view, POSITIONS.c.position).where(here).order_by(POSITIONS.c.view)
    return {row.view: row.position for row in connection.execute(rows.with_for_update())}


def hold_still(connection: Connection, view: str) -> dict[str, int]:
    """The position of `view` in each source; nobody else moves it until this transaction ends."""
    rows = select(POSITIONS.c.source, POSITIONS.c.position).where(POSITIONS.c.view == view)
    held = rows.order_by(POSITIONS.c.source).with_for_update()
    return {row.source: row.position for row in connection.execute(held)}


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
