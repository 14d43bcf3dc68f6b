"""The dispatcher's door where calls of the carrier may wait in a spool: no text begins before them (P1).

What a phone said is one of those calls, and it may be a STOP.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future

from schemas.commands import Command, StartDispatch
from schemas.door import Busy, CommandDoor, Unavailable
from schemas.receipts import Answer

WAIT_S_MAX = 1.0
LOOK_EVERY_S = 0.01
GRACE_S = 2.0
"""For spools, after it could not be known what waits in them: they could not tell of it either."""


class SpooledFirst:
    """`door`, but the last look before a hand-over waits while a call from that number does."""

    def __init__(self, door: CommandDoor, waits: Callable[[str], bool]) -> None:
        """`waits`: whether a call from a number (E.164) waits; if it raises Unavailable, no text begins."""
        self._door = door
        self._waits = waits
        self._known_from_s = 0.0

    async def submit(self, command: Command, wait_s: float) -> Answer | None:
        """As the door does: nobody hands texts over from a loop."""
        return await self._door.submit(command, wait_s)

    def put(self, command: Command) -> "Future[Answer]":
        """As the door does. Raises Busy where what waits is not taken in soon."""
        if isinstance(command, StartDispatch):
            until = time.monotonic() + WAIT_S_MAX
            while self._may_be_stopped(command.number):
                if time.monotonic() > until:
                    raise Busy
                time.sleep(LOOK_EVERY_S)
        return self._door.put(command)

    def _may_be_stopped(self, number: str) -> bool:
        try:
            waits = self._waits(number)
        except Unavailable:
            self._known_from_s = time.monotonic() + GRACE_S
            raise
        return waits or time.monotonic() < self._known_from_s
