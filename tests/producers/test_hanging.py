"""What the cluster forgot to end is taken over: nothing twice, nothing missing, nobody kept from reading.

Brokers lose ends only in moments that no test can choose. What is left then looks the same as records of a
transaction of which the cluster was never told, which it takes once it does not check.
"""

from collections.abc import Iterator, Sequence

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource

from deploy.local.broker import Broker
from producers.transactions import TransactionalProducer
from schemas import codec
from tests.support.relays import Office, reaches

CHECKS = "transaction.partition.verification.enable"
"""Whether brokers ask about each record if its transaction is known (KIP-890)."""


def let_check(broker: Broker, checks: str) -> None:
    change = ConfigEntry(CHECKS, checks, incremental_operation=AlterConfigOpType.SET)
    node = ConfigResource(ConfigResource.Type.BROKER, "1", incremental_configs=[change])
    client = AdminClient({"bootstrap.servers": broker.bootstrap})
    for done in client.incremental_alter_configs([node]).values():
        done.result(60)


@pytest.fixture
def office(broker: Broker) -> Iterator[Office]:
    let_check(broker, "false")
    yield Office(broker)
    let_check(broker, "true")


def batches(office: Office, events: Sequence[bytes]) -> dict[str, list[tuple[bytes, bytes]]]:
    found: dict[str, list[tuple[bytes, bytes]]] = {}
    for data in events:
        topic, _, account = codec.route(data)
        found.setdefault(office.topics[topic], []).append((account, data))
    return found


def hang(producer: TransactionalProducer, records: dict[str, list[tuple[bytes, bytes]]]) -> None:
    """Write them, and never tell the cluster that there is a transaction."""
    producer._produce(records)


def begun(office: Office) -> list[bytes]:
    """A few events that are there for all to read; and some more that happened since."""
    office.more(5)
    with office.relaying() as relay:
        reaches(relay, 15)
    _, more = office.more(4)
    return more


def test_a_transaction_that_hangs_everywhere_is_there_once(office: Office) -> None:
    more = begun(office)
    with office.producer() as producer:
        producer.begin()
        hang(producer, batches(office, more))
    office.more(3)
    with office.relaying() as relay:
        reaches(relay, len(office.stored))
    assert office.published() == office.stored


def test_the_first_transaction_of_all_may_hang(office: Office) -> None:
    _, more = office.more(4)
    with office.producer() as producer:
        producer.begin()
        hang(producer, batches(office, more))
    with office.relaying() as relay:
        reaches(relay, len(office.stored))
        relay.offer(*office.more(2))
        reaches(relay, len(office.stored))
    assert office.published() == office.stored


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_that_ended_in_some_topics_and_hangs_in_another_is_made_whole(office: Office, place: int) -> None:
    more = batches(office, begun(office))
    hung = sorted(more)[place]
    with office.producer() as producer:
        producer.begin()
        producer.publish({topic: records for topic, records in more.items() if topic != hung})
        hang(producer, {hung: more[hung]})
    office.more(3)
    with office.relaying() as relay:
        reaches(relay, len(office.stored))
    assert office.published() == office.stored


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_that_was_given_up_and_hangs_in_one_topic_is_made_whole(office: Office, place: int) -> None:
    more = batches(office, begun(office))
    hung = sorted(more)[place]
    with office.producer() as producer:
        producer.begin()
        hang(producer, {hung: more[hung]})
    with office.relaying() as relay:
        reaches(relay, len(office.stored))
    assert office.published() == office.stored


def test_what_hangs_of_somebody_else_is_left_to_the_operator(office: Office) -> None:
    more = begun(office)
    with office.producer() as stranger:
        stranger._id = "somebody else"
        stranger.begin()
        hang(stranger, batches(office, more[:1]))
    with office.relaying() as relay:
        assert not relay.wait_for(len(office.stored), 1.0)
        assert relay.alive
