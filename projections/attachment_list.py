"""What a shard's fetcher works from: attachments of all its accounts that are not fetched yet."""

from sqlalchemy import Engine, select, tuple_

from projections.attachment_shapes import WaitingAttachment
from projections.catalog import THREADS
from projections.moments import micros, moment

_A, _C = THREADS.attachments, THREADS.conversations
_ORDER = (_A.c.waiting_since, _A.c.account, _A.c.id, _A.c.place)


class AttachmentList:
    """Answers block for about a millisecond; ask from any thread."""

    def __init__(self, engine: Engine, shard: int = 0) -> None:
        """Of `shard` alone: another's are for its own worker to fetch."""
        self._engine = engine
        self._shard = shard

    def waiting(self, after: WaitingAttachment | None, limit: int) -> list[WaitingAttachment]:
        """At most `limit` of them, the oldest first; those that come after that one."""
        waiting = select(_A, _C.c.number).join(_C, _C.c.conversation == _A.c.conversation)
        waiting = waiting.where(_A.c.shard == self._shard, _A.c.waiting_since.is_not(None))
        if after is not None:
            place = (micros(after.since), after.account, after.sid, after.index)
            waiting = waiting.where(_A.c.waiting_since >= place[0], tuple_(*_ORDER) > place)
        with self._engine.connect() as connection:
            rows = connection.execute(waiting.order_by(*_ORDER).limit(limit)).all()
        return [
            WaitingAttachment(
                account=row.account,
                conversation=row.conversation,
                number=row.number,
                sid=row.id,
                index=row.place,
                url=row.url,
                content_type=row.content_type,
                since=moment(row.waiting_since),
            )
            for row in rows
        ]
