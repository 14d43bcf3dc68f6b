"""Where commands enter: the one protocol that every producer leans on, whatever lies behind it."""

from concurrent.futures import Future
from typing import Protocol

from schemas.commands import Command
from schemas.receipts import Answer


class Busy(Exception):
    """The door takes no more commands just now; nothing was kept. Try again in `retry_after_s`."""

    def __init__(self, retry_after_s: int = 1) -> None:
        super().__init__("Sayso is busy; nothing was accepted.")
        self.retry_after_s = retry_after_s


class Unavailable(Exception):
    """The command could not be stored (a full disk, a lost owner) and did not take effect. Try again."""


class Uncertain(Unavailable):
    """Nobody knows whether the command was stored, or will be: nothing is promised.

    Sent again under the same id, it takes effect once.
    """

    def __init__(self) -> None:
        super().__init__("It is not known whether the command was stored.")


class CommandDoor(Protocol):
    """Takes commands in, durably."""

    async def submit(self, command: Command, wait_s: float) -> Answer | None:
        """Take `command` in. When this returns, the command survives a crash.

        Returns:
            The answer, if it was there within `wait_s` seconds; else None, and the receipt can be read later.

        Raises:
            Busy: there is no room; nothing was kept.
            Unavailable: it could not be stored; it did not take effect, unless this is `Uncertain`.
        """
        ...

    def put(self, command: Command) -> "Future[Answer]":
        """As `submit`, for threads: the answer, once there is one. Raises and fails as `submit` does."""
        ...
