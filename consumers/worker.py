"""The worker: takes commands from its source, has its shard decide them, and passes on what came of it."""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from consumers.inbox import Incoming
from consumers.shard import Committed, Shard
from domain.ledger import PositionConflict
from schemas.door import Unavailable

log = structlog.get_logger()

COMMANDS_PER_BATCH_MAX = 500
POLL_TIMEOUT_S = 0.2


class CommandSource(Protocol):
    """Where a shard's commands come from, in order."""

    def poll(self, commands_max: int, timeout_s: float) -> Sequence[Incoming]:
        """The next commands; none if nothing came within `timeout_s` seconds."""
        ...

    def close(self) -> None:
        """Take nothing more in."""
        ...


class Worker:
    """Runs one shard in a thread of its own until it is stopped, or finds that another owner took over."""

    def __init__(
        self,
        shard: Shard,
        source: CommandSource,
        on_commit: Sequence[Callable[[Committed], None]] = (),
    ) -> None:
        """`on_commit`: told of each batch once it is stored; must be quick and must not raise."""
        self._shard = shard
        self._source = source
        self._on_commit = on_commit
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"worker-{shard.number}", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether commands are being decided."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand, and let go."""
        self._stopping.set()
        self._thread.join()
        self._shard.close()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                batch = self._source.poll(COMMANDS_PER_BATCH_MAX, POLL_TIMEOUT_S)
                if batch and not self._process(batch):
                    return
        finally:
            self._source.close()

    def _process(self, batch: Sequence[Incoming]) -> bool:
        """Whether this worker may go on."""
        try:
            committed = self._shard.process(batch)
        except PositionConflict:
            log.critical("shard_lost", shard=self._shard.number)
            _fail(batch)
            return False
        except Exception:
            log.exception("batch_failed", shard=self._shard.number, commands=len(batch))
            _fail(batch)
            return True
        for listener in self._on_commit:
            listener(committed)
        for item, answer in committed.answers:
            if item.reply is not None:
                item.reply.set_result(answer)
        return True


def _fail(batch: Sequence[Incoming]) -> None:
    for item in batch:
        if item.reply is not None:
            item.reply.set_exception(Unavailable("The command could not be stored; nothing was done."))
