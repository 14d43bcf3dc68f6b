"""Reading the bulks, and counting what became of their texts."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import Connection, func, select

from projections import cursors
from projections.answers.common import Found, page, who_of
from projections.bulk_shapes import Bulk
from projections.catalog import BULKS, THREADS
from projections.moments import maybe, moment
from projections.shapes import Page

_B, _M = BULKS.bulks, THREADS.messages
_LISTING = "bulks"

_COUNTED_AS: Mapping[str, str] = MappingProxyType(
    {
        "queued": "waiting",
        "scheduled": "waiting",
        "sending": "sending",
        "in_doubt": "sending",
        "sent": "sent",
        "delivered": "delivered",
        "undelivered": "failed",
        "failed": "failed",
        "cancelled": "cancelled",
        "unknown": "unknown",
    }
)
"""By a message's status."""


def bulk(connection: Connection, account: str, bulk: UUID) -> Bulk | None:
    """The bulk of that id."""
    here = (_B.c.account == account) & (_B.c.bulk == bulk.hex)
    row = connection.execute(select(_B).where(here)).one_or_none()
    if row is None:
        return None
    return _bulk(row, _counts(connection, account, [row.bulk])[row.bulk])


def bulks(connection: Connection, account: str, cursor: str | None, limit: int) -> Page[Bulk]:
    """All of them, newest first."""
    found = select(_B).where(_B.c.account == account)
    if cursor is not None:
        started_at, last = cursors.read(_LISTING, cursor, (int, str))
        earlier = (_B.c.started_at == started_at) & (_B.c.bulk < last)
        found = found.where((_B.c.started_at < started_at) | earlier)
    ordered = found.order_by(_B.c.started_at.desc(), _B.c.bulk.desc())
    rows = connection.execute(ordered.limit(limit + 1)).all()
    counts = _counts(connection, account, [row.bulk for row in rows])
    return page(
        _LISTING,
        rows,
        limit,
        lambda row: _bulk(row, counts[row.bulk]),
        lambda row: (row.started_at, row.bulk),
    )


def _counts(connection: Connection, account: str, bulks: Sequence[str]) -> Mapping[str, Counter[str]]:
    """By bulk: how many of its texts are in which state."""
    theirs = (_M.c.account == account) & _M.c.bulk.in_(bulks)
    question = select(_M.c.bulk, _M.c.status, func.count().label("texts")).where(theirs)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in connection.execute(question.group_by(_M.c.bulk, _M.c.status)):
        counts[row.bulk][_COUNTED_AS[row.status]] += row.texts
    return counts


def _bulk(row: Found, counts: Counter[str]) -> Bulk:
    done = counts["waiting"] == 0 == counts["sending"]
    return Bulk(
        bulk=UUID(row.bulk),
        body=row.body,
        send_at=maybe(row.send_at),
        state="finished" if done and row.state != "cancelled" else row.state,
        cause=None if done else row.cause,
        started_at=moment(row.started_at),
        by=who_of(row),
        state_at=moment(row.state_at),
        state_by=who_of(row, "state_by"),
        total=row.total,
        refused=row.refused,
        waiting=counts["waiting"],
        sending=counts["sending"],
        sent=counts["sent"],
        delivered=counts["delivered"],
        failed=counts["failed"],
        cancelled=counts["cancelled"],
        unknown=counts["unknown"],
        opted_out=row.opted_out,
    )
