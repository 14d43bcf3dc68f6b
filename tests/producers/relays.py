"""A relay between a history in memory and topics of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from deploy.local.broker import Broker
from producers.backlog import Backlog
from producers.relay import Relay
from producers.transactions import TransactionalProducer
from projections.source import EventSource
from projections.topics.wire import Wire
from tests.projections.history import History
from tests.support.topics import SOON_S, Topics, client_of, create_topics, published, things_happen


class Office:
    """What happened, and the topics that shall hold it."""

    def __init__(self, broker: Broker, times: int = 0) -> None:
        self.broker = broker
        self.topics: Topics = create_topics(broker)
        self.history = things_happen(History(), times)
        self.id = next(iter(self.topics.values())).partition(".")[0] + ".relay-0"

    @property
    def stored(self) -> list[bytes]:
        return [data for _, data in self.history.entries]

    def more(self, times: int) -> tuple[int, list[bytes]]:
        """More that happened: the number of the first event, and all of them."""
        before = len(self.history.entries)
        things_happen(self.history, times)
        return before + 1, self.stored[before:]

    def relay(self, ledger: EventSource | None = None, **more: Any) -> Relay:
        source = ledger or self.history.log
        return Relay(0, source, client_of(self.broker), self.topics, self.id, **more)

    @contextmanager
    def relaying(self, **more: Any) -> Iterator[Relay]:
        relay = self.relay(**more)
        relay.start()
        try:
            yield relay
        finally:
            relay.stop()

    @contextmanager
    def producer(self) -> Iterator[TransactionalProducer]:
        """What a relay of this shard writes with, to be left alone at any moment."""
        wire = Wire(client_of(self.broker), self.topics.values(), "by hand")
        try:
            yield TransactionalProducer(wire, self.id, 0, compress=True)
        finally:
            wire.close()

    def published(self) -> list[bytes]:
        return published(self.broker, self.topics)


def reaches(relay: Relay, position: int) -> None:
    assert relay.wait_for(position, SOON_S), f"stands at {relay.position}: {relay.failure}"


class Never(Backlog):
    """A fast path that never holds anything."""

    def take(self, after: int, events_max: int, bytes_max: int) -> list[bytes]:  # noqa: ARG002
        return []


Setup = Callable[[], Office]
