"""Building a view again from the beginning, beside the one that serves, and letting it take over.

A view has one position in each of its sources, and so has the copy. The copy reads all of them, and takes
over all at once: under the view's names, so that projectors and readers of other processes go on with it
unawares. A projector that writes holds the view's position, and so does the take-over: either finds the
other's work done.
"""

from collections.abc import Callable, Mapping
from time import sleep

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import OperationalError

from projections import catalog
from projections.engine import is_postgresql, shaping, writing
from projections.folding import advance
from projections.row_statements import upsert
from projections.source import Batch, EventSource, read_batch
from projections.tracking import GENERATIONS, POSITIONS, PositionMoved, hold_still, of_view
from projections.view import COPY, OLD, View
from schemas.sealing import Keys

BATCH_MAX = 1_000
READERS_WAIT_MS_MAX = 500
"""How long a take-over waits for readers: less than PostgreSQL takes to call it a deadlock and end one."""
TRIES_MAX = 100
NOTHING_YET_S = 0.05
LOCK_NOT_AVAILABLE = "55P03"  # SQLSTATE

Progress = Callable[[int, int], None]
"""Called after every batch with the copy's position and the one it has to reach, which moves; of several
sources, the sums."""


class SourcesMissing(ValueError):
    """The view shows sources that were not given: a copy without them would lack what they hold."""

    def __init__(self, view: View, missing: list[str]) -> None:
        super().__init__(f"{view.NAME} also shows {', '.join(missing)}. Rebuild it from all of its sources.")


class _NotYet(Exception):
    """The take-over has to wait, and let go of everything meanwhile."""


def rebuild(
    engine: Engine,
    view: View,
    sources: Mapping[str, EventSource],
    keys: Keys,
    progress: Progress,
    batch_max: int = BATCH_MAX,
) -> None:
    """Replay all of `sources` into a copy of `view` and put it in its place, while everybody goes on.

    Interrupted, it goes on from where it was when called again. A source may have nothing new for a while.

    Raises:
        SourcesMissing: the view shows other sources as well; it stays as it was.
        Unfoldable: an event cannot be projected; the view stays as it was.
        PositionMoved: somebody else is building the same copy.
        OperationalError: the database cannot be reached, or readers let nobody take over for a minute.
    """
    _Rebuild(engine, view, sources, keys, batch_max).run(progress)


class _Rebuild:
    def __init__(
        self, engine: Engine, view: View, sources: Mapping[str, EventSource], keys: Keys, batch_max: int
    ) -> None:
        self._engine = engine
        self._view = view
        self._sources = sources
        self._keys = keys
        self._batch_max = batch_max
        self._copy = _open_copy(engine, view, sources)

    def run(self, progress: Progress) -> None:
        """Build the copy, and let it take over."""
        reached = self._reach(progress)
        with shaping(self._engine) as connection:  # apart, since overwriting what is dropped takes its time
            catalog.drop(connection, type(self._view)(OLD))
        progress(reached, reached)

    def _reach(self, progress: Progress, tries_max: int = TRIES_MAX) -> int:
        """Take the view's place, sooner or later; where that is."""
        while True:
            self._approach(progress)
            tries_max -= 1
            try:
                return sum(self._take_over().values())
            except (OperationalError, _NotYet) as error:
                if not (tries_max and _will_pass(error)):
                    raise
            standing, goals = self._standing()
            for name, at in standing.items():
                if at < goals[name]:
                    self._step(name, at)

    def _approach(self, progress: Progress) -> None:
        """Bring the copy so near to the view that what is missing is one batch of each source, at most."""
        while True:
            standing, goals = self._standing()
            progress(sum(standing.values()), sum(max(standing[name], goals[name]) for name in standing))
            far = [name for name, at in standing.items() if goals[name] - at > self._batch_max]
            if not far:
                return
            self._step(far[0], standing[far[0]])

    def _step(self, name: str, at: int) -> None:
        """Go one batch further in one source, if there is one."""
        batch = self._read(name, at)
        if not batch.events:
            sleep(NOTHING_YET_S)
        with writing(self._engine) as connection:
            advance(connection, [self._copy], name, batch)

    def _take_over(self) -> dict[str, int]:
        """Go the last steps while the view waits, and take its place; where that is, in each source."""
        with shaping(self._engine) as connection:
            goals = hold_still(connection, self._view.key)
            require_all(self._view, goals, self._sources)
            standing = self._standing_of_copy(connection)
            for name in self._sources:
                while standing[name] < goals.get(name, 0):
                    batch = self._read(name, standing[name])
                    if not batch.events:
                        raise _NotYet
                    advance(connection, [self._copy], name, batch)
                    standing[name] = batch.last
            _exchange(connection, self._view, self._copy, standing)
            return standing

    def _read(self, name: str, at: int) -> Batch:
        return read_batch(self._sources[name], self._keys, at, self._batch_max)

    def _standing(self) -> tuple[dict[str, int], dict[str, int]]:
        """Of each source: where the copy stands, and where the view does."""
        with self._engine.connect() as connection:
            standing, goals = self._standing_of_copy(connection), of_view(connection, self._view.key)
        return standing, {name: goals.get(name, 0) for name in standing}

    def _standing_of_copy(self, connection: Connection) -> dict[str, int]:
        standing = of_view(connection, self._copy.key)
        if standing.keys() != self._sources.keys():
            raise PositionMoved  # somebody else let it take over, or is building another
        return standing


