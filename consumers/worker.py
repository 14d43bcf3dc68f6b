"""The worker: takes commands from its source, has its shard decide them, and passes on what came of it."""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import structlog

from consumers.inbox import Incoming
from consumers.shard import Decided, Shard
from domain.ledger import OutcomeUnknown, PositionConflict
from schemas.door import Unavailable, Uncertain

log = structlog.get_logger()

COMMANDS_PER_BATCH_MAX = 500
POLL_TIMEOUT_S = 0.2


class CommandSource(Protocol):
    """Where a shard's commands come from, in order."""

    def poll(self, commands_max: int, timeout_s: float) -> Sequence[Incoming]:
        """The next commands; none if nothing came within `timeout_s` seconds."""
        ...

    @property
    def position(self) -> int:
        """Where what was polled ends: with its last command, or further on, where no command was readable."""
        ...

    @property
    def comes_again(self) -> bool:
        """Whether what was not stored comes again once the shard is opened anew.

        Else whoever sent it hears that nothing was done, and the worker goes on.
        """
        ...

    def refuse(self, items: Sequence[Incoming]) -> None:
        """Keep `items`, whose ids were used before for something else: nobody waits to hear of it."""
        ...

    def close(self) -> None:
        """Take nothing more in."""
        ...


class Worker:
    """Runs one shard until it is stopped, or finds that another owner took over.

    One thread decides, another stores: while a batch goes to disk, the next one is decided.
    """

    def __init__(
        self,
        shard: Shard,
        source: CommandSource,
        on_commit: Sequence[Callable[[Decided], None]] = (),
    ) -> None:
        """`on_commit`: told of each batch once it is stored; must be quick."""
        self._shard = shard
        self._source = source
        self._position = source.position
        self._on_commit = on_commit
        self._storing: tuple[Decided, Future[None]] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"worker-{shard.number}", daemon=True)
        self._storer = ThreadPoolExecutor(1, thread_name_prefix=f"store-{shard.number}")

    @property
    def alive(self) -> bool:
        """Whether commands are being decided."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is at hand, and let go."""
        self._stopping.set()
        self._thread.join()
        self._storer.shutdown()
        self._shard.close()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._step()
        except Exception:
            log.exception("worker_failed", shard=self._shard.number)
        finally:
            self._await_store()
            self._source.close()

    def _step(self) -> None:
        """Decide what waits while the batch before is being stored; then have it stored in turn."""
        batch = self._source.poll(COMMANDS_PER_BATCH_MAX, 0 if self._storing else POLL_TIMEOUT_S)
        moved = self._source.position != self._position
        decided = self._decide(batch) if batch or moved else None
        stored = self._await_store()
        if decided is None:
            return
        if stored:
            self._storing = decided, self._storer.submit(self._shard.store, decided)
        else:
            _fail(batch)  # it was decided upon what was not stored

    def _decide(self, batch: Sequence[Incoming]) -> Decided | None:
        self._position = self._source.position
        try:
            decided = self._shard.decide(batch, self._position)
            unheard = [item for item, answer in decided.answers if answer.conflict and item.reply is None]
            if unheard:
                self._source.refuse(unheard)
        except Exception as error:
            log.exception("batch_failed", shard=self._shard.number, commands=len(batch))
            self._await_store()  # what it still needs must not be forgotten before it is on disk
            self._failed(batch, error)
            return None
        return decided

    def _await_store(self) -> bool:
        """Wait for the batch that is being stored, and answer its commands. False if it was not stored."""
        if self._storing is None:
            return True
        (decided, stored), self._storing = self._storing, None
        try:
            stored.result()
        except Exception as error:
            log.exception("batch_failed", shard=self._shard.number, commands=len(decided.answers))
            self._failed([item for item, _ in decided.answers], error)
            return False
        self._shard.settle(decided)
        for item, answer in decided.answers:
            if item.reply is not None:
                item.reply.set_result(answer)
        for listener in self._on_commit:
            try:
                listener(decided)
            except Exception:
                log.exception("listener_failed", shard=self._shard.number)
        return True

    def _failed(self, batch: Sequence[Incoming], error: Exception) -> None:
        """Nothing of `batch` is stored, or nobody knows: say so, and believe only the ledger from now on."""
        _fail(batch, Uncertain() if isinstance(error, OutcomeUnknown) else None)
        self._shard.forget()
        lost = isinstance(error, PositionConflict)
        if lost:
            log.critical("shard_lost", shard=self._shard.number)
        if lost or self._source.comes_again:  # to go on would leave out what was not stored
            self._stopping.set()


def _fail(batch: Iterable[Incoming], why: Unavailable | None = None) -> None:
    for item in batch:
        if item.reply is not None:
            item.reply.set_exception(why or Unavailable("The command could not be stored; nothing was done."))
