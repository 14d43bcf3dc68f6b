"""The relay: publishes what a shard's ledger holds, each event once and in order, to the shard's partitions.

Every transaction appends consecutive events, so the highest `sequence` on the topics says how far it is.
Nothing else keeps its position, and so nothing can disagree with it.
"""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from time import monotonic
from typing import Any, NamedTuple

import structlog

from domain.ledger import LedgerUnavailable
from producers import hanging
from producers.backlog import Backlog
from producers.hanging import Hanging
from producers.transactions import Fenced, TransactionalProducer
from projections.source import EventSource
from projections.topics.partitions import Partitions
from projections.topics.tails import newest_within
from projections.topics.wire import ClusterError, Wire
from schemas import codec
from schemas.topics import Topic

log = structlog.get_logger()

TRANSACTION_EVENTS_MAX = 10_000
TRANSACTION_BYTES_MAX = 8 * 1024 * 1024
LEDGER_READ_MAX = 2_000
IDLE_S_MAX = 1.0
"""How late an event is noticed that nobody told of."""
RETRY_S_FIRST, RETRY_S_MAX = 0.1, 5.0
STOP_TIMEOUT_S = 10.0


class RelayBroken(Exception):
    """Ledger and topics contradict each other. The message says where; somebody has to look."""


class Lag(NamedTuple):
    """How far the topics are behind the ledger."""

    events: int
    seconds: float


