"""The dispatcher's door on brokers: no text begins before what was said before, which may be a STOP (P1).

A worker's own steps do not pass through the topic, so they would overtake what waits there. So a last look
asks the topic where it ends, and waits until the shard is there; and while a call of that number waits in a
spool, there is none. A topic that cannot be asked holds all texts: what it has taken meanwhile is not known.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from itertools import count
from typing import Any

from consumers.partition_source import PartitionSource
from projections.topics.partitions import Partitions
from projections.topics.wire import ClusterError, Wire
from schemas.commands import Command, StartDispatch
from schemas.door import Busy, Unavailable
from schemas.receipts import Answer

WAIT_S_MAX = 1.0
"""How long a hand waits; then its text waits for another turn."""
LOOK_EVERY_S = 0.003
OLD_AFTER_S = 0.1
"""What was known so long ago is asked anew."""
ASKED_WITHIN_S = 2.0
AGAIN_AFTER_S = 1.0
"""A topic that did not answer is left alone for so long."""


class TopicFirst:
    """The inbox of `source`, but a last look comes after what spools and the topic held before it."""

    def __init__(self, source: PartitionSource, end: "TopicEnd", waits: Callable[[str], bool]) -> None:
        """`waits`: whether a call from a number (E.164) waits in a spool; may raise Unavailable."""
        self._source = source
        self._end = end
        self._waits = waits

    async def submit(self, command: Command, wait_s: float) -> Answer | None:
        """As the inbox does: nobody hands texts over from a loop."""
        return await self._source.inbox.submit(command, wait_s)

    def put(self, command: Command) -> "Future[Answer]":
        """As the inbox does.

        Raises:
            Busy: a call waits, or the shard is too far behind to be waited for, or closed.
            Unavailable: the topic does not say where it ends, or nobody knows whose calls wait.
        """
        if isinstance(command, StartDispatch):
            until_s = time.monotonic() + WAIT_S_MAX
            while not self._is_next(command.number, until_s):
                pass
        return self._source.inbox.put(command)

    def _is_next(self, number: str, until_s: float) -> bool:
        """Wait for what is ahead; whether that was so short that nothing can have come before since."""
        if self._waits(number):  # before the topic is asked: what was replayed, and waits no more, is there
            raise Busy
        end, known_s = self._end.now(), time.monotonic()
        while self._source.read_to < end:
            if time.monotonic() > until_s or self._source.closed:
                raise Busy
            time.sleep(LOOK_EVERY_S)
        return time.monotonic() - known_s < OLD_AFTER_S


class TopicEnd:
    """Where one shard's partition of a topic ends. For any thread; those who ask at once share an answer."""

    def __init__(self, client: Mapping[str, Any], topic: str, shard: int) -> None:
        self._client = client
        self._topic = topic
        self._shard = shard
        self._wire: Wire | None = None
        self._asking, self._tickets = threading.Lock(), count(1)
        self._begun = 0
        """The ticket with which the last answer was asked for: it is good for all that were drawn before."""
        self._end = 0
        self._again_at_s = 0.0

    def now(self) -> int:
        """The offset after the last record that the topic held at a moment after the call.

        Raises:
            Unavailable: the cluster does not say.
        """
        ticket = next(self._tickets)
        with self._asking:
            if self._begun < ticket:
                begun = next(self._tickets)
                self._end = self._ask()
                self._begun = begun
            return self._end

    def close(self) -> None:
        """Let the connection go."""
        with self._asking:
            self._let_go()

    def _ask(self) -> int:
        if time.monotonic() < self._again_at_s:
            raise Unavailable("The topic of commands did not answer just now.")
        try:
            if self._wire is None:
                self._wire = Wire(self._client, [self._topic], f"sayso-end-{self._shard}")
            return Partitions(self._wire, self._shard).high(self._topic, ASKED_WITHIN_S)
        except ClusterError as error:
            self._again_at_s = time.monotonic() + AGAIN_AFTER_S
            self._let_go()
            raise Unavailable(f"The topic of commands does not say where it ends: {error}") from error

    def _let_go(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None
