"""Views in a database of their own, to be given histories and asked questions."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from uuid import uuid4

from sqlalchemy import Engine, QueuePool, select
from sqlalchemy.exc import TimeoutError as NoneToBeHad

from deploy.local.postgres import Postgres
from projections import catalog, tracking
from projections.engine import open_engine, writing
from projections.folding import advance
from projections.queries import Queries
from projections.source import read_batch
from projections.view import COPY, View
from projections.worklist import Worklist
from tests.projections.history import History

SOURCE = "shard-0"

Rows = dict[str, list[tuple[Any, ...]]]


class Views:
    """All views, in an engine whose tables are there and empty."""

    views: Collection[View] = catalog.LIVE

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.ask = Queries(self.engine)
        self.worklist = Worklist(self.engine)

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """In a SQLite file."""
        (folder / "views.db").write_bytes(_empty())
        return cls(open_engine(f"sqlite:///{folder / 'views.db'}"))

    def given(self, history: History, sizes: Iterable[int] = (), source: str = SOURCE) -> Self:
        """Everything in `history` that was not projected yet, in batches of `sizes`, the rest in one."""
        at = self.position(source)
        for size in (*sizes, len(history.entries) + 1):
            batch = read_batch(history.log, history.keys, at, size)
            with writing(self.engine) as connection:
                advance(connection, self.views, source, batch)
            at = batch.last
        return self

    def position(self, source: str = SOURCE) -> int:
        with self.engine.connect() as connection:
            standing = tracking.positions(connection, source)
        return min(standing[view.key] for view in self.views)

    def rows(self) -> Rows:
        return rows(self.engine)

    def close(self) -> None:
        self.engine.dispose()


class Server:
    """Databases of views in PostgreSQL, which are used again and again: making one takes long."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._free: list[Engine] = []

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """A database that nobody else uses, in which all views are there and empty."""
        engine = self._free.pop() if self._free else self._make()
        _empty_tables(engine)
        try:
            yield engine
        finally:
            engine.dispose()
            self._free.append(engine)

    def _make(self) -> Engine:
        return open_engine(self._postgres.create_database(f"views_{uuid4().hex[:12]}"))


def _empty_tables(engine: Engine) -> None:
    with writing(engine) as connection:
        tracking.METADATA.create_all(connection)
        for view in catalog.LIVE:
            catalog.drop(connection, type(view)(COPY))
    catalog.prepare(engine, [SOURCE])
    with writing(engine) as connection:
        for table in (table for view in catalog.LIVE for table in view.metadata.sorted_tables):
            connection.execute(table.delete())
        connection.execute(tracking.POSITIONS.delete().where(tracking.POSITIONS.c.source != SOURCE))
        connection.execute(tracking.POSITIONS.update().values(position=0))


def rows(engine: Engine) -> Rows:
    """Every row of every table, sorted."""
    with engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for view in catalog.LIVE
            for table in view.metadata.sorted_tables
        }


@contextmanager
def all_in_use(engine: Engine) -> Iterator[None]:
    """Every connection of the engine's pool is taken, and whoever asks for one soon hears so."""
    assert isinstance(engine.pool, QueuePool)
    before_s, engine.pool._timeout = engine.pool._timeout, 0.05
    try:
        with ExitStack() as taken:
            with suppress(NoneToBeHad):
                while True:
                    taken.enter_context(engine.connect())
            yield
    finally:
        engine.pool._timeout = before_s


@cache
def _empty() -> bytes:
    """A database of empty views: making one takes longer than most examples."""
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/views.db")
        catalog.prepare(engine, [SOURCE])
        engine.dispose()
        return Path(folder, "views.db").read_bytes()
