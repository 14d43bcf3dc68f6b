"""Sayso's dispatcher without its threads: what it would do in them waits here, to be done in any order."""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from consumers.carriers.carrier import Carriers
from consumers.dispatcher import Dispatcher
from consumers.settling import Patience
from projections.worklist import Worklist
from schemas.door import CommandDoor
from tests.drills.lab import unlimited
from tests.drills.wrapping import wrap

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
        self, worklist: Worklist, door: CommandDoor, carriers: Carriers, clock: Callable[[], datetime]
    ) -> None:
        self.steps = Steps()
        self._dispatcher = Dispatcher(
            worklist, door, carriers, _callback, clock, HAND_OVERS_MAX, unlimited(), Patience()
        )
        for one in (self._dispatcher, self._dispatcher._settler):
            one._pool.shutdown()
            one._pool = self.steps  # type: ignore[assignment]  # all of a pool that they use

    def look(self) -> None:
        """As its thread does whenever it is woken."""
        self._dispatcher._look()


class Seconds:
    """Stands where the dispatcher has the module `time`."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic


def by_seconds_of(monotonic: Callable[[], float]) -> Callable[[], None]:
    """Let limits of time be read from that clock; returns what takes it back."""
    return wrap("consumers.dispatcher:time", lambda _: Seconds(monotonic))


def _callback(_: str, text_id: UUID) -> str:
    return f"http://127.0.0.1/?{text_id}"
