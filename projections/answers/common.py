"""What all answers share."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row

from projections import cursors
from projections.moments import moment
from projections.shapes import Page, Who

PAGE_MAX = 200

T = TypeVar("T")

Found = Row[Any]


def who_of(row: Found, prefix: str = "by") -> Who:
    """The actor in the columns that begin with `prefix`."""
    found = row._mapping
    return Who(found[f"{prefix}_kind"], found[f"{prefix}_id"], found[f"{prefix}_name"])


def turned(row: Found) -> tuple[datetime, Who]:
    """When a message's status came about, and by whom: with the message, where nothing was told since."""
    if row.status_at is None:
        return moment(row.at), who_of(row)
    return moment(row.status_at), who_of(row, "status_by")


def bounded(limit: int) -> int:
    """`limit`, held to 1..PAGE_MAX."""
    return max(1, min(limit, PAGE_MAX))


def page(
    listing: str,
    rows: Sequence[Found],
    limit: int,
    shape: Callable[[Found], T],
    place: Callable[[Found], cursors.Place],
) -> Page[T]:
    """The first `limit` of `rows`, of which one more was asked for, to see whether another page follows."""
    more = len(rows) > limit
    kept = rows[:limit]
    return Page(
        items=tuple(shape(row) for row in kept),
        next=cursors.write(listing, place(kept[-1])) if more else None,
    )