def _will_pass(error: Exception) -> bool:
    """Whether a take-over failed for readers, or for events that are on their way."""
    if isinstance(error, OperationalError):
        return getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE
    return True


def _open_copy(engine: Engine, view: View, sources: Mapping[str, EventSource]) -> View:
    """The copy that an interrupted rebuild left, or a new one."""
    with shaping(engine) as connection:
        require_all(view, of_view(connection, view.key), sources)
        require_all(view, of_view(connection, type(view)(COPY).key), sources)
        catalog.drop(connection, type(view)(OLD))
        generation = connection.scalar(select(GENERATIONS.c.generation).where(GENERATIONS.c.view == view.key))
        copy = type(view)(COPY, generation or 1)
        if generation is None or not of_view(connection, copy.key):
            copy = type(view)(COPY, (generation or 1) + 1)
            _remember_generation(connection, view, (generation or 1) + 1)
        catalog.create(connection, copy, sources)
        return copy


def require_all(view: View, shown: Mapping[str, int], sources: Mapping[str, EventSource]) -> None:
    """Make sure that `sources` are all that the view shows, at its positions `shown`.

    Raises:
        SourcesMissing: they are not.
    """
    missing = sorted(name for name, position in shown.items() if position and name not in sources)
    if missing:
        raise SourcesMissing(view, missing)


def _remember_generation(connection: Connection, view: View, generation: int) -> None:
    row = upsert(connection.dialect, GENERATIONS).values(view=view.key, generation=generation)
    connection.execute(
        row.on_conflict_do_update(index_elements=GENERATIONS.primary_key, set_={"generation": generation})
    )


def _exchange(connection: Connection, view: View, copy: View, standing: Mapping[str, int]) -> None:
    """Give the copy's tables and positions the view's names."""
    old = type(view)(OLD)
    if is_postgresql(connection):
        tables = ", ".join(table.name for table in view.metadata.sorted_tables)
        connection.execute(text(f"SET LOCAL lock_timeout = '{READERS_WAIT_MS_MAX}ms'"))
        connection.execute(text(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE"))
    for ours, theirs, gone in zip(*(each.metadata.sorted_tables for each in (view, copy, old)), strict=True):
        connection.execute(text(f"ALTER TABLE {ours.name} RENAME TO {gone.name}"))
        connection.execute(text(f"ALTER TABLE {theirs.name} RENAME TO {ours.name}"))
    connection.execute(POSITIONS.delete().where(POSITIONS.c.view == copy.key))
    for name, position in standing.items():  # in their places: a projector may be waiting for them
        row = upsert(connection.dialect, POSITIONS).values(view=view.key, source=name, position=position)
        key = POSITIONS.primary_key
        connection.execute(row.on_conflict_do_update(index_elements=key, set_={"position": position}))
