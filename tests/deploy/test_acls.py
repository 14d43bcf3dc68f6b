"""The rights of each role, given by the script on a real broker with TLS, passwords and an authorizer."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
)
from kafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
)

from deploy import topics
from deploy.acls import RIGHTS, Operation, Resource, Role
from deploy.docs import ROOT, SCRIPT
from deploy.local.broker import JARS, Broker
from schemas.topics import EVENT_TOPICS, Topic
from tests.support.certificates import make_certificates

PREFIX = "rights."
PARTITIONS = 2
ADMIN, STRANGER, PASSWORD = "admin", "stranger", "open-sesame"
BY_KAFKA_ACLS = (Role.ATS, Role.WORKER)
"""Who gets rights by Kafka's own tool, which starts a Java machine for each line; the rest is read here."""
NAMES = [topic.on(PREFIX) for topic in Topic]


@dataclass(frozen=True)
class Guarded:
    """A broker that lets nobody do what no rule allows."""

    broker: Broker
    ca_file: Path

    def client(self, user: str) -> dict[str, Any]:
        """What a client of `user` is made with."""
        return {
            "bootstrap_servers": self.broker.bootstrap,
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": user,
            "sasl_plain_password": PASSWORD,
            "ssl_cafile": str(self.ca_file),
        }


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """With all topics made, and every role given the rights that the script names."""
    folder = tmp_path_factory.mktemp("guarded")
    ca_file, server_file = make_certificates(folder)
    settings = security_settings(ca_file, server_file)
    with Broker(folder / "broker", heap_mb=256, protocol="SASL_SSL", settings=settings) as broker:
        guarded = Guarded(broker, ca_file)
        topics.create(guarded.client(ADMIN), PREFIX, PARTITIONS, 1)
        give_rights(guarded, folder)
        yield guarded


def security_settings(ca_file: Path, server_file: Path) -> dict[str, str]:
    users = " ".join(f'user_{user}="{PASSWORD}"' for user in (ADMIN, STRANGER, *Role))
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(server_file),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(ca_file),
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": (
            f'{module} required username="{ADMIN}" password="{PASSWORD}" {users};'
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN};User:ANONYMOUS",  # the controller's own listener, on loopback
    }


def give_rights(guarded: Guarded, folder: Path) -> None:
    properties = folder / "admin.properties"
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    properties.write_text(
        "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\n"
        f"ssl.truststore.type=PEM\nssl.truststore.location={guarded.ca_file}\n"
        f'sasl.jaas.config={module} required username="{ADMIN}" password="{PASSWORD}";\n'
    )
    java = f"{shutil.which('java')} -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"
    kafka_acls = (
        f"{java} -cp {JARS}/* org.apache.kafka.tools.AclCommand "
        f"--bootstrap-server {guarded.broker.bootstrap} --command-config {properties}"
    )
    done = script(kafka_acls, PREFIX, *(f"{role}=User:{role}" for role in BY_KAFKA_ACLS))
    assert done.returncode == 0, done.stdout + done.stderr
    others = [f"{role}=User:{role}" for role in Role if role not in BY_KAFKA_ACLS]
    lines = script("echo", PREFIX, *others).stdout.splitlines()
    with closing(KafkaAdminClient(**guarded.client(ADMIN))) as admin:
        answer = admin.create_acls([as_rule(*right) for line in lines for right in given_by(line)])
    assert not answer["failed"]


def as_rule(principal: str, pattern: str, resource: str, name: str, operation: str) -> ACL:
    on = ResourcePattern(ResourceType[Resource(resource).name], name, ACLResourcePatternType[pattern.upper()])
    return ACL(principal, "*", ACLOperation[Operation(operation).name], ACLPermissionType.ALLOW, on)


def script(kafka_acls: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / SCRIPT, *arguments],
        env={**os.environ, "KAFKA_ACLS": kafka_acls},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


# --- the script -------------------------------------------------------------------------------------


def test_the_script_gives_what_the_table_says() -> None:
    done = script("echo", PREFIX, "ats=User:a", "ats=User:b", "worker=User:w")
    assert done.returncode == 0
    given = {right for line in done.stdout.splitlines() for right in given_by(line)}
    assert given == {
        (principal, "prefixed" if right.prefixed else "literal", right.resource, PREFIX + name, operation)
        for role, principal in ((Role.ATS, "User:a"), (Role.ATS, "User:b"), (Role.WORKER, "User:w"))
        for right in RIGHTS
        if right.role == role
        for name in right.names
        for operation in right.operations
    }


def given_by(line: str) -> Iterator[tuple[str, ...]]:
    """Principal, pattern, resource, name and operation: what one command of kafka-acls gives."""
    words = line.split()
    options = list(zip(words[2::2], words[3::2], strict=True))
    assert words[:2] == ["--add", "--force"]
    (principal,) = [value for option, value in options if option == "--allow-principal"]
    (pattern,) = [value for option, value in options if option == "--resource-pattern-type"]
    for resource in Resource:
        for name in (value for option, value in options if option == f"--{resource}"):
            for operation in (value for option, value in options if option == "--operation"):
                yield principal, pattern, resource, name, operation


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "the prefix of the topics and at least one ROLE=PRINCIPAL are needed"),
        (("", "ats=User:a"), "an empty prefix would stand for everybody's topics"),
        ((PREFIX, "boss=User:a"), "there is no role as in boss=User:a"),
        ((PREFIX, "worker=User:w", "ats=a"), "a principal is written User:NAME, not as in ats=a"),
    ],
)
def test_the_script_says_what_is_wrong_and_gives_nothing(arguments: tuple[str, ...], sentence: str) -> None:
    done = script("echo", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"acls.sh: {sentence}.\n")


