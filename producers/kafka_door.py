"""The door of a process that decides nothing itself: it publishes commands, and learns answers from receipts.

A repeat makes no new receipt, so one that is there is looked for: before a command is published, among
those that came lately and in the view; and again, where nothing was heard for a while.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from domain.ledger import StreamNames
from domain.receipts import fingerprint_of, receipt_stream
from producers.receipts_feed import ReceiptsFeed
from projections.topics.publisher import WITHIN_S, NotAcknowledged, NotSent, Parcel, Publisher
from schemas import commands, records
from schemas.command_seal import CommandSeal, must_be_sealed
from schemas.commands import Command
from schemas.door import Busy, Unavailable, Uncertain
from schemas.partitions import shard_of
from schemas.receipts import Answer
from schemas.stores import StoreUnavailable

log = structlog.get_logger()

UNACKNOWLEDGED_MAX = 10_000
LOOK_AGAIN_S = 1.0
"""After how long without a receipt the view is asked, and asked again."""

Known = Callable[[str, UUID], Answer | None]
"""The receipt of that account's command, as the views have it."""


class KafkaDoor:
    """A `CommandDoor` over the commands and the receipts topic."""

    def __init__(
        self,
        client: Mapping[str, Any],
        commands_topic: str,
        receipts_topic: str,
        partitions: int,
        names: StreamNames,
        seal: CommandSeal,
        known: Known,
        within_s: float = WITHIN_S,
    ) -> None:
        """`known`: called in threads, may take its time, and may raise StoreUnavailable.

        `within_s`: how long the broker may take.
        """
        self._topic = commands_topic
        self._partitions = partitions
        self._names = names
        self._seal = seal
        self._known = known
        self._publisher = Publisher(client, within_s)
        self._feed = ReceiptsFeed(client, receipts_topic, self._receipt_seen, self._look_again)
        self._looker = ThreadPoolExecutor(1, thread_name_prefix="receipts-view")
        self._lock = threading.Lock()
        self._waiting: dict[str, list[_Published]] = {}
        self._looking = False
        self._closed = False

    @property
    def following(self) -> bool:
        """Whether answers are heard; without it commands are taken in all the same."""
        return self._feed.following

    def start(self) -> None:
        """Connect.

        Raises:
            TimeoutError: the broker does not answer.
            ValueError: the topic has another number of partitions.
        """
        try:
            (found,) = self._publisher.start(self._topic)
        except NotSent as error:
            raise TimeoutError(f"{self._topic} cannot be written") from error
        if found != self._partitions:
            raise ValueError(f"{self._topic} has {found} partitions, not {self._partitions}")
        self._feed.start()

    def close(self) -> None:
        """Take nothing more in; who still waits hears that nothing is known."""
        self._closed = True
        self._feed.close()
        self._looker.shutdown()
        self._publisher.close()
        with self._lock:
            left = [one for waiting in self._waiting.values() for one in waiting]
            self._waiting.clear()
        for one in left:
            one.fail(Uncertain())

    # --- the door --------------------------------------------------------------------------------

    async def submit(self, command: Command, wait_s: float) -> Answer | None:
        """Publish `command`, and return once the broker has it; the answer, if that came within `wait_s`."""
        until = time.monotonic() + wait_s
        one = _Published(command, receipt_stream(self._names, command), fingerprint_of(self._names, command))
        if (answer := self._feed.recent(one.stream)) is not None:
            return one.repeated(answer)
        if not one.within and (answer := await asyncio.to_thread(self._before, one)) is not None:
            return one.repeated(answer)
        self._publish(one)
        try:
            await _heard(one.acknowledged)
            return await asyncio.wait_for(_heard(one.answer), max(0.0, until - time.monotonic()))
        except TimeoutError:
            return None
        finally:
            self._forget(one)

    def put(self, command: Command) -> "Future[Answer]":
        """As `submit`, for threads; the future waits as long as it takes."""
        one = _Published(command, receipt_stream(self._names, command), fingerprint_of(self._names, command))
        answer = self._feed.recent(one.stream) or (None if one.within else self._before(one))
        if answer is None:
            self._publish(one)
        else:
            one.answer.set_result(one.repeated(answer))
        return one.answer

    def _before(self, one: "_Published") -> Answer | None:
        """The answer to an earlier command of that id.

        Raises:
            Uncertain: the view that would know is away. Nothing was published, but it may have been before.
        """
        try:
            return self._known(*one.asked_for)
        except StoreUnavailable as error:
            raise Uncertain from error

    # --- publishing ------------------------------------------------------------------------------

    def _publish(self, one: "_Published") -> None:
        """Send it on its way.

        Raises:
            Busy: too many are on their way already.
            Unavailable: it cannot even be sent.
        """
        command = one.command
        value, headers = commands.write(command), []
        if must_be_sealed(command.actor):
            headers.append((records.SEAL, self._seal.of(value)))
        if command.traceparent is not None:
            headers.append(("traceparent", command.traceparent.encode()))
        one.partition = shard_of(command.account, self._partitions)
        if self._closed or self._publisher.under_way >= UNACKNOWLEDGED_MAX:
            raise Busy
        with self._lock:
            self._waiting.setdefault(one.stream, []).append(one)
        parcel = Parcel(self._topic, one.partition, command.account.encode(), value, headers)
        try:
            acknowledged = self._publisher.publish(parcel)
        except NotSent as error:
            self._forget(one)
            raise Unavailable("The command could not be published; nothing was done.") from error
        acknowledged.add_done_callback(partial(self._acknowledged, one))

    def _acknowledged(self, one: "_Published", offset: "Future[int]") -> None:
        try:
            one.offset = offset.result()
        except NotAcknowledged as error:  # it may be there for all that: sent again, it meets its receipt
            log.warning("command_not_acknowledged", error=str(error))
            self._forget(one)
            one.fail(Uncertain())
            return
        if one.acknowledged.set_running_or_notify_cancel():
            one.acknowledged.set_result(None)
        self._receipt_seen(one.stream)  # the receipt may have been quicker

    # --- answers ---------------------------------------------------------------------------------

    def _receipt_seen(self, stream: str) -> None:
        if stream in self._waiting and (answer := self._feed.recent(stream)) is not None:
            self._answer(stream, answer)

    def _answer(self, stream: str, answer: Answer) -> None:
        with self._lock:
            waiting = self._waiting.pop(stream, [])
            ready = [one for one in waiting if one.acknowledged.done()]
            if len(ready) < len(waiting):
                self._waiting[stream] = [one for one in waiting if one not in ready]
        for one in ready:
            one.hear(answer)

    def _forget(self, one: "_Published") -> None:
        with self._lock:
            waiting = self._waiting.get(one.stream)
            if waiting is not None and one in waiting:
                waiting.remove(one)
                if not waiting:
                    del self._waiting[one.stream]

    def _look_again(self) -> None:
        """Ask the view for those who have waited long enough, unless it is being asked."""
        if self._waiting and not self._looking and not self._closed:
            overdue = time.monotonic() - LOOK_AGAIN_S
            with self._lock:
                asked = [ones[0] for ones in self._waiting.values() if ones[0].asked_at < overdue]
            if asked:
                self._looking = True
                self._looker.submit(self._look, asked)

    def _look(self, asked: list["_Published"]) -> None:
        try:
            for one in asked:
                one.asked_at = time.monotonic()
                if not one.within and (answer := self._known(*one.asked_for)) is not None:
                    self._answer(one.stream, answer)
        except Exception:
            log.exception("receipts_not_found")  # the view may be away for a moment
        finally:
            self._looking = False


