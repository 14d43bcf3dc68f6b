"""What a shard's dispatcher and scheduler work from: texts of all its accounts whose end is not known.

Each question reads an index of the view, so its cost follows what it finds, not what is waiting: an account
is found at once behind however many texts of another. Of texts whose hand-over has begun there may be more
than anybody takes at once: who asks for those `behind` the last of a page gets the next.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Engine, Integer, Select, bindparam, func, literal, select, tuple_

from projections.answers.common import Found
from projections.answers.senders import foretold
from projections.catalog import OPEN_TEXTS, THREADS
from projections.moments import maybe, micros, moment
from projections.shapes import URGENCIES, OpenState, OpenText, Sender, Urgency, Waiting
from projections.view import TEXT
from schemas.base import FIRST_CARRIER

_T, _C, _M = OPEN_TEXTS.texts, THREADS.conversations, THREADS.messages


class Worklist:
    """Answers block for about a millisecond; ask from any thread. Every list is at most `limit` long."""

    def __init__(self, engine: Engine, shard: int = 0) -> None:
        """Of `shard` alone: another's texts are for its own worker to hand over."""
        self._engine = engine
        self._shard = shard

    def due(self, now: datetime, limit: int) -> list[OpenText]:
        """Texts to hand over now, the longest due first; none of an account whose sending is stopped."""
        return self._ask(_DUE, now=micros(now), limit=limit)

    def next_due(self, after: datetime) -> datetime | None:
        """When the first text after that moment is due; none: nothing is scheduled."""
        with self._engine.connect() as connection:
            return maybe(connection.scalar(_NEXT_DUE, {"shard": self._shard, "after": micros(after)}))

    def due_of(self, account: str, urgency: Urgency, now: datetime, limit: int) -> list[OpenText]:
        """As `due`, but of one account, and of one urgency."""
        return self._ask(_DUE_OF, account=account, urgency=urgency, now=micros(now), limit=limit)

    def waiting(self, after: str, limit: int) -> list[Waiting]:
        """Accounts with texts that wait, now or for later, by name; those whose names come after `after`."""
        asked = {"shard": self._shard, "after": after, "limit": limit}
        with self._engine.connect() as connection:
            rows = connection.execute(_WAITING, asked).all()
        return [Waiting(account, tuple(map(maybe, due_at))) for account, *due_at in rows]

    def dispatching(self, before: datetime, limit: int, behind: OpenText | None = None) -> list[OpenText]:
        """Texts whose hand-over began before that moment and has not ended since, the oldest first."""
        return self._since("dispatching", before, limit, behind)

    def in_doubt(self, before: datetime, limit: int, behind: OpenText | None = None) -> list[OpenText]:
        """Texts in doubt whose hand-over began before that moment, the oldest first."""
        return self._since("in_doubt", before, limit, behind)

    def known(self, conversation: str, sids: Collection[str]) -> frozenset[str]:
        """Those of the carrier's `sids` that a text of the conversation has already, settled or not."""
        ours = select(_M.c.sid).where(_M.c.conversation == conversation, _M.c.kind == "text")
        with self._engine.connect() as connection:
            return frozenset(connection.scalars(ours.where(_M.c.sid.in_(list(sids)))))

    def awaiting_status(self, before: datetime, limit: int, behind: OpenText | None = None) -> list[OpenText]:
        """Texts whose hand-over began before that moment and whose end was not reported, the oldest first."""
        return self._since("sent", before, limit, behind)

    def uncounted(self, before: datetime, limit: int, behind: OpenText | None = None) -> list[OpenText]:
        """Texts that have ended, not counted by the carrier, whose hand-over began before that moment."""
        return self._since("uncounted", before, limit, behind)

    def _since(
        self, state: OpenState, before: datetime, limit: int, behind: OpenText | None
    ) -> list[OpenText]:
        since, text_id = (0, "") if behind is None else (micros(behind.since), behind.text_id.hex)
        asked = {"state": state, "before": micros(before), "limit": limit}
        return self._ask(_SINCE, **asked, since=since, text_id=text_id)

    def _ask(self, question: Select[Any], **asked: object) -> list[OpenText]:
        with self._engine.connect() as connection:
            rows = connection.execute(question, {"shard": self._shard, **asked}).all()
            likely = foretold(connection, [row for row in rows if row.sender is None])
        return [_open_text(row, likely.get(row.conversation)) for row in rows]