class Relay:
    """Publishes one shard's ledger in a thread of its own, until it is stopped or another owner takes over.

    A cluster or a ledger that cannot be reached is tried again, for ever.
    """

    def __init__(
        self,
        shard: int,
        ledger: EventSource,
        client: Mapping[str, Any],
        topics: Mapping[Topic, str],
        transactional_id: str,
        *,
        owned: Callable[[], bool] = lambda: False,
        on_fenced: Callable[[], None] = lambda: None,
        on_published: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Nothing happens before `start`.

        Args:
            client: what kafka-python's clients take.
            topics: the name of every topic of events, on this cluster.
            transactional_id: the same for whoever relays this shard, and for nobody else.
            owned: asked when the cluster listens to somebody else. If we still own the shard, they must go,
                and we go on; if not, we stop. A coordinator that gave up on a transaction looks the same.
                May raise LedgerUnavailable.
            on_fenced: called once, when another owner has taken over.
            on_published: called after each transaction with how many events it held; must be quick.
        """
        self.failure: Exception | None = None
        self._shard = shard
        self._ledger = ledger
        self._client = client
        self._topics = dict(topics)
        self._id = transactional_id
        self._owned = owned
        self._on_fenced = on_fenced
        self._on_published = on_published
        self._backlog = Backlog()
        self._woken = threading.Event()
        self._moved = threading.Condition()
        self._deadline: float | None = None
        self._retry_s = RETRY_S_FIRST
        self._position = 0
        self._look = True
        """Whether the ledger may hold something that nobody offered."""
        self._thread = threading.Thread(target=self._run, name=f"relay-{shard}", daemon=True)

    @property
    def position(self) -> int:
        """The number of the last event that is on the topics, as far as is known; 0 at first."""
        return self._position

    @property
    def alive(self) -> bool:
        """Whether events are being published, or tried to."""
        return self._thread.is_alive()

    def lag(self) -> Lag:
        """How many events are not on the topics yet, and how old the oldest of them is.

        Raises:
            LedgerUnavailable: the ledger cannot be read.
        """
        behind = max(0, self._ledger.last_notification() - self._position)
        oldest = self._ledger.notifications(self._position, 1) if behind else ()
        if not oldest:
            return Lag(behind, 0.0)
        age = datetime.now(UTC) - codec.time_of(oldest[0][1])
        return Lag(behind, max(0.0, age.total_seconds()))

    # --- running ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Find out how far the topics are, and publish whatever follows."""
        self._thread.start()

    def offer(self, first: int, events: Sequence[bytes]) -> None:
        """`events`, as they are stored, were just committed, the first as number `first`. Never waits."""
        self._backlog.offer(first, events)
        self._woken.set()

    def wake(self) -> None:
        """There is something new in the ledger. From any thread."""
        self._look = True
        self._woken.set()

    def wait_for(self, position: int, timeout_s: float) -> bool:
        """Whether the event of that number is on the topics within `timeout_s`."""
        with self._moved:
            return self._moved.wait_for(lambda: self._position >= position, timeout_s)

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Publish what there is, but begin nothing new after `timeout_s` nor try anything again; then stop.

        What is under way then ends within the time limits of a request.
        """
        self._deadline = monotonic() + timeout_s
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def _ended(self) -> bool:
        return self._deadline is not None and monotonic() >= self._deadline

    def _run(self) -> None:
        while not self._ended:
            try:
                if self._work():
                    return
            except Fenced as error:
                if not self._still_ours(error):
                    return
            except (ClusterError, LedgerUnavailable) as error:
                log.warning("relay_waits", shard=self._shard, reason=str(error), retry_in_s=self._retry_s)
            except Exception as error:
                self.failure = error
                log.critical("relay_stopped", shard=self._shard, position=self._position, exc_info=True)
                return
            if self._deadline is not None:
                return
            self._pause()

    def _still_ours(self, error: Fenced) -> bool:
        try:
            owned = self._owned()
        except LedgerUnavailable:
            owned = True  # asked again when they fence us again; whoever relays, it is the same events
        if owned:
            log.warning("relay_fenced_but_owner", shard=self._shard, reason=str(error))
            return True
        self.failure = error
        log.warning("relay_fenced", shard=self._shard, position=self._position)
        self._on_fenced()
        return False

    def _pause(self) -> None:
        """Wait before the next try, longer each time, and never in step with others."""
        until = monotonic() + self._retry_s * random.uniform(0.5, 1.0)  # noqa: S311  # no secret
        self._retry_s = min(2 * self._retry_s, RETRY_S_MAX)
        while self._deadline is None and (left_s := until - monotonic()) > 0:
            self._woken.clear()
            if self._deadline is None:  # set before we are woken
                self._woken.wait(left_s)

    # --- one producer's life ----------------------------------------------------------------------

    def _work(self) -> bool:
        """Publish with one producer, until something fails; True, once we were stopped."""
        with closing(Wire(self._client, self._topics.values(), self._id)) as wire:
            producer = TransactionalProducer(wire, self._id, self._shard)
            producer.begin()
            self._find_position(Partitions(wire, self._shard), producer)
            while True:
                self._woken.clear()
                if self._step(producer):
                    if self._ended:
                        return True
                    continue
                if self._deadline is not None:
                    return True
                if not self._woken.wait(IDLE_S_MAX):
                    self._look = True
                    wire.poll(0)

    def _find_position(self, partitions: Partitions, producer: TransactionalProducer) -> None:
        """How far the topics are; what an earlier transaction left hanging there is taken over."""
        spans = partitions.spans(self._topics.values())
        position = newest_within(partitions, spans)
        hangs = hanging.find(partitions, position, spans)
        last, position = self._ledger.last_notification(), position if hangs is None else hangs.top
        if position > last:
            raise RelayBroken(
                f"The topics hold event {position} of shard {self._shard}, and its ledger ends with {last}."
            )
        if hangs is not None:
            self._take_over(hangs, partitions, producer)
        self._look = True
        self._reach(position)

    def _take_over(self, hangs: Hanging, partitions: Partitions, producer: TransactionalProducer) -> None:
        """Make what hangs visible, together with what is missing around it."""
        missing: dict[str, list[tuple[bytes, bytes]]] = {}
        for number, data in self._ledger.notifications(hangs.base, hangs.top - hangs.base):
            if number not in hangs.there:
                topic, _, account = codec.route(data)
                missing.setdefault(self._topics[topic], []).append((account, data))
        log.warning("relay_takes_over", shard=self._shard, base=hangs.base, top=hangs.top)
        producer.publish(missing, also=hangs.topics)
        hanging.wait_until_decided(partitions, self._topics.values())

    def _step(self, producer: TransactionalProducer) -> bool:
        """Publish what comes next; False, if there was nothing."""
        events = self._next()
        if not events:
            return False
        producer.publish(self._sorted(events))
        self._retry_s = RETRY_S_FIRST
        self._reach(self._position + len(events))
        self._on_published(len(events))
        return True

    def _next(self) -> Sequence[bytes]:
        """What follows our position: from the fast path, or read back."""
        events = self._backlog.take(self._position, TRANSACTION_EVENTS_MAX, TRANSACTION_BYTES_MAX)
        if events or not (self._look or self._backlog.misses(self._position)):
            return events
        self._look = False
        found = self._ledger.notifications(self._position, LEDGER_READ_MAX)
        if len(found) == LEDGER_READ_MAX:
            self._look = True
        return [data for _, data in found]

    def _sorted(self, events: Sequence[bytes]) -> dict[str, list[tuple[bytes, bytes]]]:
        """The records of each topic."""
        batches = dict[str, list[tuple[bytes, bytes]]]()
        topics = self._topics
        for expected, data in enumerate(events, self._position + 1):
            topic, sequence, account = codec.route(data)
            if sequence != expected:
                raise RelayBroken(
                    f"Event {expected} of shard {self._shard} says that it is number {sequence}."
                )
            name = topics[topic]
            records = batches.get(name)
            if records is None:
                records = batches[name] = []
            records.append((account, data))
        return batches

    def _reach(self, position: int) -> None:
        with self._moved:
            self._position = position
            self._moved.notify_all()
