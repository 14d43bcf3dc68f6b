"""Texts that wait, as the view would show them, and a view that holds a great many."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from projections.catalog import OPEN_TEXTS, THREADS
from projections.engine import writing
from projections.moments import micros
from projections.shapes import OpenText

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

_TEXT = OpenText(
    text_id=UUID(int=0), account="acme", conversation="c1", number="+4520123456", candidate="ann",
    body="Hello", sender="+4531234567", purpose="message", bulk=None, segments=1, state="queued",
    due_at=NOON, attempt=0, sid=None, since=NOON,
)  # fmt: skip


def text(n: int, account: str = "acme", **changed: Any) -> OpenText:
    """The `n`th text, due at noon."""
    return replace(_TEXT, text_id=UUID(int=n), account=account, sender=f"+45{account}", **changed)


def bulk(n: int, account: str = "acme", **changed: Any) -> OpenText:
    """The same, one of many."""
    return text(n, account, bulk=UUID(int=99), **changed)


def keyword_answer(n: int, account: str = "acme", **changed: Any) -> OpenText:
    """The same, an answer to HELP."""
    return text(n, account, purpose="help_answer", **changed)


def put(engine: Engine, texts: list[OpenText]) -> None:
    """Into the view, as if they had been sent just so."""
    with writing(engine) as connection:
        held = {c for (c,) in connection.execute(THREADS.conversations.select().with_only_columns(
            THREADS.conversations.c.conversation))}  # fmt: skip
        for conversation in {text.conversation for text in texts} - held:
            row = {c.name: "" for c in THREADS.conversations.columns if not c.nullable}
            numbered = {**row, "conversation": conversation, "number": _TEXT.number}
            connection.execute(THREADS.conversations.insert().values(numbered))
        connection.execute(OPEN_TEXTS.texts.insert(), [_row(text) for text in texts])


def take_out(engine: Engine, text: OpenText) -> None:
    """It has left."""
    of_text = OPEN_TEXTS.texts.c.text_id == text.text_id.hex
    with writing(engine) as connection:
        connection.execute(OPEN_TEXTS.texts.delete().where(of_text))


def _row(text: OpenText) -> dict[str, Any]:
    return {
        "account": text.account, "text_id": text.text_id.hex, "shard": 0,
        "conversation": text.conversation, "candidate": text.candidate, "body": text.body,
        "purpose": text.purpose, "bulk": None if text.bulk is None else text.bulk.hex,
        "urgency": text.urgency, "segments": text.segments, "state": text.state,
        "waiting_since": micros(text.since), "attempt": text.attempt,
        "held": False, "stopped": False, "paused": False,
        "due_at": None if text.due_at is None else micros(text.due_at), "sender": text.sender,
    }  # fmt: skip