# Made once: they are asked at every look, and to make one takes longer than to answer it.
_LIMIT = bindparam("limit", type_=Integer)
_OURS = _T.c.shard == bindparam("shard")
_WAIT = _OURS & _T.c.held.is_(False)
_DUE_NOW = _WAIT & (_T.c.due_at <= bindparam("now"))
_TEXTS = select(_T, _C.c.number, _C.c.region).join(_C, _C.c.conversation == _T.c.conversation)
_DUE = _TEXTS.where(_DUE_NOW).order_by(_T.c.due_at).limit(_LIMIT)
_THEIRS = (_T.c.account == bindparam("account")) & (_T.c.urgency == bindparam("urgency"))
_DUE_OF = _TEXTS.where(_DUE_NOW, _THEIRS).order_by(_T.c.due_at).limit(_LIMIT)
_NEXT_DUE = select(_T.c.due_at).where(_WAIT, _T.c.due_at > bindparam("after")).order_by(_T.c.due_at).limit(1)
_BEGUN = (_T.c.state == bindparam("state")) & (_T.c.begun_at < bindparam("before"))
_PLACE = (_T.c.begun_at, _T.c.text_id)
_BEHIND = tuple_(*_PLACE) > tuple_(bindparam("since"), bindparam("text_id"))
_SINCE = _TEXTS.where(_OURS, _BEGUN, _BEHIND).order_by(*_PLACE).limit(_LIMIT)


def _accounts_waiting() -> Select[Any]:
    """From account to account along the index, whatever the number of texts of each."""
    of_shard = _WAIT & _T.c.due_at.is_not(None)

    def following(account: ColumnElement[str]) -> ColumnElement[str | None]:
        first = select(func.min(_T.c.account)).where(of_shard, _T.c.account > account)
        return first.correlate_except(_T).scalar_subquery()

    visited = select(
        following(bindparam("after", type_=TEXT)).label("account"), literal(1).label("place")
    ).cte("visited", recursive=True)
    step = select(following(visited.c.account), visited.c.place + 1)
    visited = visited.union_all(
        step.where(visited.c.account.is_not(None), visited.c.place < bindparam("limit"))
    )
    firsts = (
        select(func.min(_T.c.due_at))
        .where(of_shard, _T.c.account == visited.c.account, _T.c.urgency == urgency)
        .correlate_except(_T)
        .scalar_subquery()
        for urgency in URGENCIES
    )
    return select(visited.c.account, *firsts).where(visited.c.account.is_not(None))


_WAITING = _accounts_waiting()


def _open_text(row: Found, likely: Sender | None) -> OpenText:
    sender, carrier = row.sender, row.carrier
    if sender is None and likely is not None:
        sender, carrier = likely.sender, likely.carrier
    return OpenText(
        text_id=UUID(row.text_id),
        account=row.account,
        conversation=row.conversation,
        number=row.number,
        candidate=row.candidate,
        body=row.body,
        sender=sender,
        carrier=carrier or FIRST_CARRIER,
        purpose=row.purpose,
        bulk=None if row.bulk is None else UUID(row.bulk),
        segments=row.segments,
        state=row.state,
        due_at=maybe(row.due_at),
        attempt=row.attempt,
        sid=row.sid,
        since=moment(row.waiting_since if row.begun_at is None else row.begun_at),
        traceparent=row.traceparent,
    )
