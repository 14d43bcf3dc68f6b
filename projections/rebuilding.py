"""Building a view again from the beginning, beside the one that serves, and letting it take over."""

from collections.abc import Callable

from sqlalchemy import Connection, Engine, select, text

from projections import catalog
from projections.engine import writing
from projections.folding import advance
from projections.source import EventSource, read_batch
from projections.tracking import GENERATIONS, POSITIONS, positions
from projections.view import COPY, OLD, View
from projections.writing import upsert
from schemas.sealing import Keys

BATCH_MAX = 1_000

Progress = Callable[[int, int], None]
"""Called after every batch with the copy's position and the one it has to reach, which moves."""


def rebuild(
    engine: Engine,
    view: View,
    source: EventSource,
    source_name: str,
    keys: Keys,
    progress: Progress,
    batch_max: int = BATCH_MAX,
) -> None:
    """Replay `source` into a copy of `view` and put it in its place, while readers and projector go on.

    Interrupted, it goes on from where it was when called again.

    Raises:
        Unfoldable: an event cannot be projected; the view stays as it was.
        PositionMoved: somebody else is building the same copy.
    """
    copy = _open_copy(engine, view, source_name)
    while True:
        at, goal = _standing(engine, copy, view, source_name)
        progress(at, max(at, goal))
        if goal - at <= batch_max:
            break
        batch = read_batch(source, keys, at, batch_max)
        with writing(engine) as connection:
            advance(connection, [copy], source_name, batch)
    with writing(engine) as connection:
        goal = _hold_still(connection, view, source_name)
        while at < goal:  # few are left, and the view waits for us
            batch = read_batch(source, keys, at, batch_max)
            advance(connection, [copy], source_name, batch)
            at = batch.last
        _take_over(connection, view, copy)
    with writing(engine) as connection:  # apart, since overwriting what is dropped takes its time
        catalog.drop(connection, type(view)(OLD))
    progress(at, at)


def _open_copy(engine: Engine, view: View, source: str) -> View:
    """The copy that an interrupted rebuild left, or a new one."""
    with writing(engine) as connection:
        catalog.drop(connection, type(view)(OLD))
        generation = connection.scalar(select(GENERATIONS.c.generation).where(GENERATIONS.c.view == view.key))
        copy = type(view)(COPY, generation or 1)
        if generation is None or copy.key not in positions(connection, source):
            copy = type(view)(COPY, (generation or 1) + 1)
            catalog.create(connection, copy, source)
            _remember_generation(connection, view, (generation or 1) + 1)
        return copy


def _remember_generation(connection: Connection, view: View, generation: int) -> None:
    row = upsert(connection.dialect, GENERATIONS).values(view=view.key, generation=generation)
    connection.execute(
        row.on_conflict_do_update(index_elements=GENERATIONS.primary_key, set_={"generation": generation})
    )


def _standing(engine: Engine, copy: View, view: View, source: str) -> tuple[int, int]:
    with engine.connect() as connection:
        standing = positions(connection, source)
    return standing[copy.key], standing.get(view.key, 0)


def _hold_still(connection: Connection, view: View, source: str) -> int:
    """The view's position, which cannot move until this transaction ends."""
    here = (POSITIONS.c.view == view.key) & (POSITIONS.c.source == source)
    return connection.scalar(select(POSITIONS.c.position).where(here).with_for_update()) or 0


def _take_over(connection: Connection, view: View, copy: View) -> None:
    """Give the copy's tables and positions the view's names."""
    old = type(view)(OLD)
    for ours, theirs, gone in zip(*(each.metadata.sorted_tables for each in (view, copy, old)), strict=True):
        connection.execute(text(f"ALTER TABLE {ours.name} RENAME TO {gone.name}"))
        connection.execute(text(f"ALTER TABLE {theirs.name} RENAME TO {ours.name}"))
    connection.execute(POSITIONS.delete().where(POSITIONS.c.view == view.key))
    connection.execute(POSITIONS.update().where(POSITIONS.c.view == copy.key).values(view=view.key))
