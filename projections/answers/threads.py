"""Reading the threads: one candidate, one number.

What went out for another candidate with the same number is theirs. What came in is everybody's who has the
number, and for whoever had it, what came in until then.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from projections import cursors
from projections.answers.common import Found, page, turned, who_of
from projections.answers.pauses import bulk_paused, is_of_bulk
from projections.answers.senders import known
from projections.attachment_shapes import Attachment, AttachmentPlace
from projections.catalog import BULKS, CANDIDATES, CONSENT, THREADS
from projections.moments import maybe, moment
from projections.shapes import Page, TextPlace, Thread, ThreadMessage

_N, _P = CANDIDATES.numbers, CANDIDATES.candidates
_C, _M, _A, _S = THREADS.conversations, THREADS.messages, THREADS.attachments, CONSENT.status
_LISTING = "messages"

_Media = Mapping[str, tuple[Attachment, ...]]
"""What came with messages, by their ids."""


def threads(connection: Connection, account: str, candidate: str) -> tuple[Thread, ...]:
    """Those of the candidate's present numbers."""
    present = _threads(account, candidate).where(_N.c.removed_at.is_(None))
    rows = connection.execute(present.order_by(_N.c.added_at, _N.c.conversation)).all()
    return tuple(_thread(connection, row) for row in rows)


def thread(connection: Connection, account: str, candidate: str, number: str) -> Thread | None:
    """The one of that number, if the candidate has or had it."""
    row = _place(connection, account, candidate, number)
    return None if row is None else _thread(connection, row)


def messages(
    connection: Connection, account: str, candidate: str, number: str, cursor: str | None, limit: int
) -> Page[ThreadMessage]:
    """The thread's messages, newest first."""
    before = None if cursor is None else cursors.read(_LISTING, cursor, (int,))
    place = _place(connection, account, candidate, number)
    if place is None:
        return Page((), None)
    shown = _shown(place)
    if before is not None:
        shown = shown.where(_M.c.version < before[0])
    rows = connection.execute(shown.order_by(_M.c.version.desc()).limit(limit + 1)).all()
    media = _media(connection, account, [row.id for row in rows if row.kind != "text"])
    return page(_LISTING, rows, limit, lambda row: _message(row, place, media), lambda row: (row.version,))


def attachment(
    connection: Connection, account: str, candidate: str, number: str, sid: str, index: int
) -> AttachmentPlace | None:
    """One of what came with a reply, if the candidate's thread shows that reply."""
    place = _place(connection, account, candidate, number)
    if place is None or connection.execute(_shown(place).where(_M.c.id == sid)).first() is None:
        return None
    found = _media(connection, account, [sid]).get(sid, ())
    return next((AttachmentPlace(place.conversation, sid, one) for one in found if one.index == index), None)


def text(connection: Connection, account: str, text_id: UUID) -> TextPlace | None:
    """Where a text belongs."""
    found = select(_M, _C.c.number).join(_C, _C.c.conversation == _M.c.conversation)
    here = (_M.c.account == account) & (_M.c.id == text_id.hex) & (_M.c.kind == "text")
    row = connection.execute(found.where(here)).one_or_none()
    if row is None:
        return None
    return TextPlace(row.account, row.conversation, row.number, row.candidate, row.status)


def is_unread() -> ColumnElement[bool]:
    """Whether a message came in since somebody last read its conversation; both are part of the query."""
    return (_M.c.kind != "text") & (_M.c.version > func.coalesce(_C.c.read_version, 0))


# --- a thread ---------------------------------------------------------------------------------------


def _threads(account: str, candidate: str) -> Select[Any]:
    """Numbers that the candidate has or had, each with its conversation and consent."""
    return (
        select(_N, _P.c.name, _C.c.number, _C.c.read_version, _S.c.status, _S.c.under_review)
        .join(_C, _C.c.conversation == _N.c.conversation)
        .join(_S, _S.c.conversation == _N.c.conversation)
        .join(_P, (_P.c.account == _N.c.account) & (_P.c.candidate == _N.c.candidate))
        .where(_N.c.account == account, _N.c.candidate == candidate, _N.c.added_at.is_not(None))
        .where(_C.c.account == account)
    )