@dataclass(eq=False, slots=True)
class _Published:
    """A command on its way, and whoever waits for its answer."""

    command: Command
    stream: str
    fingerprint: str
    partition: int = -1
    offset: int = -1
    asked_at: float = field(default_factory=time.monotonic)
    acknowledged: "Future[None]" = field(default_factory=Future)
    answer: "Future[Answer]" = field(default_factory=Future)

    @property
    def within(self) -> bool:
        """Whether it is from our own doors, whose receipts the views leave out."""
        return must_be_sealed(self.command.actor)

    @property
    def asked_for(self) -> tuple[str, UUID]:
        return self.command.account, self.command.command_id

    def repeated(self, answer: Answer) -> Answer:
        """`answer` to an earlier command of that id."""
        return replace(answer, repeated=True, conflict=answer.receipt.fingerprint != self.fingerprint)

    def hear(self, answer: Answer) -> None:
        """A receipt for that id. It is this very command's if it was decided in this very place."""
        context = answer.context
        ours = context.shard == self.partition and context.position == self.offset + 1
        if self.answer.set_running_or_notify_cancel():
            self.answer.set_result(answer if ours else self.repeated(answer))

    def fail(self, error: Exception) -> None:
        for future in (self.acknowledged, self.answer):
            if not future.done() and future.set_running_or_notify_cancel():
                future.set_exception(error)


async def _heard(future: "Future[Any]") -> Any:
    """What comes of `future`, whoever stops waiting for it."""
    return await asyncio.shield(asyncio.wrap_future(future))
