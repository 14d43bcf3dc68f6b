"""The named points at which a drill kills a process, and where in the code they lie.

None of the code knows of them: `launch` wraps the functions named here in the process that is to die.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Point:
    """Before or after the calls of one function.

    `counts` looks at what a call returned and says whether it is one of those meant.
    """

    function: str
    """`module:name` or `module:Class.name`."""
    when: Literal["before", "after"]
    counts: Callable[[Any], bool] = lambda _: True


def _something(result: Any) -> bool:
    return bool(result)


EMBEDDED: Mapping[str, Point] = {
    "after-poll": Point("consumers.inbox:Inbox.poll", "after", _something),
    "after-decide": Point("consumers.shard:Shard.decide", "after"),
    "before-commit": Point("domain.ledger.sqlite.recorders:LedgerRecorder._insert_rows", "after"),
    "after-commit": Point("domain.ledger.sqlite.recorders:LedgerRecorder.append", "after"),
    "before-reply": Point("consumers.shard:Shard.settle", "before"),
    "projector-before-commit": Point("consumers.projector:advance", "after"),
    "projector-after-commit": Point("consumers.projector:Projector._commit", "after"),
    "before-carrier": Point("consumers.carriers.twilio_carrier:TwilioCarrier.send", "before"),
    "after-carrier": Point("consumers.carriers.twilio_carrier:TwilioCarrier.send", "after"),
}
"""Of the one process that is everything."""
