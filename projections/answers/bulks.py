"""Reading the bulks, and what became of their texts."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, Subquery, func, select, union_all

from projections import cursors
from projections.answers.common import Found, page, turned, who_of
from projections.answers.pauses import bulk_paused, is_of_bulk
from projections.bulk_shapes import STATUSES, Bulk, BulkText
from projections.catalog import BULKS, CANDIDATES, THREADS
from projections.moments import maybe, moment
from projections.shapes import MessageStatus, Page

_B, _P, _C, _M = BULKS.bulks, CANDIDATES.candidates, THREADS.conversations, THREADS.messages
_LISTING, _TEXTS = "bulks", "bulk-texts"

_COUNTED_AS: Mapping[str, str] = MappingProxyType(
    {status: count for count, statuses in STATUSES.items() for status in statuses}
)
"""By a message's status."""
EVERY_STATUS: tuple[MessageStatus, ...] = tuple(status for some in STATUSES.values() for status in some)
"""Those that a bulk's text can have."""


def bulk(connection: Connection, account: str, bulk: UUID) -> Bulk | None:
    """The bulk of that id."""
    row = connection.execute(select(_B).where(_is(account, bulk))).one_or_none()
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


def texts(
    connection: Connection,
    account: str,
    bulk: UUID,
    statuses: Collection[MessageStatus],
    cursor: str | None,
    limit: int,
) -> Page[BulkText] | None:
    """The bulk's texts of those statuses, of any if there are none, ordered by their ids."""
    after = "" if cursor is None else str(cursors.read(_TEXTS, cursor, (str,))[0])
    if connection.execute(select(_B.c.bulk).where(_is(account, bulk))).first() is None:
        return None
    chosen = _chosen(account, bulk.hex, after, statuses or EVERY_STATUS, limit + 1)
    rows = connection.execute(_told(account, chosen)).all()
    return page(_TEXTS, rows, limit, _text, lambda row: (row.id,))


def _is(account: str, bulk: UUID) -> ColumnElement[bool]:
    return (_B.c.account == account) & (_B.c.bulk == bulk.hex)


def _chosen(account: str, bulk: str, after: str, statuses: Collection[MessageStatus], limit: int) -> Subquery:
    """The ids of the next texts of each status, each found where it stands in the index, put together."""
    theirs = select(_M.c.id).where(_M.c.account == account, _M.c.bulk == bulk, _M.c.id > after)
    found = (
        theirs.where(_M.c.status == status).order_by(_M.c.id).limit(limit).subquery()
        for status in dict.fromkeys(statuses)
    )
    together = union_all(*(select(one.c.id) for one in found)).subquery()
    return select(together.c.id).order_by(together.c.id).limit(limit).subquery("chosen")


def _told(account: str, chosen: Subquery) -> Select[Any]:
    """Those texts with their recipients, and with their bulk, which may be paused."""
    return (
        select(_M, _C.c.number, _P.c.name, bulk_paused())
        .join(chosen, chosen.c.id == _M.c.id)
        .join(_C, _C.c.conversation == _M.c.conversation)
        .outerjoin(_P, (_P.c.account == _M.c.account) & (_P.c.candidate == _M.c.candidate))
        .outerjoin(_B, is_of_bulk())
        .where(_M.c.account == account)
        .order_by(_M.c.id)
    )


def _text(row: Found) -> BulkText:
    status_at, status_by = turned(row)
    return BulkText(
        text_id=UUID(row.id),
        candidate=row.candidate,
        name=row.name,
        number=row.number,
        status=row.status,
        at=moment(row.at),
        segments=row.segments,
        send_at=maybe(row.send_at),
        delay=row.delay,
        bulk_paused=row.bulk_paused,
        status_at=status_at,
        status_by=status_by,
        code=row.code,
        reason=row.reason,
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
