"""The bulks view: texts for many, who started them, and whether they go on.

How far a bulk has come is counted from the messages of its texts (projections.threads), when it is asked.
"""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Integer

from projections.moments import micros
from projections.view import TEXT, Fold, View, who, who_columns
from projections.writing import Row, Writes
from schemas.events import (
    BulkCancelled,
    BulkCounted,
    BulkPaused,
    BulkResumed,
    BulkStarted,
    Event,
    Recorded,
)


class Bulks(View):
    """`bulks`: a row each, for ever. `state` knows nothing of texts that wait; whoever asks must look."""

    NAME = "bulks"
    VERSION = 1

    def __init__(self, copy: str = "", generation: int = 1) -> None:
        super().__init__(copy, generation)
        self.bulks = self._table(
            "bulks",
            Column("account", TEXT, primary_key=True),
            Column("bulk", TEXT, primary_key=True),
            Column("body", TEXT, nullable=False),
            Column("send_at", BigInteger),
            Column("total", Integer, nullable=False),
            Column("refused", Integer, nullable=False),
            Column("opted_out", Integer, nullable=False),
            Column("started_at", BigInteger, nullable=False),
            *who_columns(),
            Column("state", TEXT, nullable=False),
            Column("cause", TEXT),
            Column("state_at", BigInteger, nullable=False),
            *who_columns("state_by"),
            sqlite_with_rowid=False,
        )
        self._index("started", self.bulks.c.account, self.bulks.c.started_at, self.bulks.c.bulk)

    def _folds(self) -> Mapping[type[Event], Fold]:
        return {
            BulkStarted: self._started,
            BulkCounted: self._counted,
            BulkPaused: self._paused,
            BulkResumed: self._resumed,
            BulkCancelled: self._cancelled,
        }

    def _started(self, writes: Writes, recorded: Recorded, event: BulkStarted) -> None:
        context = recorded.context
        row = {
            "account": context.account,
            "bulk": event.bulk.hex,
            "body": event.body,
            "send_at": None if event.send_at is None else micros(event.send_at),
            "total": len(event.conversations) + event.refused,
            "refused": event.refused,
            "opted_out": 0,
            "started_at": micros(context.at),
            **who(context.actor),
            **_state(recorded, "running", None),
        }
        writes.insert(self.bulks, (context.account, event.bulk.hex), row)

    def _counted(self, writes: Writes, recorded: Recorded, event: BulkCounted) -> None:
        key = (recorded.context.account, event.bulk.hex)
        writes.change(self.bulks, key, {"opted_out": event.opted_out})

    def _paused(self, writes: Writes, recorded: Recorded, event: BulkPaused) -> None:
        self._turn(writes, recorded, event, "paused", event.cause)

    def _resumed(self, writes: Writes, recorded: Recorded, event: BulkResumed) -> None:
        self._turn(writes, recorded, event, "running", None)

    def _cancelled(self, writes: Writes, recorded: Recorded, event: BulkCancelled) -> None:
        self._turn(writes, recorded, event, "cancelled", None)

    def _turn(
        self,
        writes: Writes,
        recorded: Recorded,
        event: BulkPaused | BulkResumed | BulkCancelled,
        state: str,
        cause: str | None,
    ) -> None:
        key = (recorded.context.account, event.bulk.hex)
        writes.change(self.bulks, key, _state(recorded, state, cause))


def _state(recorded: Recorded, state: str, cause: str | None) -> Row:
    context = recorded.context
    since = {"state_at": micros(context.at), **who(context.actor, "state_by")}
    return {"state": state, "cause": cause, **since}
