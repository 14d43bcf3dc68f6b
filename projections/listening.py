"""Hearing of what other processes projected: PostgreSQL's notifications become changes in our feeds."""

import threading
from collections.abc import Callable, Collection

import structlog
from sqlalchemy import Engine

from projections import catalog
from projections.engine import connected_alone, own_errors
from projections.feeds import ChangeFeeds
from projections.notifying import CHANNEL, News, read
from projections.tracking import shown, source_of
from projections.view import View
from schemas.stores import StoreUnavailable

log = structlog.get_logger()

OnPosition = Callable[[int, int], None]
"""Called with a shard and the position that its views show now. It must be quick, and must not raise."""

LOOK_S = 0.2
"""How long stopping may take."""
RETRY_S_FIRST = 0.1
RETRY_S_MAX = 5.0


class ChangeListener:
    """One thread with a connection of its own. What it missed, while there was none, readers read again.

    A server that is away, whatever it says, is tried again, for ever. Anything else that goes wrong stops
    it, and `failure` says what.
    """

    def __init__(
        self,
        engine: Engine,
        feeds: ChangeFeeds,
        on_position: Collection[OnPosition] = (),
        views: Collection[View] = catalog.LIVE,
    ) -> None:
        """`engine`: of the views, in PostgreSQL; their tables have to be there when it starts."""
        self.failure: Exception | None = None
        self._engine = engine
        self._feeds = feeds
        self._on_position = tuple(on_position)
        self._views = [view.key for view in views]
        self._listening = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="change-listener", daemon=True)

    @property
    def listening(self) -> bool:
        """Whether it hears of everything, as far as it can know."""
        return self._listening.is_set()

    @property
    def alive(self) -> bool:
        """Whether it listens, or tries to."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Listen from now on."""
        self._thread.start()

    def wait_until_listening(self, timeout_s: float) -> bool:
        """Whether it listens within `timeout_s`: what is projected from then on is heard of."""
        return self._listening.wait(timeout_s)

    def stop(self) -> None:
        """Hear no more."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        retry_s = RETRY_S_FIRST
        while not self._stopping.is_set():
            try:
                self._listen()
            except StoreUnavailable as error:
                retry_s = RETRY_S_FIRST if self.listening else min(2 * retry_s, RETRY_S_MAX)
                self._listening.clear()
                log.warning("listener_waits", reason=str(error.__cause__), retry_in_s=retry_s)
                self._stopping.wait(retry_s)
            except Exception as error:
                self.failure = error
                log.critical("listener_stopped", exc_info=True)
                break
        self._listening.clear()

    def _listen(self) -> None:
        with own_errors(), connected_alone(self._engine) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self._compare()  # after the command: what is committed from now on is heard of
            self._listening.set()
            while not self._stopping.is_set():
                for notification in connection.notifies(timeout=LOOK_S):
                    self._hear(read(notification.payload))
                    if self._stopping.is_set():
                        return

    def _compare(self) -> None:
        """Find out how far the views have come, and let the readers know where they missed something."""
        with self._engine.connect() as connection:
            standing = shown(connection, self._views)
        for shard in range(len(self._feeds)):
            position = standing.get(source_of(shard), 0)
            if position != self._feeds[shard].position:
                self._feeds[shard].restart(position)
                self._tell(shard, position)

    def _hear(self, news: News) -> None:
        feed = self._feeds[news.shard]
        if news.position <= feed.position:
            return  # of before we asked for the positions
        if news.changes is None or news.after > feed.position:
            feed.restart(news.position)
        else:
            feed.publish([change for change in news.changes if change.id > feed.position], news.position)
        self._tell(news.shard, news.position)

    def _tell(self, shard: int, position: int) -> None:
        for told in self._on_position:
            told(shard, position)