def test_the_script_stops_where_the_brokers_refuse() -> None:
    assert script("false", PREFIX, "ats=User:a").returncode == 1


# --- on the broker ----------------------------------------------------------------------------------


def on_topics(role: str) -> dict[str, set[str]]:
    """What the table allows `role` on each topic, and what follows from it."""
    allowed: dict[str, set[str]] = {name: set() for name in NAMES}
    for right in RIGHTS:
        if right.role == role and right.resource == Resource.TOPIC:
            for name, operations in allowed.items():
                wanted = [PREFIX + one for one in right.names]
                if name in wanted or (right.prefixed and name.startswith(wanted[0])):
                    operations.update(right.operations)
    for operations in allowed.values():
        if operations & {Operation.READ, Operation.WRITE}:
            operations.add(Operation.DESCRIBE)
    return allowed


@pytest.mark.parametrize("user", [*Role, STRANGER])
def test_every_role_may_do_with_the_topics_what_the_table_says_and_no_more(
    guarded: Guarded, user: str
) -> None:
    with closing(KafkaAdminClient(**guarded.client(user))) as admin:
        found = {
            topic["name"]: {name.title().replace("_", "") for name in topic["authorized_operations"] or ()}
            for topic in admin.describe_topics(NAMES)
        }
    assert found == on_topics(user)


@pytest.mark.parametrize("role", [Role.API, Role.WORKER, Role.PROJECTOR, Role.OPERATOR])
def test_every_process_of_ours_can_look_at_the_topics(guarded: Guarded, role: Role) -> None:
    topics.check(guarded.client(role), PREFIX, PARTITIONS, 1)


def test_an_operator_can_make_topics(guarded: Guarded) -> None:
    assert topics.create(guarded.client(Role.OPERATOR), PREFIX + "more.", PARTITIONS, 1)
    with pytest.raises(KafkaError):
        topics.create(guarded.client(Role.OPERATOR), "elsewhere.", PARTITIONS, 1)


def test_who_may_not_read_the_settings_is_told_so(guarded: Guarded) -> None:
    with pytest.raises(KafkaError, match=Topic.DEAD_LETTERS.on(PREFIX)):
        topics.check(guarded.client(Role.ATS), PREFIX, PARTITIONS, 1)


def test_a_worker_and_an_ats_can_do_their_work(guarded: Guarded) -> None:
    ats = guarded.client(Role.ATS)
    publish(ats, Topic.COMMANDS, b"a command")
    worker = guarded.client(Role.WORKER)
    assert read(worker, Topic.COMMANDS, "workers") == [b"a command"]
    relay = KafkaProducer(**worker, transactional_id=f"{PREFIX}relay-0")
    relay.init_transactions()
    relay.begin_transaction()
    for topic in EVENT_TOPICS:
        relay.send(topic.on(PREFIX), b"an event", partition=0)
    relay.commit_transaction()
    relay.close()
    publish(worker, Topic.COMMANDS, b"a command for another shard")
    publish(worker, Topic.DEAD_LETTERS, b"a letter")
    assert read(worker, Topic.RECEIPTS, None) == [b"an event"]
    assert read(ats, Topic.RECEIPTS, "ats-dashboards") == [b"an event"]
    assert read(guarded.client(Role.PROJECTOR), Topic.CONSENT, "projectors") == [b"an event"]
    assert read(guarded.client(Role.AUDITOR), Topic.CREDITS, "auditors") == [b"an event"]


def test_an_ats_cannot_read_commands_write_events_or_take_a_workers_place(guarded: Guarded) -> None:
    ats = guarded.client(Role.ATS)
    with pytest.raises(TopicAuthorizationFailedError):
        read(ats, Topic.COMMANDS, "ats")
    with pytest.raises(TopicAuthorizationFailedError):
        publish(ats, Topic.CONSENT, b"a forged event")
    with pytest.raises(GroupAuthorizationFailedError):
        read(ats, Topic.RECEIPTS, "workers")
    relay = KafkaProducer(**ats, transactional_id=f"{PREFIX}relay-0")
    with pytest.raises(TransactionalIdAuthorizationFailedError):
        relay.init_transactions()
    relay.close()


CALL = """
import json, sys
from kafka.admin import KafkaAdminClient
KafkaAdminClient(**json.load(sys.stdin)).close()
"""


def test_nobody_gets_in_by_another_authority_or_password(guarded: Guarded, tmp_path: Path) -> None:
    """Each in a process of its own: after a failed handshake the client leaves sockets behind."""
    other, _ = make_certificates(tmp_path)
    client = {**guarded.client(Role.WORKER), "bootstrap_timeout_ms": 2_000}
    for wrong, code in (({}, 0), ({"ssl_cafile": str(other)}, 1), ({"sasl_plain_password": "guessed"}, 1)):
        call = [sys.executable, "-c", CALL]
        said = json.dumps({**client, **wrong})
        done = subprocess.run(call, input=said, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == code, done.stderr


def publish(client: dict[str, Any], topic: Topic, value: bytes) -> None:
    with closing(KafkaProducer(**client, acks="all")) as producer:
        producer.send(topic.on(PREFIX), value).get(30)


def read(client: dict[str, Any], topic: Topic, group: str | None) -> list[bytes]:
    """All that is on `topic` now, as a member of `group`, or of none."""
    group_id = None if group is None else PREFIX + group
    options = {
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "group_id": group_id,
        "enable_auto_commit": False,
    }
    with closing(KafkaConsumer(**client, **options)) as consumer:
        if group is None:
            consumer.assign([TopicPartition(topic.on(PREFIX), n) for n in range(PARTITIONS)])
        else:
            consumer.subscribe([topic.on(PREFIX)])
        found: dict[Any, Any] = {}
        while not found:
            found = consumer.poll(1_000)
        return [record.value for records in found.values() for record in records]
