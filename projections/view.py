"""A view: tables, and how events change them."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from sqlalchemy import Column, Index, MetaData, String, Table

from projections.writing import Row, Writes
from schemas.actors import Actor
from schemas.events import Event, Recorded

TEXT = String().with_variant(String(collation="C"), "postgresql")
"""Text, which both databases compare byte by byte, whatever the server's language."""

Fold = Callable[[Writes, Recorded, Any], None]
"""What one kind of event does; the event is passed along, so that its class is known."""

COPY = "_next"
"""What the names of a copy carry until it takes over."""
OLD = "_old"
"""What the names carry of the one it took over from, until it is dropped."""


class View:
    """A view's tables under the names they have, and its folds by class of event.

    A subclass names itself and gives its tables and folds. `VERSION` goes up with every change of either;
    the tables' names carry it, so that two versions can stand side by side.
    """

    NAME: ClassVar[str]
    VERSION: ClassVar[int]

    def __init__(self, copy: str = "", generation: int = 1) -> None:
        """The view itself, or with `COPY` the copy that is built beside it.

        `generation` counts the copies that were ever made. It is part of the indexes' names, since an index
        keeps its name when its table takes over.
        """
        self.key = f"{self.NAME}_v{self.VERSION}{copy}"
        """What its position is kept under, and how its tables' names begin."""
        self.metadata = MetaData()
        self._generation = generation
        self.folds = self._folds()
        """What each kind of event does; other events are none of this view's business."""

    def _folds(self) -> Mapping[type[Event], Fold]:
        raise NotImplementedError

    def _table(self, name: str, *columns: Column[Any], **options: Any) -> Table:
        return Table(f"{self.key}_{name}", self.metadata, *columns, **options)

    def _index(self, name: str, *columns: Column[Any]) -> Index:
        return Index(self._index_name(name), *columns)

    def _partial_index(
        self, name: str, column: Column[Any], *before: Column[Any], then: tuple[Column[Any], ...] = ()
    ) -> Index:
        """An index on `before`, `column` and `then` of those rows alone that have a value in `column`."""
        there, columns = column.is_not(None), (*before, column, *then)
        return Index(self._index_name(name), *columns, sqlite_where=there, postgresql_where=there)

    def _index_name(self, name: str) -> str:
        return f"{self.NAME}_v{self.VERSION}_{name}_{self._generation}"


def who_columns(prefix: str = "by") -> tuple[Column[Any], Column[Any], Column[Any]]:
    """Columns for an actor: kind, id and name."""
    return (
        Column(f"{prefix}_kind", TEXT),
        Column(f"{prefix}_id", TEXT),
        Column(f"{prefix}_name", TEXT),
    )


def who(actor: Actor, prefix: str = "by") -> Row:
    """`actor` as those columns."""
    return {f"{prefix}_kind": actor.kind, f"{prefix}_id": actor.id, f"{prefix}_name": actor.name}
