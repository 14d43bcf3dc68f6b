"""The credits view: each account's balance, what made it, and every movement.

It warns at 20% of the level, the balance right after the last credit: free texts, a package, or a correction
upwards by the operator. What comes back for a single text is no credit: it lifts the balance, not the level.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, Integer

from projections.moments import micros
from projections.row_statements import ADDS
from projections.shapes import CreditWarning
from projections.view import TEXT, Fold, View, who_columns
from projections.writing import Row, Writes
from schemas.events import (
    Event,
    PackageBought,
    Recorded,
    SegmentsAdjusted,
    SegmentsDebited,
    SegmentsRefunded,
    TextingActivated,
)

LOW_PERCENT = 20


def warning(balance: int, level: int) -> CreditWarning | None:
    """What the recruiter should hear of a balance, in segments."""
    if balance <= 0:
        return "empty"
    return "low" if balance * 100 <= level * LOW_PERCENT else None


class Credits(View):
    """`balances`: totals per account, in segments. `statement`: the movements, by place in the account."""

    NAME = "credits"
    VERSION = 1

    def __init__(self, copy: str = "", generation: int = 1) -> None:
        super().__init__(copy, generation)
        self.balances = self._table(
            "balances",
            Column("account", TEXT, primary_key=True),
            *(Column(name, BigInteger, server_default="0", info=dict(ADDS)) for name in TOTALS),
            Column("balance", BigInteger, nullable=False),
            Column("level", BigInteger),
        )
        self.statement = self._table(
            "statement",
            Column("account", TEXT, primary_key=True),
            Column("version", Integer, primary_key=True, autoincrement=False),
            Column("kind", TEXT, nullable=False),
            Column("segments", BigInteger, nullable=False),
            Column("balance", BigInteger, nullable=False),
            Column("at", BigInteger, nullable=False),
            *who_columns(),
            Column("text_id", TEXT),
            Column("package", TEXT),
            Column("price", TEXT),
            Column("currency", TEXT),
            Column("reason", TEXT),
            sqlite_with_rowid=False,
        )

    def _folds(self) -> Mapping[type[Event], Fold]:
        return {
            TextingActivated: self._activated,
            PackageBought: self._bought,
            SegmentsDebited: self._debited,
            SegmentsRefunded: self._refunded,
            SegmentsAdjusted: self._adjusted,
        }

    def _activated(self, writes: Writes, recorded: Recorded, event: TextingActivated) -> None:
        credited = event.free_segments > 0
        self._total(writes, recorded, event, {"free": event.free_segments}, credited=credited)
        if credited:
            self._line(writes, recorded, event, "free", event.free_segments, {})

    def _bought(self, writes: Writes, recorded: Recorded, event: PackageBought) -> None:
        self._total(writes, recorded, event, {"bought": event.segments}, credited=True)
        offer = {"package": event.package, "price": event.price, "currency": event.currency}
        self._line(writes, recorded, event, "bought", event.segments, offer)

    def _debited(self, writes: Writes, recorded: Recorded, event: SegmentsDebited) -> None:
        self._total(writes, recorded, event, {"debited": event.segments})
        self._line(writes, recorded, event, "debited", -event.segments, {"text_id": event.text_id.hex})

    def _refunded(self, writes: Writes, recorded: Recorded, event: SegmentsRefunded) -> None:
        self._total(writes, recorded, event, {"refunded": event.segments})
        why = {"text_id": event.text_id.hex, "reason": event.reason}
        self._line(writes, recorded, event, "refunded", event.segments, why)

    def _adjusted(self, writes: Writes, recorded: Recorded, event: SegmentsAdjusted) -> None:
        credited = event.text_id is None and event.segments > 0
        self._total(writes, recorded, event, {"adjusted": event.segments}, credited=credited)
        text_id = None if event.text_id is None else event.text_id.hex
        why = {"text_id": text_id, "reason": event.reason}
        self._line(writes, recorded, event, "adjusted", event.segments, why)

    def _total(
        self, writes: Writes, recorded: Recorded, event: Any, gained: Row, *, credited: bool = False
    ) -> None:
        columns = {**gained, "balance": event.balance}
        if credited:
            columns["level"] = event.balance
        writes.put(self.balances, (recorded.context.account,), columns)

    def _line(
        self, writes: Writes, recorded: Recorded, event: Any, kind: str, segments: int, more: Row
    ) -> None:
        context = recorded.context
        actor = context.actor
        line = (
            context.account,
            recorded.version,
            kind,
            segments,
            event.balance,
            micros(context.at),
            actor.kind,
            actor.id,
            actor.name,
        )
        writes.append(self.statement, (*_LINE, *more), (*line, *more.values()))


TOTALS = ("free", "bought", "debited", "refunded", "adjusted")
_LINE = ("account", "version", "kind", "segments", "balance", "at", "by_kind", "by_id", "by_name")
