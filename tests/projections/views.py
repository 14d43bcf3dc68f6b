"""Views in a file of their own, to be given histories and asked questions."""

from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from sqlalchemy import Engine, select

from projections import catalog, tracking
from projections.engine import open_engine, writing
from projections.folding import advance
from projections.queries import Queries
from projections.source import read_batch
from projections.view import View
from projections.worklist import Worklist
from tests.projections.history import History

SOURCE = "shard-0"

Rows = dict[str, list[tuple[Any, ...]]]


class Views:
    """All views, empty at first."""

    views: Collection[View] = catalog.LIVE

    def __init__(self, folder: Path) -> None:
        (folder / "views.db").write_bytes(_empty())
        self.engine = open_engine(f"sqlite:///{folder / 'views.db'}")
        self.ask = Queries(self.engine)
        self.worklist = Worklist(self.engine)

    def given(self, history: History, sizes: Iterable[int] = ()) -> Self:
        """Everything in `history` that was not projected yet, in batches of `sizes`, the rest in one."""
        at = self.position()
        for size in (*sizes, len(history.entries) + 1):
            batch = read_batch(history.log, history.keys, at, size)
            with writing(self.engine) as connection:
                advance(connection, self.views, SOURCE, batch)
            at = batch.last
        return self

    def position(self) -> int:
        with self.engine.connect() as connection:
            standing = tracking.positions(connection, SOURCE)
        return min(standing[view.key] for view in self.views)

    def rows(self) -> Rows:
        return rows(self.engine)

    def close(self) -> None:
        self.engine.dispose()


def rows(engine: Engine) -> Rows:
    """Every row of every table, sorted."""
    with engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for view in catalog.LIVE
            for table in view.metadata.sorted_tables
        }


@cache
def _empty() -> bytes:
    """A database of empty views: making one takes longer than most examples."""
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/views.db")
        catalog.prepare(engine, SOURCE)
        engine.dispose()
        return Path(folder, "views.db").read_bytes()
