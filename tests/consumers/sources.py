"""What views follow: a ledger that is told of, and topics that a relay fills."""

from pathlib import Path
from typing import Protocol

from consumers.topic_log import TopicLog
from deploy.local.broker import Broker
from domain.ledger import Ledger
from projections.source import LiveSource, Told
from schemas.keystore import KeyStore
from tests.support.relays import Office, reaches


class Followed(Protocol):
    """A source, and how to make more happen in it."""

    source: LiveSource
    office: Office

    def happens(self, times: int) -> None:
        """Three events for each time; they can be read when this returns."""
        ...

    def close(self) -> None: ...


class FollowedLedger:
    """A ledger, in this process."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office = office
        self._keys = KeyStore.open(folder / "keys.db", b"m" * 32)
        self._ledger = Ledger.open(folder / "ledger.db", 0, self._keys)
        self._ledger.take()
        self.source: LiveSource = Told(self._ledger)
        self._batches = 0

    def happens(self, times: int) -> None:
        first, events = self.office.more(times)
        self._batches += 1
        self._ledger.append(self.office.history.recorded[first - 1 :], self._batches)
        assert len(events) == 3 * times
        self.source.wake()

    def close(self) -> None:
        self._ledger.close()
        self._keys.close()


class FollowedTopics:
    """The topics of one shard."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office = office
        self.source: LiveSource = self.log()
        self._relay = office.relay()
        self._relay.start()

    def log(self) -> TopicLog:
        return TopicLog(0, self.office.client, self.office.topics.values())

    def happens(self, times: int) -> None:
        self._relay.offer(*self.office.more(times))
        reaches(self._relay, len(self.office.stored))
        self.office.until_visible()

    def close(self) -> None:
        self._relay.stop()
        assert isinstance(self.source, TopicLog)
        self.source.close()


def open_followed(
    kind: type[FollowedLedger] | type[FollowedTopics], broker: Broker, folder: Path
) -> Followed:
    return kind(Office(broker), folder)
