"""What changed, told to live readers as soon as the views show it.

A change says where to look, not what is there: whoever may look asks the queries. Its id is the position of
the event, so a reader who comes back with the last id it saw gets what it missed, as long as that is kept;
otherwise it is told to load everything again, as is a reader too slow to follow.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from types import TracebackType
from typing import Literal

KEPT_MAX = 10_000
PENDING_MAX = 1_000

ChangeKind = Literal[
    "account", "credits", "candidate", "consent", "message", "receipt", "notification", "bulk"
]


@dataclass(frozen=True, slots=True)
class Change:
    """Something of `account` reads differently now."""

    id: int
    account: str
    kind: ChangeKind
    subject: str | None
    """The candidate, conversation (consent, message), command (receipt), member (notification) or bulk."""


@dataclass(frozen=True, slots=True)
class Reload:
    """Changes were missed: read everything again. What follows `id` will be told."""

    id: int


class ChangeFeed:
    """Changes from one projector to any number of readers. Thread-safe."""

    def __init__(self, kept_max: int = KEPT_MAX, pending_max: int = PENDING_MAX) -> None:
        self._lock = Lock()
        self._kept: deque[Change] = deque(maxlen=kept_max)
        self._pending_max = pending_max
        self._readers: dict[str, set[Subscription]] = defaultdict(set)
        self._floor = 0
        self._position = 0
        self._closed = False

    @property
    def position(self) -> int:
        """How far the views have come."""
        return self._position

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._readers)

    def begin(self, position: int) -> None:
        """The views stand at `position`; of what came before, nothing is kept."""
        with self._lock:
            self._floor = self._position = position
            self._kept.clear()

    def restart(self, position: int) -> None:
        """Changes were missed: the views stand at `position`, and every reader has to read again."""
        with self._lock:
            self._floor = self._position = position
            self._kept.clear()
            for reader in [reader for readers in self._readers.values() for reader in readers]:
                if not reader.offer([Reload(position)], position):
                    self._forget(reader)

    def publish(self, changes: Sequence[Change], position: int) -> None:
        """`changes`, by ascending id, are visible; the views stand at `position`."""
        with self._lock:
            for change in changes:
                if len(self._kept) == self._kept.maxlen:
                    self._floor = self._kept[0].id
                self._kept.append(change)
            self._position = position
            if self._readers:
                self._tell(changes)

    def subscribe(self, account: str, after: int | None = None) -> "Subscription":
        """A reader of `account`'s changes, from now on or from `after`. Needs a running event loop."""
        with self._lock:
            reader = Subscription(self, account, self._pending_max, asyncio.get_running_loop())
            if after is not None:
                reader.offer(self._missed(account, after), self._position)
            self._readers[account].add(reader)
            if self._closed:
                reader.end()
            return reader

    def close(self) -> None:
        """Let every reader go, and whoever comes later."""
        with self._lock:
            self._closed = True
            for reader in [reader for readers in self._readers.values() for reader in readers]:
                reader.end()

    def leave(self, reader: "Subscription") -> None:
        """Tell `reader` nothing more. Leaving twice is harmless."""
        with self._lock:
            self._forget(reader)

    def _missed(self, account: str, after: int) -> Sequence["Change | Reload"]:
        if not self._floor <= after <= self._position:
            return [Reload(self._position)]
        return [change for change in self._kept if change.id > after and change.account == account]

    def _tell(self, changes: Sequence[Change]) -> None:
        by_account: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            if change.account in self._readers:
                by_account[change.account].append(change)
        for account, theirs in by_account.items():
            for reader in tuple(self._readers[account]):
                if not reader.offer(theirs, self._position):
                    self._forget(reader)

    def _forget(self, reader: "Subscription") -> None:
        readers = self._readers.get(reader.account, set())
        readers.discard(reader)
        if not readers:
            self._readers.pop(reader.account, None)


class Subscription:
    """One reader's changes: `async with feed.subscribe(account) as reader: ... await reader.next()`."""

    def __init__(
        self, feed: ChangeFeed, account: str, pending_max: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.account = account
        self._feed = feed
        self._loop = loop
        self._lock = Lock()
        self._pending: deque[Change | Reload] = deque()
        self._pending_max = pending_max
        self._some = asyncio.Event()

    async def next(self) -> tuple[Change | Reload, ...]:
        """What is new since the last call, by ascending id; waits until there is something.

        Empty: the feed was closed.
        """
        await self._some.wait()
        with self._lock:
            news = tuple(self._pending)
            self._pending.clear()
            self._some.clear()
        return news

    def offer(self, news: Sequence[Change | Reload], position: int) -> bool:
        """Queue `news`, from any thread. Too much of it becomes one `Reload`. False: the reader is gone."""
        if not news:
            return True
        with self._lock:
            self._pending.extend(news)
            if len(self._pending) > self._pending_max:
                self._pending.clear()
                self._pending.append(Reload(position))
        return self._wake()

    def end(self) -> None:
        """There will be nothing more. From any thread."""
        self._wake()

    def _wake(self) -> bool:
        try:
            self._loop.call_soon_threadsafe(self._some.set)
        except RuntimeError:  # its loop was closed: nobody will ever read
            return False
        return True

    def close(self) -> None:
        """Leave the feed."""
        self._feed.leave(self)

    async def __aenter__(self) -> "Subscription":
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()
