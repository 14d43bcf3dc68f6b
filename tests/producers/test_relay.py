"""What the ledger holds is on the topics exactly once and in order, whatever happens to the relay."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest
from structlog.testing import capture_logs

from deploy.local.broker import Broker
from domain.ledger import Ledger, LedgerUnavailable
from producers.backlog import Backlog
from producers.relay import Relay, RelayBroken
from producers.transactions import Fenced
from projections.topics.wire import ClusterError, Wire
from schemas import codec
from schemas.events import TextReceived
from schemas.keystore import KeyStore
from tests.projections.history import Log, conversation
from tests.support.event_topics import NUMBER, client_of, on_the_topics, things_happen
from tests.support.relays import Office, reaches


@pytest.fixture
def office(broker: Broker) -> Office:
    return Office(broker)


# --- keeping up -------------------------------------------------------------------------------------


def test_what_the_ledger_holds_and_gets_is_published_in_order(office: Office) -> None:
    things_happen(office.history, 300)
    with office.relaying() as relay:
        reaches(relay, 900)
        for _ in range(20):
            relay.offer(*office.more(2))
        reaches(relay, 1_020)
        assert (relay.alive, relay.failure, relay.lag().events) == (True, None, 0)
    assert office.published() == office.stored
    assert not relay.alive


def test_every_event_is_in_its_topic_and_in_the_shards_partition(office: Office, broker: Broker) -> None:
    things_happen(office.history, 10)
    with office.relaying() as relay:
        reaches(relay, 30)
    found = on_the_topics(broker, office.topics, 0)
    for topic, name in office.topics.items():
        assert all(codec.route(data).topic == topic for data in found[name])
    assert not any(on_the_topics(broker, office.topics, 1).values())


def test_it_notices_what_nobody_told_it_of(office: Office) -> None:
    with office.relaying() as relay:
        office.more(1)
        reaches(relay, 3)
        office.more(1)
        relay.wake()
        reaches(relay, 6)
    assert office.published() == office.stored


def test_a_ledger_is_published_as_it_stored_every_byte(office: Office, tmp_path: Path) -> None:
    keys = KeyStore.open(tmp_path / "keys.db", b"m" * 32)
    ledger = Ledger.open(tmp_path / "ledger.db", 0, keys)
    ledger.take()
    things_happen(office.history, 100)
    ledger.append(office.history.recorded, 1)
    with office.relaying(ledger=ledger) as relay:
        reaches(relay, 300)
    assert office.published() == [data for _, data in ledger.notifications(0, 1_000)]
    ledger.close()
    keys.close()


def test_stopping_publishes_what_is_at_hand(office: Office) -> None:
    relay = office.relay()
    relay.offer(*office.more(1))
    relay.start()
    reaches(relay, 3)
    relay.offer(*office.more(50))
    relay.stop()
    assert office.published() == office.stored
    assert relay.position == 153


def test_one_that_never_started_can_be_stopped(office: Office) -> None:
    relay = office.relay()
    relay.stop()
    assert not relay.alive


# --- the fast path ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unread(Log):
    """A ledger that must not be read back, once somebody said so."""

    shut: Event

    def notifications(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        assert not self.shut.is_set() or after == len(self.entries)
        return super().notifications(after, limit)


def test_what_was_just_committed_is_not_read_back(office: Office) -> None:
    shut = Event()
    with office.relaying(ledger=Unread(office.history.entries, shut)) as relay:
        relay.offer(*office.more(1))
        reaches(relay, 3)
        shut.set()
        for expected in range(6, 66, 3):
            relay.offer(*office.more(1))
            reaches(relay, expected)
        assert relay.failure is None
    assert office.published() == office.stored


def test_more_than_the_fast_path_holds_is_read_from_the_ledger(office: Office) -> None:
    with office.relaying() as relay:
        relay._backlog = Backlog(events_max=10)
        for times in (1, 30, 2, 30, 1):
            relay.offer(*office.more(times))
        reaches(relay, 192)
    assert office.published() == office.stored


def test_offers_that_were_lost_are_made_up_for(office: Office) -> None:
    with office.relaying() as relay:
        relay.offer(*office.more(1))
        office.more(5)
        relay.offer(*office.more(1))
        reaches(relay, 21)
    assert office.published() == office.stored


# --- what dies and comes again ----------------------------------------------------------------------


def test_after_a_restart_it_goes_on_where_the_topics_end(office: Office) -> None:
    for _ in range(3):
        office.more(40)
        with office.relaying() as relay:
            reaches(relay, len(office.stored))
    assert office.published() == office.stored


def test_what_a_dead_relay_wrote_and_did_not_commit_is_written_again(office: Office) -> None:
    office.more(20)
    with office.relaying() as relay:
        reaches(relay, 60)
    office.more(20)
    with office.producer() as producer:
        producer.begin()
        batches = relay._sorted(office.stored[60:])
        producer._add(batches)
        producer._produce(batches)
    with office.relaying() as relay:
        reaches(relay, 120)
    assert office.published() == office.stored


def test_aborted_transactions_at_the_end_of_the_topics_are_looked_past(office: Office) -> None:
    office.more(10)
    with office.relaying() as relay:
        reaches(relay, 30)
    office.more(100)
    batches = relay._sorted(office.stored[30:])
    for _ in range(3):
        with office.producer() as producer:
            producer.begin()
            producer._add(batches)
            producer._produce(batches)
    with office.relaying() as relay:
        reaches(relay, 330)
    assert office.published() == office.stored


def test_a_commit_whose_answer_nobody_heard_counts(office: Office) -> None:
    office.more(20)
    with office.producer() as producer:
        producer.begin()
        relay = office.relay()
        producer.publish(relay._sorted(office.stored[:30]))
    with office.relaying() as relay:
        reaches(relay, 60)
    assert office.published() == office.stored


def test_of_two_relays_the_older_one_stops_and_says_so(office: Office) -> None:
    office.more(10)
    told = Event()
    with office.relaying(on_fenced=told.set) as older:
        reaches(older, 30)
        with office.relaying() as newer:
            reaches(newer, 30)
            with capture_logs() as logs:
                older.offer(*office.more(10))
                assert told.wait(60)
            newer.wake()
            reaches(newer, 60)
        older._thread.join(60)
        assert not older.alive
        assert isinstance(older.failure, Fenced)
        assert "relay_fenced" in [entry["event"] for entry in logs]
    assert office.published() == office.stored


def test_whoever_owns_the_shard_wins_it_back(office: Office) -> None:
    """A zombie comes round and begins anew; the owner must not be the one that stops."""
    office.more(10)
    with office.relaying(owned=lambda: True) as owner:
        reaches(owner, 30)
        with office.relaying() as zombie:
            reaches(zombie, 30)
            owner.offer(*office.more(10))
            reaches(owner, 60)
            zombie.wake()
            zombie.offer(*office.more(1))
            zombie._thread.join(60)
            assert isinstance(zombie.failure, Fenced)
        owner.wake()
        reaches(owner, 63)
        assert owner.failure is None
    assert office.published() == office.stored


class Sometimes(Log):
    """A ledger that cannot be read, now and then."""

    calls = 0

    def notifications(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        Sometimes.calls += 1
        if Sometimes.calls % 2:
            raise LedgerUnavailable("the disk is away")
        return super().notifications(after, min(limit, 30))


def test_a_ledger_that_cannot_be_read_is_tried_again(office: Office) -> None:
    office.more(20)
    with office.relaying(ledger=Sometimes(office.history.entries)) as relay:
        reaches(relay, 60)
        assert relay.failure is None
    assert office.published() == office.stored


def test_a_broker_that_dies_and_comes_back_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        office = Office(broker)
        with office.relaying() as relay:
            for kill in (False, True, False):
                for _ in range(10):
                    relay.offer(*office.more(5))
                if kill:
                    broker.kill()
                    relay.offer(*office.more(5))
                    broker.start()
            reaches(relay, len(office.stored))
        assert office.published() == office.stored


# --- what must not be ---------------------------------------------------------------------------------


def test_topics_that_hold_more_than_the_ledger_stop_it(office: Office) -> None:
    office.more(10)
    with office.relaying() as relay:
        reaches(relay, 30)
    del office.history.entries[20:]
    stops(office.relay(), "The topics hold event 30 of shard 0, and its ledger ends with 20")


def test_a_ledger_whose_numbers_are_wrong_stops_it(office: Office) -> None:
    office.more(4)
    del office.history.entries[5]
    stops(office.relay(), "Event 6 of shard 0 says that it is number 7")
    assert office.published() == []


def stops(relay: Relay, why: str) -> None:
    with capture_logs() as logs:
        relay.start()
        relay._thread.join(60)
    assert not relay.alive
    assert isinstance(relay.failure, RelayBroken)
    assert why in str(relay.failure)
    assert logs[-1]["event"] == "relay_stopped"  # a broker that is young may keep it waiting before


def test_topics_that_are_missing_are_named(broker: Broker) -> None:
    with pytest.raises(ClusterError, match="The cluster has no topic nowhere"):
        Wire(client_of(broker), ["nowhere"], "test")


def test_how_far_behind_it_is_in_events_and_seconds(office: Office) -> None:
    relay = office.relay()
    assert relay.lag() == (0, 0.0)
    office.more(2)
    events, seconds = relay.lag()
    assert events == 6
    assert seconds > 1_000  # they happened in March


def test_what_is_too_large_for_one_batch_goes_in_several(office: Office) -> None:
    batch_bytes = 2 * 1024 * 1024  # twice what a broker takes as one
    said = TextReceived(sid="SM", body="Hello" * 300)
    while sum(map(len, office.stored)) < batch_bytes:
        office.history.decided([(conversation(NUMBER), said)] * 100)
    with office.relaying() as relay:
        reaches(relay, len(office.stored))
    assert office.published() == office.stored
