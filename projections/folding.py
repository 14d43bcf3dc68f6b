"""Folding a batch into views: rows and positions move together, in one transaction."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import lru_cache

from sqlalchemy import Connection

from projections.source import Batch
from projections.tracking import PositionMoved, hold, move
from projections.view import Fold, View
from projections.writing import Writes
from schemas.events import Event


def advance(connection: Connection, views: Collection[View], source: str, batch: Batch) -> None:
    """Bring `views` to the end of `batch`. Each takes only what it has not had yet.

    Raises:
        PositionMoved: events are missing between a view's position and the batch, or another writer was
            faster. The transaction must be rolled back.
    """
    standing = hold(connection, [view.key for view in views], source)
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
    folds, writes = _folds_of(tuple(views)), Writes(connection)
    for recorded in batch.since(after):
        event = recorded.event
        for fold in folds.get(type(event), ()):
            fold(writes, recorded, event)
    writes.flush()


@lru_cache(maxsize=64)
def _folds_of(views: tuple[View, ...]) -> Mapping[type[Event], tuple[Fold, ...]]:
    """What each kind of event does to all of `views`: so that an event is looked up once, not once a view."""
    folds: dict[type[Event], tuple[Fold, ...]] = defaultdict(tuple)
    for view in views:
        for kind, fold in view.folds.items():
            folds[kind] += (fold,)
    return dict(folds)
