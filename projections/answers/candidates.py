"""Reading the candidates, and what their followers were told."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, Select, func, select, tuple_

from projections import cursors
from projections.answers.common import Found, page
from projections.answers.threads import is_unread
from projections.candidate_shapes import Candidate, CandidateLine, Number, NumberLine
from projections.catalog import CANDIDATES, CONSENT, NOTIFICATIONS, THREADS
from projections.moments import maybe, moment
from projections.shapes import Notification, Page

_C, _N, _F = CANDIDATES.candidates, CANDIDATES.numbers, CANDIDATES.followers
_CONV, _M, _S = THREADS.conversations, THREADS.messages, CONSENT.status
_TOLD = NOTIFICATIONS.notifications
_CANDIDATES, _NOTIFICATIONS = "candidates", "notifications"


def candidates(connection: Connection, account: str, cursor: str | None, limit: int) -> Page[CandidateLine]:
    """The account's candidates, newest first."""
    wanted = select(_C).where(_C.c.account == account)
    order = tuple_(_C.c.added_at, _C.c.candidate)
    if cursor is not None:
        wanted = wanted.where(order < tuple_(*cursors.read(_CANDIDATES, cursor, (int, str))))
    newest = wanted.order_by(_C.c.added_at.desc(), _C.c.candidate.desc())
    rows = connection.execute(newest.limit(limit + 1)).all()
    shown = [row.candidate for row in rows[:limit]]
    numbers, unread = _present(connection, account, shown), _unread(connection, account, shown)

    def line(row: Found) -> CandidateLine:
        theirs = numbers[row.candidate]
        return CandidateLine(row.candidate, row.name, tuple(theirs), unread.get(row.candidate, 0))

    return page(_CANDIDATES, rows, limit, line, lambda row: (row.added_at, row.candidate))


def candidate(connection: Connection, account: str, candidate: str) -> Candidate | None:
    """One candidate."""
    here = (_C.c.account == account) & (_C.c.candidate == candidate)
    row = connection.execute(select(_C).where(here)).one_or_none()
    if row is None:
        return None
    numbers = _numbers(connection, account, [candidate])[candidate]
    followers = select(_F.c.member).where(_F.c.account == account, _F.c.candidate == candidate)
    return Candidate(
        candidate=row.candidate,
        name=row.name,
        added_at=moment(row.added_at),
        numbers=tuple(sorted(numbers, key=lambda number: number.removed_at is not None)),
        followers=tuple(connection.scalars(followers.order_by(_F.c.member))),
    )


def notifications(
    connection: Connection, account: str, member: str, cursor: str | None, limit: int
) -> Page[Notification]:
    """What the member was told, newest first."""
    here = (_CONV.c.conversation == _TOLD.c.conversation) & (_CONV.c.account == account)
    told: Select[tuple[object, ...]] = select(_TOLD, _CONV.c.number).outerjoin(_CONV, here)
    told = told.where(_TOLD.c.account == account, _TOLD.c.member == member)
    order = (_TOLD.c.position, _TOLD.c.stream, _TOLD.c.version)
    if cursor is not None:
        place = cursors.read(_NOTIFICATIONS, cursor, (int, str, int))
        told = told.where(tuple_(*order) < tuple_(*place))
    rows = connection.execute(told.order_by(*(column.desc() for column in order)).limit(limit + 1)).all()
    return page(
        _NOTIFICATIONS, rows, limit, _notification, lambda row: (row.position, row.stream, row.version)
    )


def _present(
    connection: Connection, account: str, candidates: Collection[str]
) -> Mapping[str, list[NumberLine]]:
    """The numbers that each of `candidates` has now, oldest first, with their consent."""
    found = (
        select(_N.c.candidate, _CONV.c.number, _S.c.status, _S.c.under_review)
        .join(_CONV, _CONV.c.conversation == _N.c.conversation)
        .join(_S, _S.c.conversation == _N.c.conversation)
        .where(_N.c.account == account, _N.c.candidate.in_(candidates))
        .where(_N.c.added_at.is_not(None), _N.c.removed_at.is_(None))
    )
    numbers: dict[str, list[NumberLine]] = defaultdict(list)
    for row in connection.execute(found.order_by(_N.c.added_at, _N.c.conversation)):
        numbers[row.candidate].append(NumberLine(row.number, row.status, row.under_review))
    return numbers


def _numbers(connection: Connection, account: str, candidates: Collection[str]) -> Mapping[str, list[Number]]:
    """The numbers of each of `candidates`, oldest first."""
    both = select(_N, _CONV.c.number).join(_CONV, _CONV.c.conversation == _N.c.conversation)
    theirs = both.where(_N.c.account == account, _N.c.candidate.in_(candidates), _N.c.added_at.is_not(None))
    numbers: dict[str, list[Number]] = defaultdict(list)
    for row in connection.execute(theirs.order_by(_N.c.added_at, _N.c.conversation)):
        numbers[row.candidate].append(_number(row))
    return numbers


def _unread(connection: Connection, account: str, candidates: Collection[str]) -> Mapping[str, int]:
    """How many replies and keywords in the present threads of each of `candidates` nobody has read."""
    found = (
        select(_N.c.candidate, func.count().label("unread"))
        .join(_CONV, _CONV.c.conversation == _N.c.conversation)
        .join(_M, _M.c.conversation == _N.c.conversation)
        .where(_N.c.account == account, _N.c.candidate.in_(candidates), _N.c.removed_at.is_(None))
        .where(is_unread())
        .group_by(_N.c.candidate)
    )
    return {row.candidate: row.unread for row in connection.execute(found)}


def _number(row: Found) -> Number:
    return Number(
        number=row.number,
        conversation=row.conversation,
        region=row.region,
        time_zone=row.time_zone,
        added_at=moment(row.added_at),
        removed_at=maybe(row.removed_at),
    )


def _notification(row: Found) -> Notification:
    return Notification(
        id=f"{row.stream}.{row.version}",
        member=row.member,
        candidate=row.candidate,
        conversation=row.conversation,
        number=row.number,
        about=row.about,
        sid=row.sid,
        at=moment(row.at),
    )
