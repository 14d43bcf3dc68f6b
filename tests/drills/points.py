"""The named points at which a drill kills a process, and where in the code they lie.

None of the code knows of them: `launch` wraps the functions named here in the process that is to die.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Point:
    """Before or after the calls of functions that do the same in different forms of Sayso.

    `counts` looks at what a call returned and says whether it is one of those meant.
    """

    functions: tuple[str, ...]
    """`module:name` or `module:Class.name`."""
    when: Literal["before", "after"]
    counts: Callable[[Any], bool] = lambda _: True


def _before(*functions: str) -> Point:
    return Point(functions, "before")


def _after(*functions: str, counts: Callable[[Any], bool] = lambda _: True) -> Point:
    return Point(functions, "after", counts)


def _something(result: Any) -> bool:
    return bool(result)


_POLL = ("consumers.inbox:Inbox.poll", "consumers.partition_source:PartitionSource.poll")
_STORE = (
    "domain.ledger.sqlite.recorders:LedgerRecorder.append",
    "domain.ledger.postgres.recorders:LedgerRecorder.append",
)
_CARRIER = "consumers.carriers.twilio_carrier:TwilioCarrier.send"
_TRANSACTION = "producers.transactions:TransactionalProducer"
_FORWARD = "consumers.outgoing:Outgoing.send"

WORKER: Mapping[str, Point] = {
    "after-poll": _after(*_POLL, counts=_something),
    "after-decide": _after("consumers.shard:Shard.decide"),
    "before-commit": _before(*_STORE),
    "after-commit": _after(*_STORE),
    "before-reply": _before("consumers.shard:Shard.settle"),
    "text-in-hand": _before("consumers.handover:outgoing"),
    "before-carrier": _before(_CARRIER),
    "after-carrier": _after(_CARRIER),
}
"""Of whatever decides commands and hands texts over."""
IN_TRANSACTION: Mapping[str, Point] = {
    "in-transaction": _after("domain.ledger.sqlite.recorders:LedgerRecorder._insert_rows"),
}
"""Of a ledger in a file; in PostgreSQL a batch is one statement, and the server's affair."""
RELAY: Mapping[str, Point] = {
    "transaction-begun": _after(f"{_TRANSACTION}._add"),
    "after-produce": _after(f"{_TRANSACTION}._produce"),
    "before-end": _before(f"{_TRANSACTION}._end"),
    "after-end": _after(f"{_TRANSACTION}._end"),
    "before-forward": _before(_FORWARD),
    "after-forward": _after(_FORWARD),
}
"""Of a worker that publishes, and sends on what is not its own."""
PROJECTOR: Mapping[str, Point] = {
    "projector-before-commit": _after("consumers.projector:advance"),
    "projector-after-commit": _after("consumers.projector:Projector._commit"),
}
"""Of whatever keeps views up."""

WORKER_DISTRIBUTED: Mapping[str, Point] = {**WORKER, **RELAY}
EMBEDDED: Mapping[str, Point] = {**WORKER, **IN_TRANSACTION, **PROJECTOR}
"""Of the one process that is everything."""
ALL: Mapping[str, Point] = {**EMBEDDED, **RELAY}
