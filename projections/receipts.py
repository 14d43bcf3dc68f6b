"""The receipts view: the one answer to each command."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json
from sqlalchemy import BigInteger, Boolean, Column, Integer

from projections.moments import micros
from projections.view import TEXT, Fold, View, who_columns
from projections.writing import Writes
from schemas.events import CommandAccepted, CommandRefused, Event, Recorded


class Receipts(View):
    """`receipts`, by account and command: all it takes to answer a repeat and to know a conflict."""

    NAME = "receipts"
    VERSION = 2

    def __init__(self, copy: str = "", generation: int = 1) -> None:
        super().__init__(copy, generation)
        self.receipts = self._table(
            "receipts",
            Column("account", TEXT, primary_key=True),
            Column("command_id", TEXT, primary_key=True),
            Column("command_type", TEXT, nullable=False),
            Column("accepted", Boolean, nullable=False),
            Column("at", BigInteger, nullable=False),
            *who_columns(),
            Column("fingerprint", TEXT, nullable=False),
            Column("shard", Integer, nullable=False),
            Column("position", BigInteger, nullable=False),
            Column("result", TEXT),
            Column("code", TEXT),
            Column("sentence", TEXT),
            sqlite_with_rowid=False,
        )

    def _folds(self) -> Mapping[type[Event], Fold]:
        return {CommandAccepted: self._accepted, CommandRefused: self._refused}

    def _accepted(self, writes: Writes, recorded: Recorded, event: CommandAccepted) -> None:
        if recorded.context.actor.kind in _WITHIN:
            return
        result = to_json(event.result).decode()
        writes.append(
            self.receipts, (*_RECEIPT, "result"), (*_receipt(recorded, event, accepted=True), result)
        )

    def _refused(self, writes: Writes, recorded: Recorded, event: CommandRefused) -> None:
        if recorded.context.actor.kind in _WITHIN:
            return
        values = (*_receipt(recorded, event, accepted=False), event.code, event.sentence)
        writes.append(self.receipts, (*_RECEIPT, "code", "sentence"), values)


_WITHIN = frozenset({"carrier", "system"})
"""Nobody asks for the receipts of their commands, whose ids are not the callers' to know."""
_RECEIPT = (
    "account", "command_id", "command_type", "accepted", "at", "by_kind", "by_id", "by_name",
    "fingerprint", "shard", "position",
)  # fmt: skip


def _receipt(
    recorded: Recorded, event: CommandAccepted | CommandRefused, *, accepted: bool
) -> tuple[Any, ...]:
    context = recorded.context
    actor = context.actor
    return (
        context.account,
        context.command_id.hex,
        event.command_type,
        accepted,
        micros(context.at),
        actor.kind,
        actor.id,
        actor.name,
        event.fingerprint,
        context.shard,
        context.position,
    )
