"""Whether views equal a replay of their logs from the beginning."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, Engine, Table, select

from projections import catalog
from projections.engine import writing
from projections.folding import advance
from projections.rebuilding import Progress, require_all
from projections.source import Batch, EventSource, read_batch
from projections.tracking import of_view
from projections.view import View
from schemas.sealing import Keys

BATCH_MAX = 1_000
ROWS_READ_MAX = 1_000


class SourceEnded(Exception):
    """A source holds less than the views show of it."""


def differences(
    served: Connection,
    fresh: Engine,
    sources: Mapping[str, EventSource],
    keys: Keys,
    progress: Progress,
) -> list[str]:
    """The names of the tables that differ from a replay of `sources` into `fresh`, an empty database.

    What is compared is the moment that `served`, a transaction, sees: each view where it stands then.
    Progress is counted in events, of all sources.

    Raises:
        SourcesMissing: the views show sources that were not given.
        SourceEnded: a source holds less than was shown of it.
        Unfoldable: an event cannot be projected.
    """
    views = catalog.LIVE
    catalog.prepare(fresh, sources, views)
    ends = {view: of_view(served, view.key) for view in views}
    for view, end in ends.items():
        require_all(view, end, sources)
    total, done = sum(max(end.get(name, 0) for end in ends.values()) for name in sources), 0
    for name, source in sources.items():
        for moved in _replay(fresh, name, source, keys, {view: ends[view].get(name, 0) for view in views}):
            done += moved
            progress(done, total)
    with fresh.connect() as replayed:
        return [table.name for table in _tables(views) if not _same(served, replayed, table)]


def _replay(
    fresh: Engine, name: str, source: EventSource, keys: Keys, ends: Mapping[View, int]
) -> Iterator[int]:
    """Bring each view to its end in the source; how far each batch led."""
    at = 0
    for goal in sorted({*ends.values()}):
        views = [view for view, end in ends.items() if end >= goal]
        while at < goal:
            batch = _up_to(goal, read_batch(source, keys, at, BATCH_MAX))
            if not batch.events:
                raise SourceEnded(f"{name} ends at {at}; its views stand at {goal}.")
            with writing(fresh) as connection:
                advance(connection, views, name, batch)
            yield batch.last - at
            at = batch.last


def _up_to(goal: int, batch: Batch) -> Batch:
    return Batch(batch.after, [event for event in batch.events if event[0] <= goal])


def _tables(views: tuple[View, ...]) -> list[Table]:
    return [table for view in views for table in view.metadata.sorted_tables]


def _same(served: Connection, replayed: Connection, table: Table) -> bool:
    """Row by row, in the order of the primary key, without holding either table in memory."""
    in_order = select(table).order_by(*table.primary_key.columns)
    with (
        served.execute(in_order, execution_options=_BY_PAGES) as lefts,
        replayed.execute(in_order, execution_options=_BY_PAGES) as rights,
    ):
        return all(tuple(a or ()) == tuple(b or ()) for a, b in zip_longest(lefts, rights))


_BY_PAGES: Mapping[str, Any] = {"yield_per": ROWS_READ_MAX}
