"""The embedded source of commands: a bounded queue within the process."""

import asyncio
import queue
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Any, NamedTuple

from schemas.commands import Command
from schemas.door import Busy, Unavailable
from schemas.receipts import Answer

COMMANDS_WAITING_MAX = 10_000


class Incoming(NamedTuple):
    """A command in its place in the shard's order, and where its answer goes."""

    command: Command
    position: int
    """Grows from command to command; what it counts is the source's own affair."""
    reply: "Future[Answer] | None" = None
    record: Any = None
    """What the source read it from, if the source wants to know that again."""


class Inbox:
    """Both ends of the queue: the door for producers, the source for the worker.

    A command counts as taken in once its receipt is stored: a queue in memory is no place to promise from.
    """

    comes_again = False

    def __init__(
        self,
        last_position: int,
        waiting_max: int = COMMANDS_WAITING_MAX,
        on_put: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_put`: told of each command that came in; must be quick."""
        self._on_put = on_put
        self._queue: queue.Queue[tuple[Command, Future[Answer]]] = queue.Queue(waiting_max)
        self._position = last_position
        self._closed = False
        self._closing = Lock()

    # --- the door --------------------------------------------------------------------------------

    def put(self, command: Command) -> "Future[Answer]":
        """Queue `command`; the future holds its answer. Raises Busy where the queue is full or closed."""
        reply: Future[Answer] = Future()
        with self._closing:
            if self._closed:
                raise Busy
            try:
                self._queue.put_nowait((command, reply))
            except queue.Full:
                raise Busy from None
        self._on_put()
        return reply

    async def submit(self, command: Command, wait_s: float) -> Answer | None:
        """Queue `command` and return once it is stored; None where that took longer than the caller waits."""
        answer = await asyncio.wrap_future(self.put(command))
        return answer if wait_s > 0 else None

    # --- the source ------------------------------------------------------------------------------

    def poll(self, commands_max: int, timeout_s: float) -> list[Incoming]:
        """What has come in since: at least one command, or none after `timeout_s` seconds."""
        try:
            first = self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return []
        batch = [self._placed(*first)]
        while len(batch) < commands_max:
            try:
                batch.append(self._placed(*self._queue.get_nowait()))
            except queue.Empty:
                break
        return batch

    @property
    def position(self) -> int:
        """Of the last command that was polled."""
        return self._position

    def refuse(self, items: Sequence[Incoming]) -> None:
        """Whoever put them has stopped listening; nothing else is kept of them."""

    def _placed(self, command: Command, reply: "Future[Answer]") -> Incoming:
        self._position += 1
        # From here on nobody can cancel the reply; who did so before has stopped listening.
        heard = reply.set_running_or_notify_cancel()
        return Incoming(command, self._position, reply if heard else None)

    def close(self) -> None:
        """Take nothing more in, and tell those who wait that nothing was done."""
        with self._closing:
            self._closed = True
        while not self._queue.empty():
            _, reply = self._queue.get_nowait()
            if reply.set_running_or_notify_cancel():
                reply.set_exception(Unavailable("Sayso is stopping; nothing was done."))

    @property
    def waiting(self) -> int:
        """How many commands wait."""
        return self._queue.qsize()
