"""The feeds of several shards: a reader follows the one of its account's shard.

The feed of a shard is told of in one order everywhere, so the id of a change that one process gave out means
the same to another.
"""

from collections.abc import Callable
from typing import Protocol

from projections.changes import KEPT_MAX, PENDING_MAX, ChangeFeed, Subscription


class Changes(Protocol):
    """Where live readers subscribe: the feed of a process that is all of Sayso, or those of many shards."""

    def subscribe(self, account: str, after: int | None = None) -> Subscription:
        """A reader of `account`'s changes, from now on or from `after`. Needs a running event loop."""
        ...


class ChangeFeeds:
    """One feed for each of `shards` shards. Thread-safe."""

    def __init__(
        self,
        shards: int,
        shard_of: Callable[[str], int],
        kept_max: int = KEPT_MAX,
        pending_max: int = PENDING_MAX,
    ) -> None:
        """`shard_of`: the shard of an account. `kept_max`, `pending_max`: of each `ChangeFeed`."""
        self._feeds = [ChangeFeed(kept_max, pending_max) for _ in range(shards)]
        self._shard_of = shard_of

    def __getitem__(self, shard: int) -> ChangeFeed:
        """The feed of `shard`.

        Raises:
            IndexError: there is no such shard.
        """
        return self._feeds[shard]

    def __len__(self) -> int:
        """How many shards there are."""
        return len(self._feeds)

    def subscribe(self, account: str, after: int | None = None) -> Subscription:
        """A reader of `account`'s changes, from now on or from `after`. Needs a running event loop."""
        return self._feeds[self._shard_of(account)].subscribe(account, after)

    def close(self) -> None:
        """Let every reader go, and whoever comes later."""
        for feed in self._feeds:
            feed.close()
