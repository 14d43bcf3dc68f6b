"""Which role needs which right on the brokers: the table behind docs/security.md and deploy/kafka/acls.sh.

Who may write a topic may describe it, and is let into idempotent production; so Describe stands only where
neither reading nor writing does. Source: Apache Kafka 4.3, "Operations and Resources on Protocols".
"""

from dataclasses import dataclass
from enum import StrEnum

from schemas.topics import EVENT_TOPICS, STANDARD_PREFIX, Topic


class Role(StrEnum):
    """Whoever comes to the brokers under a name of its own."""

    ATS = "ats"
    API = "api"
    WORKER = "worker"
    PROJECTOR = "projector"
    AUDITOR = "auditor"
    OPERATOR = "operator"


ROLES = {
    Role.ATS: "A service of the ATS: publishes commands, and reads what came of them.",
    Role.API: "Sayso's HTTP processes (`sayso api`).",
    Role.WORKER: "Sayso's workers (`sayso worker`): each owns shards, decides, dispatches and publishes.",
    Role.PROJECTOR: "Sayso's projectors (`sayso projector`): build the views.",
    Role.AUDITOR: "Whoever checks or copies the evidence; changes nothing.",
    Role.OPERATOR: "Whoever runs Sayso: makes topics, replays dead letters, restores.",
}


class Resource(StrEnum):
    """What a right is about, as kafka-acls calls it."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactional-id"


class Operation(StrEnum):
    """What may be done with it, as kafka-acls calls it."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"
    ALTER_CONFIGS = "AlterConfigs"


@dataclass(frozen=True, slots=True)
class Right:
    """One line of the table.

    Attributes:
        names: of the resources, without the prefix of all our names.
        prefixed: whether a name stands for all that begin with it.
        why: the end of the sentence "so that it can ...".
    """

    role: Role
    resource: Resource
    names: tuple[str, ...]
    operations: tuple[Operation, ...]
    why: str
    prefixed: bool = False


_EVENTS = tuple(topic.on("") for topic in EVENT_TOPICS)
_COMMANDS = (Topic.COMMANDS.on(""),)
_RECEIPTS = (Topic.RECEIPTS.on(""),)
_LETTERS = (Topic.DEAD_LETTERS.on(""),)
_ALL = tuple(topic.on("") for topic in Topic)
_LOOK = (Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS)
_STARTS = "compare the topics with what Sayso needs, at its start"


def _topics(role: Role, names: tuple[str, ...], operations: tuple[Operation, ...], why: str) -> Right:
    return Right(role, Resource.TOPIC, names, operations, why)


def _group(role: Role, name: str, why: str) -> Right:
    return Right(role, Resource.GROUP, (name,), (Operation.READ,), why, prefixed=True)


RIGHTS = (
    _topics(Role.ATS, _COMMANDS, (Operation.WRITE,), "publish commands"),
    _topics(Role.ATS, _EVENTS, (Operation.READ,), "read what happened; what is personal stays sealed"),
    _group(Role.ATS, "ats", "share the reading among its processes"),
    _topics(Role.API, _COMMANDS, (Operation.WRITE,), "publish commands, the carrier's among them"),
    _topics(Role.API, _RECEIPTS, (Operation.READ,), "tell those who wait what became of their commands"),
    _topics(Role.API, _ALL, _LOOK, _STARTS),
    _topics(Role.WORKER, _COMMANDS, (Operation.READ,), "decide commands"),
    _topics(Role.WORKER, _COMMANDS, (Operation.WRITE,), "forward a command to its own shard"),
    _topics(Role.WORKER, _EVENTS, (Operation.WRITE,), "publish events"),
    _topics(Role.WORKER, _EVENTS, (Operation.READ,), "see how far a shard has been published"),
    _topics(Role.WORKER, _LETTERS, (Operation.WRITE,), "keep what came in and could not be used"),
    _topics(Role.WORKER, _ALL, _LOOK, _STARTS),
    _group(Role.WORKER, "workers", "own shards: one worker each"),
    Right(
        Role.WORKER,
        Resource.TRANSACTIONAL_ID,
        ("relay-",),
        (Operation.WRITE,),
        "publish each event once, and fence a former owner",
        prefixed=True,
    ),
    _topics(Role.PROJECTOR, _EVENTS, (Operation.READ,), "build views"),
    _topics(Role.PROJECTOR, _ALL, _LOOK, _STARTS),
    _group(Role.PROJECTOR, "projectors", "share the shards among projectors"),
    _topics(Role.AUDITOR, _EVENTS, (Operation.READ,), "read the evidence"),
    _topics(Role.AUDITOR, _EVENTS, _LOOK, "show that the evidence is kept for ever"),
    _group(Role.AUDITOR, "auditors", "remember how far it has read"),
    Right(
        Role.OPERATOR,
        Resource.TOPIC,
        ("",),
        (Operation.CREATE, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS, Operation.ALTER_CONFIGS),
        "make, look at and mend the topics",
        prefixed=True,
    ),
    _topics(Role.OPERATOR, (*_EVENTS, *_LETTERS), (Operation.READ,), "restore, and look at dead letters"),
    _topics(Role.OPERATOR, _COMMANDS, (Operation.WRITE,), "replay dead letters"),
    _topics(Role.OPERATOR, _EVENTS, (Operation.WRITE,), "fill empty topics from a ledger"),
    _group(Role.OPERATOR, "operators", "remember how far it has read"),
    Right(
        Role.OPERATOR,
        Resource.TRANSACTIONAL_ID,
        ("relay-",),
        (Operation.WRITE,),
        "fill empty topics from a ledger",
        prefixed=True,
    ),
)
"""Every right, and no other. Nobody may delete."""


