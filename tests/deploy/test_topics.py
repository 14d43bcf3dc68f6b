"""The topics, on a real broker: made, made again, and looked at."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from kafka.admin import ConfigResource, KafkaAdminClient
from kafka.errors import InvalidReplicationFactorError

from deploy.local.broker import Broker
from deploy.topics import TopicsMismatch, check, create
from schemas.topics import DAY_MS, Topic
from tests.support.sayso import eventually

PARTITIONS = 2
Check = Callable[[], None]


@pytest.fixture
def prefix() -> str:
    return f"topics-{uuid4().hex[:8]}."


@pytest.fixture
def client(broker: Broker) -> dict[str, Any]:
    return {"bootstrap_servers": broker.bootstrap}


@pytest.fixture
def admin(client: dict[str, Any]) -> Iterator[Any]:
    with closing(KafkaAdminClient(**client)) as admin:
        yield admin


def alter(admin: Any, name: str, **settings: str) -> None:
    renamed = {key.replace("_", "."): value for key, value in settings.items()}
    admin.alter_configs([ConfigResource("TOPIC", name, renamed)])


def test_topics_are_made_once_and_match(client: dict[str, Any], prefix: str) -> None:
    made = create(client, prefix, PARTITIONS, 1)
    assert sorted(made) == sorted(topic.on(prefix) for topic in Topic)
    assert create(client, prefix, PARTITIONS, 1) == []
    check(client, prefix, PARTITIONS, 1)


def test_what_is_missing_is_made_and_the_rest_left_alone(
    client: dict[str, Any], prefix: str, admin: Any
) -> None:
    admin.create_topics({Topic.CONSENT.on(prefix): {"num_partitions": 1, "replication_factor": 1}})
    assert len(create(client, prefix, PARTITIONS, 1)) == len(Topic) - 1
    with pytest.raises(TopicsMismatch) as told:
        check(client, prefix, PARTITIONS, 1)
    assert str(told.value) == (
        f"The cluster's topics do not match: {prefix}consent has 1 partitions and should have 2; "
        f"retention.ms of {prefix}consent is 604800000 and should be -1."
    )


def test_a_cluster_without_topics_is_told_apart(client: dict[str, Any], prefix: str) -> None:
    with pytest.raises(TopicsMismatch) as told:
        check(client, prefix, PARTITIONS, 1)
    assert str(told.value).count(" is missing") == len(Topic)


def test_every_difference_that_could_lose_something_is_told(
    client: dict[str, Any], prefix: str, admin: Any
) -> None:
    create(client, prefix, PARTITIONS, 1)
    admin.create_partitions({Topic.CREDITS.on(prefix): PARTITIONS + 1})
    alter(admin, Topic.MESSAGES.on(prefix), retention_ms=str(3650 * DAY_MS))
    alter(admin, Topic.RECEIPTS.on(prefix), retention_bytes="1000000", cleanup_policy="compact")
    alter(admin, Topic.COMMANDS.on(prefix), max_message_bytes="65536", message_timestamp_type="CreateTime")
    differences = (
        f"{prefix}credits has 3 partitions and should have 2",
        f"retention.ms of {prefix}messages is 315360000000 and should be -1",
        f"retention.bytes of {prefix}receipts is 1000000 and should be -1",
        f"cleanup.policy of {prefix}receipts is compact and should be delete",
        f"max.message.bytes of {prefix}commands is 65536 and should be 1048588",
        f"message.timestamp.type of {prefix}commands is CreateTime and should be LogAppendTime",
        f"{prefix}accounts has 1 copies and should have 2",
        f"min.insync.replicas of {prefix}accounts is 1 and should be 2",
    )

    def told() -> str:
        with pytest.raises(TopicsMismatch) as told:
            check(client, prefix, PARTITIONS, 2)  # and every topic has one copy only
        return str(told.value)

    # the broker hears of changes a little later than whoever made them is answered
    eventually(lambda: all(difference in told() for difference in differences), timeout_s=60)
    assert told().endswith(".")


def test_stricter_than_needed_is_good(client: dict[str, Any], prefix: str, admin: Any) -> None:
    create(client, prefix, PARTITIONS, 1)
    alter(admin, Topic.COMMANDS.on(prefix), retention_ms="-1", max_message_bytes="4000000")
    alter(admin, Topic.MESSAGES.on(prefix), compression_type="zstd")
    check(client, prefix, PARTITIONS, 1)


def test_what_the_cluster_refuses_is_told(client: dict[str, Any], prefix: str) -> None:
    with pytest.raises(InvalidReplicationFactorError, match="commands"):
        create(client, prefix, PARTITIONS, 3)
