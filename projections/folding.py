"""Folding a batch into views: rows and positions move together, in one transaction."""

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection

from projections.source import Batch
from projections.tracking import PositionMoved, move, positions
from projections.view import View
from projections.writing import Writes


def advance(connection: Connection, views: Collection[View], source: str, batch: Batch) -> None:
    """Bring `views` to the end of `batch`. Each takes only what it has not had yet.

    Raises:
        PositionMoved: events are missing between a view's position and the batch, or another writer was
            faster. The transaction must be rolled back.
    """
    standing = positions(connection, source)
    groups: dict[int, list[View]] = defaultdict(list)
    for view in views:
        groups[standing.get(view.key, -1)].append(view)
    for position, group in groups.items():
        if position < batch.after:
            raise PositionMoved
        if position < batch.last:
            move(connection, [view.key for view in group], source, position, batch.last)
            _fold(connection, group, batch, position)


def _fold(connection: Connection, views: Collection[View], batch: Batch, after: int) -> None:
    events = batch.since(after)
    for view in views:
        writes = Writes(connection)
        view.fold(writes, events)
        writes.flush()
