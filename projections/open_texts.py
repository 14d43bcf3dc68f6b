"""The open texts view: every text whose end, or price, is not known yet, for scheduler and dispatcher."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, ColumnElement, Integer, true, update

from projections.moments import micros
from projections.shapes import urgency_of
from projections.view import TEXT, Fold, View
from projections.writing import Key, Row, Writes
from schemas.events import (
    BulkPaused,
    BulkResumed,
    DispatchDoubted,
    DispatchStarted,
    Event,
    Recorded,
    SendingResumed,
    SendingStopped,
    TextCancelled,
    TextCounted,
    TextDelivered,
    TextFailed,
    TextPurpose,
    TextQueued,
    TextRecounted,
    TextRescheduled,
    TextScheduled,
    TextSent,
    TextUnknown,
)


class OpenTexts(View):
    """`texts`: a row from acceptance until the text is settled, and the carrier has counted its segments.

    `due_at` stands only while the hand-over lies ahead, `begun_at` only once it began. A doubt leaves
    `begun_at` alone, so that the carrier is asked from there on: a doubt may be recorded much later.
    `shard`: whose worker hands it over. `held`: the account's sending is `stopped`, or the text's bulk is
    `paused`: the text is not due, whatever the time. `urgency`: which of an account's texts go first.
    """

    NAME = "open_texts"
    VERSION = 7

    def __init__(self, copy: str = "", generation: int = 1) -> None:
        super().__init__(copy, generation)
        self.texts = self._table(
            "texts",
            Column("account", TEXT, primary_key=True),
            Column("text_id", TEXT, primary_key=True),
            Column("shard", Integer, nullable=False),
            Column("conversation", TEXT, nullable=False),
            Column("candidate", TEXT),
            Column("body", TEXT, nullable=False),
            Column("purpose", TEXT, nullable=False),
            Column("bulk", TEXT),
            Column("urgency", Integer, nullable=False),
            Column("segments", Integer, nullable=False),
            Column("state", TEXT, nullable=False),
            Column("waiting_since", BigInteger),
            Column("due_at", BigInteger),
            Column("begun_at", BigInteger),
            Column("attempt", Integer, nullable=False),
            Column("stopped", Boolean, nullable=False),
            Column("paused", Boolean, nullable=False),
            Column("held", Boolean, nullable=False),
            Column("sender", TEXT),
            Column("carrier", TEXT),
            Column("sid", TEXT),
            Column("traceparent", TEXT),
            sqlite_with_rowid=False,
        )
        self._partial_index("due", self.texts.c.due_at, self.texts.c.shard, self.texts.c.held)
        lanes = (self.texts.c.shard, self.texts.c.held, self.texts.c.account, self.texts.c.urgency)
        self._partial_index("lanes", self.texts.c.due_at, *lanes)
        self._partial_index("bulk", self.texts.c.bulk, self.texts.c.account)
        begun = (self.texts.c.begun_at, self.texts.c.shard, self.texts.c.state)
        self._partial_index("begun", *begun, then=(self.texts.c.text_id,))

    def _folds(self) -> Mapping[type[Event], Fold]:
        return {
            TextQueued: self._queued,
            TextScheduled: self._scheduled,
            TextRescheduled: self._rescheduled,
            DispatchStarted: self._started,
            DispatchDoubted: self._doubted,
            TextSent: self._sent,
            TextRecounted: self._recounted,
            TextDelivered: self._ended,
            TextFailed: self._ended,
            TextCounted: self._settled,
            TextCancelled: self._settled,
            TextUnknown: self._settled,
            SendingStopped: self._stopped,
            SendingResumed: self._resumed,
            BulkPaused: self._paused,
            BulkResumed: self._released,
        }

    def _queued(self, writes: Writes, recorded: Recorded, event: TextQueued) -> None:
        at = micros(recorded.context.at)
        row = _accepted(recorded, event, event.purpose, "queued", at, at)
        writes.insert(self.texts, (row["account"], row["text_id"]), row)

    def _scheduled(self, writes: Writes, recorded: Recorded, event: TextScheduled) -> None:
        at = micros(recorded.context.at)
        row = _accepted(recorded, event, "message", "scheduled", at, micros(event.send_at))
        writes.insert(self.texts, (row["account"], row["text_id"]), row)

    def _rescheduled(self, writes: Writes, recorded: Recorded, event: TextRescheduled) -> None:
        at = micros(recorded.context.at)
        waits = {"state": "scheduled", "waiting_since": at, "due_at": micros(event.send_at)}
        writes.change(self.texts, _key(recorded, event), {**waits, **_NOT_BEGUN})

    def _started(self, writes: Writes, recorded: Recorded, event: DispatchStarted) -> None:
        begun = {"begun_at": micros(recorded.context.at), "attempt": event.attempt}
        way = {"sender": event.sender, "carrier": event.carrier}
        moved = {"state": "dispatching", "due_at": None, **begun, **way}
        writes.change(self.texts, _key(recorded, event), moved)

    def _doubted(self, writes: Writes, recorded: Recorded, event: DispatchDoubted) -> None:
        writes.change(self.texts, _key(recorded, event), {"state": "in_doubt"})

    def _sent(self, writes: Writes, recorded: Recorded, event: TextSent) -> None:
        writes.change(self.texts, _key(recorded, event), {"state": "sent", "due_at": None, "sid": event.sid})

    def _recounted(self, writes: Writes, recorded: Recorded, event: TextRecounted) -> None:
        writes.change(self.texts, _key(recorded, event), {"segments": event.billed})

    def _ended(self, writes: Writes, recorded: Recorded, event: TextDelivered | TextFailed) -> None:
        if event.counted:
            self._settled(writes, recorded, event)
        else:
            writes.change(self.texts, _key(recorded, event), {"state": "uncounted"})

    def _settled(self, writes: Writes, recorded: Recorded, event: Any) -> None:
        writes.remove(self.texts, _key(recorded, event))

    def _stopped(self, writes: Writes, recorded: Recorded, _: SendingStopped) -> None:
        self._hold(writes, recorded, true(), stopped=True, held=True)

    def _resumed(self, writes: Writes, recorded: Recorded, _: SendingResumed) -> None:
        self._hold(writes, recorded, true(), stopped=False, held=self.texts.c.paused)

    def _paused(self, writes: Writes, recorded: Recorded, event: BulkPaused) -> None:
        self._hold(writes, recorded, self.texts.c.bulk == event.bulk.hex, paused=True, held=True)

    def _released(self, writes: Writes, recorded: Recorded, event: BulkResumed) -> None:
        of_bulk = self.texts.c.bulk == event.bulk.hex
        self._hold(writes, recorded, of_bulk, paused=False, held=self.texts.c.stopped)

    def _hold(self, writes: Writes, recorded: Recorded, which: ColumnElement[bool], **columns: Any) -> None:
        """Those of the account's open texts; none are added while it is stopped, and to a bulk never."""
        writes.flush()
        of_account = self.texts.c.account == recorded.context.account
        writes.connection.execute(update(self.texts).where(of_account, which).values(**columns))


_NOT_BEGUN = {"begun_at": None, "sender": None, "carrier": None, "sid": None}


def _key(recorded: Recorded, event: Any) -> Key:
    return (recorded.context.account, event.text_id.hex)


def _accepted(
    recorded: Recorded,
    event: TextQueued | TextScheduled,
    purpose: TextPurpose,
    state: str,
    at: int,
    due_at: int,
) -> Row:
    return {
        "account": recorded.context.account,
        "text_id": event.text_id.hex,
        "shard": recorded.context.shard,
        "conversation": recorded.stream,
        "candidate": event.candidate,
        "body": event.body,
        "purpose": purpose,
        "bulk": None if event.bulk is None else event.bulk.hex,
        "urgency": urgency_of(purpose, event.bulk),
        "segments": event.segments,
        "state": state,
        "waiting_since": at,
        "due_at": due_at,
        "attempt": 0,
        "stopped": False,
        "paused": False,
        "held": False,
        "traceparent": recorded.context.traceparent,
    }
