"""The projector: follows a log and keeps the views up with it."""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from time import monotonic

import structlog
from sqlalchemy import Engine

from consumers.freshness import Freshness, Lag
from domain.ledger import LedgerUnavailable
from projections import catalog
from projections.announcing import changes_of
from projections.changes import ChangeFeed
from projections.engine import is_postgresql, own_errors, reading, writing
from projections.folding import advance
from projections.notifying import notify
from projections.source import (
    Batch,
    EventSource,
    LiveSource,
    SourceUnavailable,
    Told,
    Unfoldable,
    read_batch,
)
from projections.tracking import PositionMoved, positions
from projections.view import View
from schemas.sealing import Keys
from schemas.stores import StoreUnavailable

log = structlog.get_logger()

BATCH_MAX = 1_000
IDLE_S_MAX = 1.0
"""How late an event is noticed if nobody tells of it: one that another process put into a ledger."""
RETRY_S_FIRST = 0.1
RETRY_S_MAX = 5.0
_NOT_NOW = (StoreUnavailable, LedgerUnavailable, SourceUnavailable)
"""What may be otherwise at the next try."""


@dataclass(frozen=True, slots=True)
class Projected:
    """One batch that the views show now."""

    events: int
    position: int
    seconds: float
    batch: Batch


class Projector:
    """Reads a log, folds its events into all views, and tells live readers what changed.

    An event that cannot be projected stops it, and `failure` names its position; nothing is skipped.
    A database or a log that is away, or takes nothing just now, is tried again, for ever.
    """

    def __init__(
        self,
        source: EventSource,
        engine: Engine,
        keys: Keys,
        *,
        source_name: str = "shard-0",
        views: Collection[View] = catalog.LIVE,
        feed: ChangeFeed | None = None,
        on_batch: Callable[[Projected], None] = lambda _: None,
        batch_max: int = BATCH_MAX,
    ) -> None:
        """Make the views' tables where they are missing, and find out how far they have come.

        A `source` that is no `LiveSource` is followed by being told (`wake`), and by looking now and then.
        Readers in this process hear of changes by `feed`; those in others by PostgreSQL, if views are there.
        """
        self.feed = feed or ChangeFeed()
        self.failure: Exception | None = None
        self._source = source if isinstance(source, LiveSource) else Told(source)
        self._engine = engine
        self._keys = keys
        self._source_name = source_name
        self._views = views
        self._notifies = is_postgresql(engine)
        self._on_batch = on_batch
        self._batch_max = batch_max
        self._stopping = threading.Event()
        self._moved = threading.Condition()
        self._thread: threading.Thread | None = None
        catalog.prepare(engine, [source_name], views)
        self._position = self._standing()
        self._freshness = Freshness()
        self.feed.begin(self._position)

    @property
    def position(self) -> int:
        """What every view shows, at least."""
        return self._position

    @property
    def running(self) -> bool:
        """Whether the views are being kept up."""
        return self._thread is not None and self._thread.is_alive()

    def lag(self) -> Lag:
        """How far the views are behind, at most: positions may have gaps. From any thread."""
        return self._freshness.lag(self._source.last_notification() - self._position)

    # --- running ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Keep the views up from now on, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="projector", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is something new to read. From any thread."""
        self._source.wake()

    def stop(self) -> None:
        """Finish the batch at hand and stop."""
        self._stopping.set()
        self._source.wake()
        if self._thread is not None:
            self._thread.join()

    def wait_for(self, position: int, timeout_s: float) -> bool:
        """Whether the views show `position` within `timeout_s`."""
        with self._moved:
            return self._moved.wait_for(lambda: self._position >= position, timeout_s)

    def catch_up(self) -> None:
        """Project everything that the log holds, in this thread. Not while it is running.

        Raises:
            Unfoldable: an event cannot be projected.
            StoreUnavailable: the database is away.
        """
        while self._step():
            pass

    def _run(self) -> None:
        retry_s = RETRY_S_FIRST
        while not self._stopping.is_set():
            try:
                if not self._step():
                    self._source.wait(IDLE_S_MAX)
            except _NOT_NOW as error:
                log.warning("projector_waits", reason=str(error.__cause__ or error), retry_in_s=retry_s)
                self._stopping.wait(retry_s)
                retry_s = min(2 * retry_s, RETRY_S_MAX)
                continue
            except Exception as error:
                self.failure = error
                log.critical("projector_stopped", position=self._position, exc_info=True)
                return
            retry_s = RETRY_S_FIRST

    # --- one batch --------------------------------------------------------------------------------

    def _step(self) -> bool:
        """Project the next batch; False, if there was none."""
        began_s = monotonic()
        batch = read_batch(self._source, self._keys, self._position, self._batch_max)
        if not batch.events:
            self._freshness.at_end()
            return False
        try:
            self._project(batch)
        except PositionMoved:
            log.info("views_moved_by_another", position=self._position)
            self._reach(self._standing())
            return True
        self._reach(batch.last)
        self._freshness.reached(batch.events[-1][1].context.at)
        self._announce(batch)
        self._on_batch(Projected(len(batch.events), batch.last, monotonic() - began_s, batch))
        return True

    def _project(self, batch: Batch) -> None:
        try:
            self._commit(batch)
        except (PositionMoved, StoreUnavailable):
            raise
        except Exception:  # noqa: BLE001  # nothing is lost: the event at fault is found, and named
            for single in batch.singles():
                self._commit_single(single)

    def _commit_single(self, single: Batch) -> None:
        try:
            self._commit(single)
        except (PositionMoved, StoreUnavailable):
            raise
        except Exception as error:
            (position, recorded), *_ = single.events
            what = f"{recorded.event.NAME}, {type(error).__name__}"
            raise Unfoldable(position, what) from error

    def _commit(self, batch: Batch) -> None:
        with own_errors(), writing(self._engine) as connection:
            advance(connection, self._views, self._source_name, batch)
            if self._notifies:
                notify(connection, self._source_name, batch)

    def _announce(self, batch: Batch) -> None:
        if len(batch.events) == self._batch_max and not self.feed.heard:
            self.feed.begin(batch.last)  # catching up, with nobody there to hear of each step
        else:
            self.feed.publish(changes_of(batch), batch.last)

    def _reach(self, position: int) -> None:
        with self._moved:
            self._position = position
            self._moved.notify_all()

    def _standing(self) -> int:
        with reading(self._engine) as connection:
            standing = positions(connection, self._source_name)
        return min(standing[view.key] for view in self._views)