def _place(connection: Connection, account: str, candidate: str, number: str) -> Found | None:
    return connection.execute(_threads(account, candidate).where(_C.c.number == number)).first()


def _thread(connection: Connection, place: Found) -> Thread:
    last = connection.execute(_shown(place).order_by(_M.c.version.desc()).limit(1)).first()
    of_conversation = _M.c.conversation == place.conversation
    texted = select(_M.c.version).where(of_conversation, _counts_as_texted()).limit(1)
    unread = select(func.count()).select_from(_M.join(_C, _C.c.conversation == _M.c.conversation))
    return Thread(
        candidate=place.candidate,
        number=place.number,
        conversation=place.conversation,
        name=place.name,
        region=place.region,
        time_zone=place.time_zone,
        removed_at=maybe(place.removed_at),
        consent=place.status,
        under_review=place.under_review,
        texted=connection.scalar(texted) is not None,
        sender=known(connection, [place.conversation]).get(place.conversation),
        unread=connection.scalar(unread.where(of_conversation, is_unread(), _until(place))) or 0,
        last=None if last is None else _message(last, place, _media(connection, place.account, [last.id])),
    )


def _counts_as_texted() -> ColumnElement[bool]:
    """Whether the carrier took a text of ours, or still may: what decides which text is the first."""
    on_its_way = _M.c.status.in_(("queued", "scheduled", "sending", "in_doubt"))
    return (_M.c.kind == "text") & (_M.c.purpose == "message") & (_M.c.sid.is_not(None) | on_its_way)


# --- its messages -----------------------------------------------------------------------------------


def _shown(place: Found) -> Select[Any]:
    everybodys = _M.c.candidate.is_(None) & _until(place)
    own = _M.c.candidate == place.candidate
    here = (_M.c.conversation == place.conversation) & (_M.c.account == place.account)
    told = select(_M, bulk_paused()).outerjoin(BULKS.bulks, is_of_bulk())
    return told.where(here, or_(own, everybodys))


def _until(place: Found) -> ColumnElement[bool]:
    """Before the candidate's part in the conversation ended, if it did."""
    return _M.c.version >= 0 if place.left_version is None else _M.c.version < place.left_version


def _media(connection: Connection, account: str, ids: Collection[str]) -> _Media:
    found: dict[str, tuple[Attachment, ...]] = defaultdict(tuple)
    if ids:
        theirs = select(_A).where(_A.c.account == account, _A.c.id.in_(ids)).order_by(_A.c.id, _A.c.place)
        for row in connection.execute(theirs):
            found[row.id] += (_attachment(row),)
    return found


def _attachment(row: Found) -> Attachment:
    return Attachment(
        index=row.place,
        content_type=row.content_type,
        url=row.url,
        state=row.state,
        size_bytes=row.size_bytes,
        picture=row.picture,
        reason=row.reason,
    )


def _message(row: Found, place: Found, media: _Media) -> ThreadMessage:
    came_in = row.kind != "text"
    status_at, status_by = turned(row)
    return ThreadMessage(
        id=row.id if came_in else str(UUID(row.id)),
        version=row.version,
        kind=row.kind,
        status=row.status,
        body=row.body,
        at=moment(row.at),
        by=who_of(row),
        candidate=row.candidate,
        bulk=None if row.bulk is None else UUID(row.bulk),
        bulk_paused=row.bulk_paused,
        encoding=row.encoding,
        segments=row.segments,
        purpose=row.purpose,
        send_at=maybe(row.send_at),
        delay=row.delay,
        overrides_quiet_hours=bool(row.overrides_quiet_hours),
        sid=row.sid,
        status_at=status_at,
        status_by=status_by,
        code=row.code,
        reason=row.reason,
        action=row.action,
        keyword=row.keyword,
        media=media.get(row.id, ()),
        flagged=bool(row.flagged),
        unread=came_in and row.version > (place.read_version or 0),
    )