def in_markdown() -> list[str]:
    """The table's lines, for docs/security.md."""
    lines = ["| role | may | on | so that it can |", "|---|---|---|---|"]
    for right in RIGHTS:
        star = "*" if right.prefixed else ""
        names = ", ".join(f"`{STANDARD_PREFIX}{name}{star}`" for name in right.names)
        kind = right.resource.replace("-", " ") + ("s" if len(right.names) > 1 or right.prefixed else "")
        if right.names == _ALL:
            names = "all of ours"
        lines.append(f"| {right.role} | {', '.join(right.operations)} | {kind} {names} | {right.why} |")
    return lines


def roles_in_markdown() -> list[str]:
    """Who the roles are, for docs/security.md."""
    return ["| role | who |", "|---|---|", *(f"| {role} | {said} |" for role, said in ROLES.items())]


def script() -> str:
    """deploy/kafka/acls.sh, whole."""
    functions = "\n\n".join(_function(role) for role in Role)
    cases = "\n".join(f"            {role}=?*) {role} ;;" for role in Role)
    return _SCRIPT.replace("@CASES@", cases).replace("@FUNCTIONS@", functions)


def _function(role: Role) -> str:
    lines = [f"# {ROLES[role]}", f"{role}() {{"]
    for (prefixed, resource, operations), names in _gathered(role).items():
        may = " ".join(f"--operation {operation}" for operation in operations)
        what = " \\\n        ".join(f'--{resource} "${{prefix}}{name}"' for name in names)
        lines.append(f"    allow {'prefixed' if prefixed else 'literal'} {may} \\\n        {what}")
    return "\n".join([*lines, "}"])


def _gathered(role: Role) -> dict[tuple[bool, Resource, tuple[Operation, ...]], list[str]]:
    """The rights of `role` in few commands, since each starts a Java machine: names by what may be done."""
    operations: dict[tuple[bool, Resource, str], set[Operation]] = {}
    for right in RIGHTS:
        if right.role == role:
            for name in right.names:
                operations.setdefault((right.prefixed, right.resource, name), set()).update(right.operations)
    names: dict[tuple[bool, Resource, tuple[Operation, ...]], list[str]] = {}
    for (prefixed, resource, name), found in operations.items():
        ordered = tuple(operation for operation in Operation if operation in found)
        names.setdefault((prefixed, resource, ordered), []).append(name)
    return names


_SCRIPT = """\
#!/usr/bin/env bash
# Gives each role of Sayso the rights that it needs on the brokers, and no other. Twice is harmless.
# Written by `make docs` from deploy/acls.py; docs/security.md is the same as a table.
#
#   acls.sh PREFIX ROLE=PRINCIPAL...
#   acls.sh sayso. ats=User:ats api=User:sayso-api worker=User:sayso-worker
#
# KAFKA_ACLS is the command that speaks to the brokers, with its arguments, split at spaces:
#   KAFKA_ACLS="kafka-acls.sh --bootstrap-server kafka.example.com:9093 --command-config admin.properties"
set -euo pipefail

main() {
    (($# >= 2)) || wrong "the prefix of the topics and at least one ROLE=PRINCIPAL are needed"
    [[ ${KAFKA_ACLS:-} ]] || wrong "KAFKA_ACLS is not set"
    read -ra kafka_acls <<<"$KAFKA_ACLS"
    prefix=$1
    [[ $prefix ]] || wrong "an empty prefix would stand for everybody's topics"
    shift
    local pair
    for pair in "$@"; do # before the first right is given
        [[ $pair == *=User:?* ]] || wrong "a principal is written User:NAME, not as in $pair"
    done
    for pair in "$@"; do
        principal=${pair#*=}
        case $pair in
@CASES@
            *) wrong "there is no role as in $pair" ;;
        esac
    done
}

wrong() {
    printf 'acls.sh: %s.\\n' "$*" >&2
    exit 2
}

# allow PATTERN ARGUMENT...
allow() {
    local pattern=$1
    shift
    "${kafka_acls[@]}" --add --force --allow-principal "$principal" --resource-pattern-type "$pattern" "$@"
}

@FUNCTIONS@

main "$@"
"""
