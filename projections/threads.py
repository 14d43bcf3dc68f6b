"""The threads view: conversations with their numbers, and what was texted back and forth in them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Integer

from projections.moments import micros
from projections.view import TEXT, Fold, View, who, who_columns
from projections.writing import Row, Writes
from schemas.events import (
    AttachmentRefused,
    AttachmentStored,
    ConversationOpened,
    DispatchDoubted,
    DispatchStarted,
    Event,
    KeywordReceived,
    Recorded,
    StopRequestFlagged,
    TextCancelled,
    TextCounted,
    TextDelivered,
    TextFailed,
    TextQueued,
    TextReceived,
    TextRecounted,
    TextRescheduled,
    TextScheduled,
    TextSent,
    TextUnknown,
    ThreadRead,
)


class Threads(View):
    """`conversations`: one row per account and number. `messages`: what went out or came in, and its fate.

    A message is known by the text's id (in hex) where it went out, by the carrier's sid where it came in.
    The same sid twice is one reply. `version` is the event's place in the conversation, which orders the
    thread. `sender` is that of ours which it left from, or was texted to. Those of a bulk are counted and
    listed by status along an index.

    `attachments`: what came with a message, each by its place in it. `waiting_since` stands only until one is
    stored or refused; where nothing is fetched, it stays. `shard`: whose worker fetches it.
    """

    NAME = "threads"
    VERSION = 5

    def __init__(self, copy: str = "", generation: int = 1) -> None:
        super().__init__(copy, generation)
        self.conversations = self._table(
            "conversations",
            Column("conversation", TEXT, primary_key=True),
            Column("account", TEXT, nullable=False),
            Column("number", TEXT, nullable=False),
            Column("region", TEXT, nullable=False),
            Column("read_version", Integer),
        )
        self._index("numbers", self.conversations.c.account, self.conversations.c.number)
        self.messages = self._table(
            "messages",
            Column("account", TEXT, primary_key=True),
            Column("id", TEXT, primary_key=True),
            Column("conversation", TEXT, nullable=False),
            Column("version", Integer, nullable=False),
            Column("kind", TEXT, nullable=False),
            Column("status", TEXT, nullable=False),
            Column("body", TEXT, nullable=False),
            Column("at", BigInteger, nullable=False),
            *who_columns(),
            Column("candidate", TEXT),
            Column("bulk", TEXT),
            Column("encoding", TEXT),
            Column("segments", Integer),
            Column("purpose", TEXT),
            Column("overrides_quiet_hours", Boolean),
            Column("send_at", BigInteger),
            Column("delay", TEXT),
            Column("sid", TEXT),
            Column("sender", TEXT),
            Column("status_at", BigInteger),
            *who_columns("status_by"),
            Column("code", Integer),
            Column("reason", TEXT),
            Column("action", TEXT),
            Column("keyword", TEXT),
            Column("flagged", Boolean),
            sqlite_with_rowid=False,
        )
        self._index("order", self.messages.c.conversation, self.messages.c.version)
        columns = self.messages.c
        self._partial_index("bulk", columns.bulk, columns.account, then=(columns.status, columns.id))
        self.attachments = self._table(
            "attachments",
            Column("account", TEXT, primary_key=True),
            Column("id", TEXT, primary_key=True),
            Column("place", Integer, primary_key=True),
            Column("conversation", TEXT, nullable=False),
            Column("shard", Integer, nullable=False),
            Column("url", TEXT, nullable=False),
            Column("content_type", TEXT, nullable=False),
            Column("state", TEXT, nullable=False),
            Column("waiting_since", BigInteger),
            Column("size_bytes", BigInteger),
            Column("picture", TEXT),
            Column("reason", TEXT),
            sqlite_with_rowid=False,
        )
        self._partial_index("waiting", self.attachments.c.waiting_since, self.attachments.c.shard)

    def _folds(self) -> Mapping[type[Event], Fold]:
        return {
            ConversationOpened: self._opened,
            ThreadRead: self._read,
            TextQueued: self._queued,
            TextScheduled: self._scheduled,
            TextRescheduled: self._rescheduled,
            TextCancelled: self._cancelled,
            DispatchStarted: self._started,
            DispatchDoubted: self._doubted,
            TextSent: self._sent,
            TextRecounted: self._recounted,
            TextCounted: self._recounted,
            TextDelivered: self._delivered,
            TextFailed: self._failed,
            TextUnknown: self._unknown,
            TextReceived: self._received,
            KeywordReceived: self._keyword,
            StopRequestFlagged: self._flagged,
            AttachmentStored: self._stored,
            AttachmentRefused: self._refused,
        }

    # --- the conversation -------------------------------------------------------------------------

    def _opened(self, writes: Writes, recorded: Recorded, event: ConversationOpened) -> None:
        place = {"account": recorded.context.account, "number": event.number, "region": event.region}
        writes.put(self.conversations, (recorded.stream,), place)

    def _read(self, writes: Writes, recorded: Recorded, _: ThreadRead) -> None:
        writes.change(self.conversations, (recorded.stream,), {"read_version": recorded.version})

    # --- what goes out ----------------------------------------------------------------------------

    def _queued(self, writes: Writes, recorded: Recorded, event: TextQueued) -> None:
        row = _outgoing(recorded, event, "queued")
        row["purpose"] = event.purpose
        row["overrides_quiet_hours"] = event.overrides_quiet_hours
        writes.insert(self.messages, (row["account"], row["id"]), row)

    def _scheduled(self, writes: Writes, recorded: Recorded, event: TextScheduled) -> None:
        row = _outgoing(recorded, event, "scheduled")
        row["purpose"] = "message"
        row["overrides_quiet_hours"] = event.overrides_quiet_hours
        row["send_at"] = micros(event.send_at)
        row["delay"] = event.delay
        writes.insert(self.messages, (row["account"], row["id"]), row)

    def _rescheduled(self, writes: Writes, recorded: Recorded, event: TextRescheduled) -> None:
        place = {"send_at": micros(event.send_at), "delay": event.delay, "code": event.code}
        self._move(writes, recorded, event, "scheduled", place)

    def _cancelled(self, writes: Writes, recorded: Recorded, event: TextCancelled) -> None:
        self._move(writes, recorded, event, "cancelled", {"reason": event.reason})

    def _started(self, writes: Writes, recorded: Recorded, event: DispatchStarted) -> None:
        self._move(writes, recorded, event, "sending", {"sender": event.sender})

    def _doubted(self, writes: Writes, recorded: Recorded, event: DispatchDoubted) -> None:
        self._move(writes, recorded, event, "in_doubt", {"reason": event.reason})

    def _sent(self, writes: Writes, recorded: Recorded, event: TextSent) -> None:
        self._move(writes, recorded, event, "sent", {"sid": event.sid, "reason": None})

    def _recounted(self, writes: Writes, recorded: Recorded, event: TextRecounted | TextCounted) -> None:
        key = (recorded.context.account, event.text_id.hex)
        if event.billed is not None:
            writes.change(self.messages, key, {"segments": event.billed})

    def _delivered(self, writes: Writes, recorded: Recorded, event: TextDelivered) -> None:
        self._move(writes, recorded, event, "delivered", {"code": None, "reason": None})

    def _failed(self, writes: Writes, recorded: Recorded, event: TextFailed) -> None:
        self._move(writes, recorded, event, event.status, {"code": event.code, "reason": event.reason})

    def _unknown(self, writes: Writes, recorded: Recorded, event: TextUnknown) -> None:
        self._move(writes, recorded, event, "unknown", {})

    def _move(self, writes: Writes, recorded: Recorded, event: Any, status: str, more: Row) -> None:
        context = recorded.context
        moved = {"status": status, "status_at": micros(context.at), **who(context.actor, "status_by")}
        writes.change(self.messages, (context.account, event.text_id.hex), {**moved, **more})

    # --- what comes in ----------------------------------------------------------------------------

    def _received(self, writes: Writes, recorded: Recorded, event: TextReceived) -> None:
        row = _incoming(recorded, event, "reply")
        writes.ensure(self.messages, (row["account"], row["id"]), row)
        self._attached(writes, recorded, event)

    def _keyword(self, writes: Writes, recorded: Recorded, event: KeywordReceived) -> None:
        row = _incoming(recorded, event, "keyword")
        row["action"] = event.action
        row["keyword"] = event.keyword
        writes.ensure(self.messages, (row["account"], row["id"]), row)
        self._attached(writes, recorded, event)

    def _attached(self, writes: Writes, recorded: Recorded, event: TextReceived | KeywordReceived) -> None:
        context = recorded.context
        for place, media in enumerate(event.media):
            attached = {
                "account": context.account,
                "id": event.sid,
                "place": place,
                "conversation": recorded.stream,
                "shard": context.shard,
                "url": media.url,
                "content_type": media.content_type,
                "state": "waiting",
                "waiting_since": micros(context.at),
            }
            writes.ensure(self.attachments, (context.account, event.sid, place), attached)

    def _stored(self, writes: Writes, recorded: Recorded, event: AttachmentStored) -> None:
        kept = {"size_bytes": event.size_bytes, "picture": event.picture}
        self._settle(writes, recorded, event, {"state": "stored", **kept})

    def _refused(self, writes: Writes, recorded: Recorded, event: AttachmentRefused) -> None:
        self._settle(writes, recorded, event, {"state": "refused", "reason": event.reason})

    def _settle(
        self, writes: Writes, recorded: Recorded, event: AttachmentStored | AttachmentRefused, end: Row
    ) -> None:
        key = (recorded.context.account, event.sid, event.index)
        writes.change(self.attachments, key, {"waiting_since": None, **end})

    def _flagged(self, writes: Writes, recorded: Recorded, event: StopRequestFlagged) -> None:
        writes.change(self.messages, (recorded.context.account, event.sid), {"flagged": True})


def _outgoing(recorded: Recorded, event: TextQueued | TextScheduled, status: str) -> Row:
    """Written out, and not in terms of `_incoming`: most events of a busy day pass here."""
    context = recorded.context
    actor = context.actor
    return {
        "account": context.account,
        "id": event.text_id.hex,
        "conversation": recorded.stream,
        "version": recorded.version,
        "kind": "text",
        "status": status,
        "body": event.body,
        "at": micros(context.at),
        "by_kind": actor.kind,
        "by_id": actor.id,
        "by_name": actor.name,
        "candidate": event.candidate,
        "bulk": None if event.bulk is None else event.bulk.hex,
        "encoding": event.encoding,
        "segments": event.segments,
    }


def _incoming(recorded: Recorded, event: TextReceived | KeywordReceived, kind: str) -> Row:
    context = recorded.context
    return {
        "account": context.account,
        "id": event.sid,
        "conversation": recorded.stream,
        "version": recorded.version,
        "kind": kind,
        "status": "received",
        "body": event.body,
        "at": micros(context.at),
        **who(context.actor),
        "sid": event.sid,
        "sender": event.sender,
    }
