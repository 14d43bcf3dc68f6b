"""Sayso's dispatcher without its threads: what it would do in them waits here, to be done in any order."""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from consumers.carriers.carrier import Carrier
from consumers.dispatcher import Dispatcher
from projections.worklist import Worklist
from schemas.door import CommandDoor

HAND_OVERS_MAX = 4


class Steps:
    """Stands where the dispatcher has its pool of threads."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []

    def submit(self, work: Callable[..., Any], *args: Any) -> "Future[None]":
        self._waiting.append(lambda: work(*args))
        return Future()

    def shutdown(self) -> None:
        """There is nothing to end."""

    def __len__(self) -> int:
        return len(self._waiting)

    def one(self, chance: Random) -> None:
        """Do one of them, up to its end."""
        if self._waiting:
            self._waiting.pop(chance.randrange(len(self._waiting)))()


class SteppedDispatcher:
    """The dispatcher of a process, which looks and works when it is told to."""

    def __init__(
        self, worklist: Worklist, door: CommandDoor, carrier: Carrier, clock: Callable[[], datetime]
    ) -> None:
        self.steps = Steps()
        self._dispatcher = Dispatcher(worklist, door, carrier, _callback, clock, HAND_OVERS_MAX)
        self._dispatcher._pool.shutdown()
        self._dispatcher._pool = self.steps  # type: ignore[assignment]  # all of a pool that it uses

    def look(self) -> None:
        """As its thread does whenever it is woken."""
        self._dispatcher._look()


def _callback(_: str, text_id: UUID) -> str:
    return f"http://127.0.0.1/?{text_id}"
