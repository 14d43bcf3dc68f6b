"""The Kafka client as a member of a group, reduced to what a worker process needs of it."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.subscription_state import AsyncConsumerRebalanceListener
from kafka.errors import KafkaError
from kafka.future import Future as Promise
from kafka.net.compat import KafkaNetClient
from kafka.structs import MemberState

from consumers.assignor import ShardAssignor
from consumers.reading import Record

log = structlog.get_logger()

SESSION_TIMEOUT_MS = 6_000
"""A member that is silent for so long is dead: the least that brokers allow by default."""
HEARTBEAT_MS = 500
"""Members hear of a rebalance with their next heartbeat, and those who heard of it wait for the others."""
POLL_INTERVAL_MS_MAX = 120_000
"""How long a member may take over giving a shard up. Its being busy is no reason to take one away."""
RECORDS_PER_POLL_MAX = 1_000
REBALANCE_S_MAX = 20.0
"""A rebalance ends within a session's time-out and what members need to give shards up. The client has been
seen to wait for ever for one that the broker knew nothing of."""
OFFSETS_TIMEOUT_MS = 5_000


class Membership(AsyncConsumerRebalanceListener):  # type: ignore[misc]  # the client has no types
    """The client, in the group; its partitions are paused until they are sought.

    Its own thread calls the three methods of the listener. What takes time is done in another, or the member
    would be thought dead.
    """

    def __init__(
        self,
        client: Mapping[str, Any],
        group: str,
        topic: str,
        given: Callable[[Iterable[int]], None],
        taken: Callable[[Iterable[int]], None],
    ) -> None:
        self._topic = topic
        self._given = given
        self._taken = taken
        self._assignor = ShardAssignor(topic)
        self._net: KafkaNetClient | None = None
        self._left = False
        self._stable_at = time.monotonic()
        self._consumer = KafkaConsumer(
            **client,
            group_id=group,
            enable_auto_commit=False,  # the ledgers know where they stand
            auto_offset_reset="none",
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            partition_assignment_strategy=[self._assignor],
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            max_poll_interval_ms=POLL_INTERVAL_MS_MAX,
            max_poll_records=RECORDS_PER_POLL_MAX,
            kafka_client=self._connected,
        )
        self._consumer.partitions_for_topic(topic)  # else the first assignment is of nothing
        self._consumer.subscribe([topic], listener=self)

    def _connected(self, **settings: Any) -> KafkaNetClient:
        self._net = KafkaNetClient(**settings)
        return self._net

    def __enter__(self) -> "Membership":
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Leave the group. Gives up first what is ours."""
        if not self._left:
            self._left = True
            self._consumer.close(autocommit=False, timeout_ms=OFFSETS_TIMEOUT_MS)

    def poll(self, timeout_ms: int) -> list[tuple[int, Sequence[Record]]]:
        """Records, by their partitions.

        Raises:
            KafkaError: the group does not come to an end with what it is deciding; join anew.
        """
        now = time.monotonic()
        if self._consumer.group_metadata().state is MemberState.STABLE:
            self._stable_at = now
        elif now - self._stable_at > REBALANCE_S_MAX:
            raise KafkaError(f"the group did not say what is ours within {REBALANCE_S_MAX} s")
        fetcher = self._consumer._fetcher
        if not fetcher._next_partition_records:
            # What was set aside of a paused partition is taken up again only where this is None, not where it
            # is used up: resumed, it would wait for ever (kafka-python 3.0.12, `Fetcher.fetched_records`).
            fetcher._next_partition_records = None
        return [(place.partition, records) for place, records in self._consumer.poll(timeout_ms).items()]

    def position(self, number: int) -> int | None:
        """Where the next record of a partition is to be found; marks of transactions before it are passed.

        None where it is not ours any more. The client's own `position` may wait for the cluster.
        """
        state = self._consumer._subscription.assignment.get(TopicPartition(self._topic, number))
        return None if state is None or state.position is None else int(state.position.offset)

    def pause(self, number: int) -> None:
        self._consumer.pause(TopicPartition(self._topic, number))

    def resume(self, number: int) -> None:
        self._consumer.resume(TopicPartition(self._topic, number))

    def seek(self, number: int, position: int) -> None:
        """Read on from `position`, once resumed.

        Raises:
            KafkaError: the topic does not reach that far: it is not the one that the ledger was fed from.
        """
        place = TopicPartition(self._topic, number)
        first = self._consumer.beginning_offsets([place], OFFSETS_TIMEOUT_MS)[place]
        end = self._consumer.end_offsets([place], OFFSETS_TIMEOUT_MS)[place]
        if position > end:
            raise KafkaError(f"{self._topic}/{number} ends at {end}, and its ledger stands at {position}")
        if position < first:  # deleted before it was decided: nothing brings it back, and somebody must know
            log.critical("commands_lost", topic=self._topic, shard=number, first=position, last=first - 1)
        self._consumer.seek(place, max(position, first))

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        for place in assigned:
            self._consumer.pause(place)
            self._consumer.seek(place, 0)  # any place: else the client looks for one of its own
        self._given([place.partition for place in assigned])

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        closed = Promise()
        numbers = [place.partition for place in revoked]
        threading.Thread(target=self._take, args=(numbers, closed), name="giving-up").start()
        await closed

    async def on_partitions_lost(self, lost: Collection[TopicPartition]) -> None:
        self._assignor.lost()
        await self.on_partitions_revoked(lost)

    def _take(self, numbers: list[int], closed: Promise) -> None:
        try:
            self._taken(numbers)
        finally:
            closed.success(None)
            assert self._net is not None
            self._net.wakeup()  # a promise kept by another thread does not wake the client's
