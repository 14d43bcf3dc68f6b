"""How far each view has come in each log, and which copy of it is the latest."""

from collections.abc import Collection

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    func,
    select,
    update,
)

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
    rows = connection.execute(_HELD, {"views": list(views), "source_": source})
    return {row.view: row.position for row in rows}


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
    told = {"views": list(views), "source_": source, "before": before, "after": after}
    if connection.execute(_MOVED, told).rowcount != len(views):
        raise PositionMoved


# Made once: each batch needs both, and to make one takes longer than to carry it out.
_HERE = (POSITIONS.c.source == bindparam("source_")) & POSITIONS.c.view.in_(
    bindparam("views", expanding=True)
)
_PLACES = select(POSITIONS.c.view, POSITIONS.c.position).where(_HERE).order_by(POSITIONS.c.view)
_HELD = _PLACES.with_for_update()
_MOVED = (
    update(POSITIONS)
    .where(_HERE, POSITIONS.c.position == bindparam("before"))
    .values(position=bindparam("after"))
)
