"""A relay between a history in memory and topics of its own."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from time import monotonic, sleep
from typing import Any

from deploy.local.broker import Broker
from producers.relay import Relay
from producers.transactions import TransactionalProducer
from projections.source import EventSource
from projections.topics.partitions import Partitions
from projections.topics.tails import newest
from projections.topics.wire import Wire
from tests.projections.history import History
from tests.support.event_topics import SOON_S, Topics, client_of, create_topics, published, things_happen


class Office:
    """What happened, and the topics that shall hold it."""

    def __init__(self, broker: Broker, times: int = 0) -> None:
        self.broker = broker
        self.topics: Topics = create_topics(broker)
        self.history = things_happen(History(), times)
        prefix = next(iter(self.topics.values())).partition(".")[0]
        self.client = client_of(broker)
        self.transactional_id = f"{prefix}.relay-0"

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
        return Relay(0, source, self.client, self.topics, self.transactional_id, **more)

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
        wire = Wire(self.client, self.topics.values(), "by hand")
        try:
            yield TransactionalProducer(wire, self.transactional_id, 0)
        finally:
            wire.close()

    def until_visible(self) -> None:
        """Return when everything can be read, which is some moments after it was committed."""
        deadline = monotonic() + SOON_S
        with closing(Wire(self.client, self.topics.values(), "by hand")) as wire:
            while newest(Partitions(wire, 0), self.topics.values()) < len(self.stored):
                assert monotonic() < deadline
                sleep(0.005)

    def published(self) -> list[bytes]:
        return published(self.broker, self.topics)


def reaches(relay: Relay, position: int) -> None:
    assert relay.wait_for(position, SOON_S), f"stands at {relay.position}: {relay.failure}"
