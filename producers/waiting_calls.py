"""Who called and waits in a spool, for the workers to see: on brokers, they send meanwhile.

One table in PostgreSQL. Each row is a text from a phone that an API process answered and has in its spool: it
may be a STOP. The row is there before the call is answered, and until it is taken in. A number stands in it
as a keyed hash. A row is a notice, not the call: without it nothing is lost but the order.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from hashlib import sha256
from hmac import digest
from time import monotonic
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from producers import tables
from schemas.door import Unavailable

MAKING_LOCK = 0x5A5_CA11  # of PostgreSQL's advisory locks: ours for making the table
HASH_BYTES = 16
GRACE_S = 2.0
"""For spools, after it could not be known what waits in them: they could not tell of it either."""
ANSWER_S_MAX = 2
_OPTIONS = {"connect_timeout": ANSWER_S_MAX, "options": f"-c statement_timeout={ANSWER_S_MAX * 1_000}"}
_PURPOSE = b"sayso waiting calls v1"  # no key serves two purposes

_METADATA = sa.MetaData()
_CALLS = sa.Table(
    "waiting_calls",
    _METADATA,
    sa.Column("call", sa.Uuid, primary_key=True),
    sa.Column("spool", sa.Uuid, nullable=False, index=True),
    sa.Column("number", sa.LargeBinary(HASH_BYTES), nullable=False, index=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)


class WaitingCalls:
    """The table, made if it is not there. Every method raises `Unavailable` where PostgreSQL is away."""

    def __init__(self, url: str, secret: bytes) -> None:
        """`url`: `postgresql://...`; `secret`: that of names.

        Raises:
            SQLAlchemyError: the database cannot be used.
        """
        self._engine = tables.postgres_engine(url, _OPTIONS, pool_timeout=ANSWER_S_MAX)
        self._told_from_s = 0.0
        self._key = digest(secret, _PURPOSE, sha256)
        tables.make(self._engine, _METADATA, MAKING_LOCK)

    def add(self, spool: UUID, calls: Mapping[UUID, str]) -> None:
        """These wait in `spool` from now on, each with the number (E.164) that it came from."""
        rows = [{"call": one, "spool": spool, "number": self._hash(n)} for one, n in calls.items()]
        if rows:
            self._run(insert(_CALLS).on_conflict_do_nothing(), rows)

    def remove(self, calls: Collection[UUID]) -> None:
        """These were taken in."""
        if calls:
            self._run(sa.delete(_CALLS).where(_CALLS.c.call.in_(calls)))

    def sweep(self, spool: UUID, older_than: timedelta) -> None:
        """`spool` is empty: what it said that long ago was never kept in it."""
        old = _CALLS.c.at < sa.func.now() - older_than
        self._run(sa.delete(_CALLS).where(_CALLS.c.spool == spool, old))

    def may_wait(self, number: str) -> bool:
        """Whether a call from `number` (E.164) waits in any spool, as far as spools had time to tell."""
        try:
            waits = self.any_from(number)
        except Unavailable:
            self._told_from_s = monotonic() + GRACE_S
            raise
        return waits or monotonic() < self._told_from_s

    def any_from(self, number: str) -> bool:
        """Whether the table has a call from `number`."""
        query = sa.select(sa.literal(1)).where(_CALLS.c.number == self._hash(number)).limit(1)
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).first() is not None
        except SQLAlchemyError as error:
            raise Unavailable("It is not known whose calls wait.") from error

    def close(self) -> None:
        """Let the connections go."""
        self._engine.dispose()

    def _run(self, statement: sa.Executable, rows: list[dict[str, object]] | None = None) -> None:
        try:
            with self._engine.begin() as connection:
                connection.execute(statement, rows)
        except SQLAlchemyError as error:
            raise Unavailable("Workers cannot be told whose calls wait.") from error

    def _hash(self, number: str) -> bytes:
        return digest(self._key, number.encode(), sha256)[:HASH_BYTES]
