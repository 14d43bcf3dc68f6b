"""The receipts view: the one answer to each command."""

from collections.abc import Mapping

from pydantic_core import to_json
from sqlalchemy import BigInteger, Boolean, Column, String

from projections.moments import micros
from projections.view import Fold, View, who_columns
from projections.writing import Row, Writes
from schemas.events import CommandAccepted, CommandRefused, Event, Recorded


class Receipts(View):
    """`receipts`, by account and command."""

    NAME = "receipts"
    VERSION = 1

    def __init__(self, copy: str = "", generation: int = 1) -> None:
        super().__init__(copy, generation)
        self.receipts = self._table(
            "receipts",
            Column("account", String, primary_key=True),
            Column("command_id", String, primary_key=True),
            Column("command_type", String, nullable=False),
            Column("accepted", Boolean, nullable=False),
            Column("at", BigInteger, nullable=False),
            *who_columns(),
            Column("result", String),
            Column("code", String),
            Column("sentence", String),
        )

    def _folds(self) -> Mapping[type[Event], Fold]:
        return {CommandAccepted: self._accepted, CommandRefused: self._refused}

    def _accepted(self, writes: Writes, recorded: Recorded, event: CommandAccepted) -> None:
        row = _receipt(recorded, event, accepted=True)
        row["result"] = to_json(event.result).decode()
        writes.insert(self.receipts, (row["account"], row["command_id"]), row)

    def _refused(self, writes: Writes, recorded: Recorded, event: CommandRefused) -> None:
        row = _receipt(recorded, event, accepted=False)
        row["code"] = event.code
        row["sentence"] = event.sentence
        writes.insert(self.receipts, (row["account"], row["command_id"]), row)


def _receipt(recorded: Recorded, event: CommandAccepted | CommandRefused, *, accepted: bool) -> Row:
    context = recorded.context
    actor = context.actor
    return {
        "account": context.account,
        "command_id": str(context.command_id),
        "command_type": event.command_type,
        "accepted": accepted,
        "at": micros(context.at),
        "by_kind": actor.kind,
        "by_id": actor.id,
        "by_name": actor.name,
    }
