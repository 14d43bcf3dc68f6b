"""Dead letters: what came in signed and yet could not be used, kept until somebody has looked.

One table on SQLAlchemy Core. The body is sealed (AES-256-GCM), since it may hold anything a person wrote;
what stands beside it in the clear says nothing of anybody.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from producers import tables
from projections.engine import own_errors

NONCE_BYTES = 12  # NIST SP 800-38D: 96 bits
PAGE_LETTERS_MAX = 1_000
MAKING_LOCK = 0x5A5_DEAD  # of PostgreSQL's advisory locks: ours for making the table

_METADATA = sa.MetaData()
_LETTERS = sa.Table(
    "dead_letters",
    _METADATA,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("source", sa.String(64), nullable=False),
    sa.Column("reason", sa.String(64), nullable=False),
    sa.Column("account", sa.String(63), index=True),
    sa.Column("body_bytes", sa.Integer, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sqlite_autoincrement=True,  # an id once given is never given again
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What is known of a letter without opening it.

    Attributes:
        source: the door it came through, e.g. `twilio-inbound`.
        reason: a code: why it could not be used.
        account: whose it is, where that much could be told.
        body_bytes: how long the body is.
    """

    id: int
    at: datetime
    source: str
    reason: str
    account: str | None
    body_bytes: int


class DeadLetters:
    """The store. Every method raises `schemas.stores.StoreUnavailable` where its database is away.

    Args:
        engine: of SQLite or PostgreSQL; the table is made if it is not there.
        key: 32 bytes that seal the bodies.

    Attributes:
        on_keep: told each letter's reason once it is kept.
    """

    def __init__(self, engine: sa.Engine, key: bytes) -> None:
        self.on_keep: Callable[[str], None] = lambda _: None
        self._engine = engine
        self._box = AESGCM(key)
        tables.make(engine, _METADATA, MAKING_LOCK)

    @classmethod
    def on_sqlite(cls, path: str, key: bytes) -> "DeadLetters":
        """The store in a SQLite file of its own; a letter is on the disk when `keep` returns."""
        engine = sa.create_engine(f"sqlite:///{path}")
        sa.event.listen(engine, "connect", _make_durable)
        return cls(engine, key)

    @classmethod
    def on_postgres(cls, url: str, key: bytes) -> "DeadLetters":
        """The store in PostgreSQL, at `postgresql://...`; a letter is on the disk when `keep` returns."""
        return cls(tables.postgres_engine(url), key)

    def keep(self, source: str, reason: str, body: bytes, account: str | None, now: datetime) -> int:
        """Keep `body`, and return the letter's id."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        row = {
            "at_us": int(now.timestamp() * 1_000_000),
            "source": source,
            "reason": reason,
            "account": account,
            "body_bytes": len(body),
            "sealed": nonce + self._box.encrypt(nonce, body, source.encode()),
        }
        with own_errors(), self._engine.begin() as connection:
            letter = int(connection.execute(_LETTERS.insert().returning(_LETTERS.c.id), row).scalar_one())
        self.on_keep(reason)
        return letter

    def page(self, account: str | None, limit: int, before: int | None = None) -> Sequence[DeadLetter]:
        """At most `limit` letters with ids below `before`, newest first; every account's if none is named."""
        query = sa.select(*_CLEAR).order_by(_LETTERS.c.id.desc()).limit(min(limit, PAGE_LETTERS_MAX))
        query = query.where(*_of(account))
        if before is not None:
            query = query.where(_LETTERS.c.id < before)
        with own_errors(), self._engine.connect() as connection:
            return [_letter(row) for row in connection.execute(query)]

    def show(self, letter_id: int, account: str | None = None) -> tuple[DeadLetter, bytes] | None:
        """A letter and its body; None if there is none of that id (of `account`).

        Raises:
            cryptography.exceptions.InvalidTag: the body was changed, or sealed with another key.
        """
        query = sa.select(*_CLEAR, _LETTERS.c.sealed).where(_LETTERS.c.id == letter_id, *_of(account))
        with own_errors(), self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        nonce, box = row.sealed[:NONCE_BYTES], row.sealed[NONCE_BYTES:]
        return _letter(row), self._box.decrypt(nonce, box, row.source.encode())

    def count(self, account: str | None = None) -> int:
        """How many letters there are (of `account`)."""
        query = sa.select(sa.func.count()).select_from(_LETTERS).where(*_of(account))
        with own_errors(), self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


_CLEAR = [column for column in _LETTERS.c if column.name != "sealed"]


def _of(account: str | None) -> list[sa.ColumnElement[bool]]:
    return [] if account is None else [_LETTERS.c.account == account]


def _letter(row: Any) -> DeadLetter:
    at = datetime.fromtimestamp(row.at_us / 1_000_000, UTC)
    return DeadLetter(row.id, at, row.source, row.reason, row.account, row.body_bytes)


def _make_durable(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=5000")
