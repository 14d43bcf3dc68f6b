"""Every text the carrier ever took, in order: what a drill asks when all is over.

Unlike messages and phones it is never forgotten; its limit ends in an error, not in silence.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from deploy.simulator.message import Message

TAKEN_MAX = 2_000_000


@dataclass(slots=True)
class Taken:
    """One text. `answered`: the client was sent a 201, which it may not have lived to read."""

    sid: str
    to: str
    sender: str | None
    body: str
    callback: str | None
    at: datetime
    answered: bool = False


class TakenTexts:
    """What was taken, from the first to the last."""

    def __init__(self) -> None:
        self._all: list[Taken] = []

    def __len__(self) -> int:
        return len(self._all)

    def add(self, message: Message) -> Taken:
        """One more."""
        if len(self._all) >= TAKEN_MAX:
            raise RuntimeError("the simulator has taken more texts than it keeps an account of")
        taken = Taken(
            message.sid, message.to, message.sender, message.body, message.callback, message.created_at
        )
        self._all.append(taken)
        return taken

    def lines(self, after: int) -> Iterator[tuple[int, Taken]]:
        """Those after the `after` first ones, with their numbers."""
        return enumerate(self._all[after:], after + 1)


def as_line(number: int, taken: Taken, message: Message | None) -> str:
    """One line of JSON. Status and segments are none once the message itself was forgotten."""
    fields = {
        "number": number,
        "sid": taken.sid,
        "to": taken.to,
        "from": taken.sender,
        "body": taken.body,
        "callback": taken.callback,
        "at": taken.at.isoformat(),
        "answered": taken.answered,
        "status": message and message.status,
        "segments": message and message.segments,
        "error_code": message and message.error_code,
    }
    return json.dumps(fields) + "\n"
