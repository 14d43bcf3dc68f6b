"""The dispatcher's door in one process, which spools as well: no text begins while a call waits.

What a phone said is one of those calls, and it may be a STOP (P1).
"""

import time
from concurrent.futures import Future

from producers.spool import Spool
from schemas.commands import Command, StartDispatch
from schemas.door import Busy, CommandDoor
from schemas.receipts import Answer

WAIT_S_MAX = 1.0
LOOK_EVERY_S = 0.01


class SpooledFirst:
    """`door`, but the last look before a hand-over waits for what is in `spool`."""

    def __init__(self, door: CommandDoor, spool: Spool) -> None:
        self._door = door
        self._spool = spool

    async def submit(self, command: Command, wait_s: float) -> Answer | None:
        """As the door does: nobody hands texts over from a loop."""
        return await self._door.submit(command, wait_s)

    def put(self, command: Command) -> "Future[Answer]":
        """As the door does. Raises Busy where what waits is not taken in soon."""
        if isinstance(command, StartDispatch):
            until = time.monotonic() + WAIT_S_MAX
            while self._spool.waiting:
                if time.monotonic() > until:
                    raise Busy
                time.sleep(LOOK_EVERY_S)
        return self._door.put(command)
