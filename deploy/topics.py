"""The topics on the cluster: made once by the operator, looked at by every process at its start.

`client` is always what kafka-python's clients take: at least `bootstrap_servers`, and whatever the cluster
wants of TLS and SASL. A setting may be stricter than ours (a longer retention, more copies), never laxer.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

from kafka.admin import ConfigResource, KafkaAdminClient
from kafka.errors import NoError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from schemas.topics import FOR_EVER, TOPICS, Topic

READY_TIMEOUT_MS = 60_000


class TopicsMismatch(Exception):
    """The cluster's topics are not what Sayso needs. The message is one sentence that lists what differs."""


def create(client: Mapping[str, Any], prefix: str, partitions: int, replication: int) -> list[str]:
    """Make the topics that are missing, and return their names. What is there already stays as it is.

    Raises:
        kafka.errors.KafkaError: the cluster cannot be reached, or does not let us.
    """
    wanted = {
        spec.topic.on(prefix): {
            "num_partitions": partitions,
            "replication_factor": replication,
            "configs": spec.settings(replication),
        }
        for spec in TOPICS.values()
    }
    with closing(KafkaAdminClient(**client)) as admin:
        answer = admin.create_topics(wanted, raise_errors=False)
        made = [topic["name"] for topic in answer["topics"] if _was_made(topic)]
        admin.wait_for_topics(made, timeout_ms=READY_TIMEOUT_MS)
    return made


def check(client: Mapping[str, Any], prefix: str, partitions: int, replication: int) -> None:
    """Return if all topics are there and keep what they must keep.

    Raises:
        TopicsMismatch: they are not, or do not.
        kafka.errors.KafkaError: the cluster cannot be reached.
    """
    names = {topic: topic.on(prefix) for topic in Topic}
    with closing(KafkaAdminClient(**client)) as admin:
        described = {found["name"]: found for found in admin.describe_topics([*names.values()])}
        settings = _settings_of(admin, [*names.values()])
    differences = [
        difference
        for topic, name in names.items()
        for difference in _differences(
            topic, described[name], settings.get(name, {}), partitions, replication
        )
    ]
    if differences:
        raise TopicsMismatch(f"The cluster's topics do not match: {'; '.join(differences)}.")


def _was_made(topic: Mapping[str, Any]) -> bool:
    error = for_code(topic["error_code"])
    if error is NoError:
        return True
    if error is TopicAlreadyExistsError:
        return False
    raise error(f"{topic['name']}: {topic.get('error_message')}")


def _settings_of(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    """The settings of each topic, a broker's defaults included."""
    found = admin.describe_configs([ConfigResource("TOPIC", name) for name in names], config_filter="all")
    return {
        name: {key: entry["value"] for key, entry in entries.items()}
        for name, entries in found.get("topic", {}).items()
    }


def _differences(
    topic: Topic, found: Mapping[str, Any], settings: Mapping[str, str], partitions: int, replication: int
) -> Iterator[str]:
    name = found["name"]
    error = for_code(found["error_code"])
    if error is UnknownTopicOrPartitionError:
        yield f"{name} is missing"
        return
    if error is not NoError:
        raise error(name)
    if len(found["partitions"]) != partitions:
        yield f"{name} has {len(found['partitions'])} partitions and should have {partitions}"
    copies = min((len(partition["replica_nodes"]) for partition in found["partitions"]), default=0)
    if copies < replication:
        yield f"{name} has {copies} copies and should have {replication}"
    if not settings:
        yield f"the settings of {name} cannot be read (is DescribeConfigs allowed?)"
        return
    for key, wanted in TOPICS[topic].settings(replication).items():
        if not _AS_GOOD[key](settings.get(key, ""), wanted):
            yield f"{key} of {name} is {settings.get(key)} and should be {wanted}"


def _equal(found: str, wanted: str) -> bool:
    return found == wanted


def _at_least(found: str, wanted: str) -> bool:
    return int(found) >= int(wanted)


def _kept_as_long(found: str, wanted: str) -> bool:
    return int(found) == FOR_EVER or (int(wanted) != FOR_EVER and int(found) >= int(wanted))


def _any(found: str, wanted: str) -> bool:  # noqa: ARG001
    return True


_AS_GOOD: Mapping[str, Callable[[str, str], bool]] = {
    "cleanup.policy": _equal,
    "retention.ms": _kept_as_long,
    "retention.bytes": _kept_as_long,
    "max.message.bytes": _at_least,
    "min.insync.replicas": _at_least,
    "unclean.leader.election.enable": _equal,
    "message.timestamp.type": _equal,
    "compression.type": _any,  # a matter of cost alone, as is how long a segment grows
    "segment.ms": _any,
}
