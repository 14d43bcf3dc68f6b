"""The group's client, on a real broker: what was paused goes on."""

from contextlib import closing
from uuid import uuid4

from kafka.admin import KafkaAdminClient, NewTopic

from consumers.membership import RECORDS_PER_POLL_MAX, Membership
from deploy.local.broker import Broker
from tests.support.sayso import eventually
from tests.support.topics import sent

SOON_S = 60.0


def test_a_partition_that_was_paused_in_mid_fetch_is_read_to_its_end(broker: Broker) -> None:
    """The client sets what it has fetched aside, and reads another partition to its end meanwhile."""
    topic, long, short = f"paused-{uuid4().hex}", 2 * RECORDS_PER_POLL_MAX + 1, 10
    with closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap)) as admin:
        admin.create_topics([NewTopic(topic, 2, 1)])
    sent(broker, [(topic, 0, b"k", b"v", [])] * long + [(topic, 1, b"k", b"v", [])] * short)
    given: list[int] = []
    client = {"bootstrap_servers": broker.bootstrap}
    with Membership(client, topic, topic, given.extend, lambda _: None) as member:
        found = [0, 0]

        def read() -> list[int]:
            for number, records in member.poll(100):
                found[number] += len(records)
            return found

        eventually(lambda: read() == [0, 0] and sorted(given) == [0, 1], SOON_S)
        for number in (0, 1):
            member.seek(number, 0)
        member.resume(0)
        eventually(lambda: read()[0] > 0, SOON_S)
        member.pause(0)
        member.resume(1)
        eventually(lambda: read()[1] == short, SOON_S)
        assert found[0] < long
        member.resume(0)
        eventually(lambda: read()[0] == long, SOON_S)
