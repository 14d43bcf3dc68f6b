"""Where events are published, where commands come from, and what each topic must be like.

Sources: Apache Kafka 4.3, "Topic configs".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

STANDARD_PREFIX = "sayso."
DAY_MS = 24 * 60 * 60 * 1_000
FOR_EVER = -1
BATCH_BYTES_MAX = 1024 * 1024 + 12
"""What a broker takes as one batch: Kafka's own default, so that the batches of any client fit by default.
`max.message.bytes` is about batches, not records: a lower limit would refuse good commands that come in
company. A command that is too large for us, and not for Kafka, becomes a dead letter."""
LETTER_BYTES_MAX = 2 * BATCH_BYTES_MAX
"""A dead letter holds a whole record, even in base64, and what is said about it."""
COMPRESSION = "lz4"
"""What our own producers compress with. The topics keep a batch as its producer wrote it (`producer`):
whoever writes compresses once, and no broker opens a batch again."""


class Topic(StrEnum):
    """The topics of Apache Kafka; embedded, only labels."""

    COMMANDS = "sayso.commands"
    ACCOUNTS = "sayso.accounts"
    CONSENT = "sayso.consent"
    MESSAGES = "sayso.messages"
    CREDITS = "sayso.credits"
    RECEIPTS = "sayso.receipts"
    NOTIFICATIONS = "sayso.notifications"
    DEAD_LETTERS = "sayso.dead-letters"

    def on(self, prefix: str) -> str:
        """Its name on a cluster where ours begin with `prefix`."""
        return prefix + self.value.removeprefix(STANDARD_PREFIX)


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What one topic holds, and how the cluster must keep it.

    Attributes:
        retention_ms: how long a record is kept; `FOR_EVER` for evidence.
        batch_bytes_max: the largest batch a broker takes.
        stamped_by_broker: whether a record's time is the broker's, because the writer's cannot be trusted.
    """

    topic: Topic
    holds: str
    why_so_long: str
    retention_ms: int = FOR_EVER
    batch_bytes_max: int = BATCH_BYTES_MAX
    stamped_by_broker: bool = False

    def settings(self, replication: int) -> dict[str, str]:
        """The settings on a cluster that keeps `replication` copies. None is left to a broker's defaults."""
        settings = {
            "cleanup.policy": "delete",  # compaction would keep one event of each account
            "retention.ms": str(self.retention_ms),
            "retention.bytes": str(FOR_EVER),
            "max.message.bytes": str(self.batch_bytes_max),
            "min.insync.replicas": str(in_sync_min(replication)),
            "unclean.leader.election.enable": "false",
            "compression.type": "producer",
            "message.timestamp.type": "LogAppendTime" if self.stamped_by_broker else "CreateTime",
        }
        if self.retention_ms != FOR_EVER:  # what is too old goes only once its segment is full, or this old
            settings["segment.ms"] = str(DAY_MS)
        return settings


def in_sync_min(replication: int) -> int:
    """How many copies must have a record before it counts: most of them, so that none is lost with one."""
    return replication // 2 + 1


_EVIDENCE = (
    "The ledger and every view can be built anew from the event topics alone, and only from all of it."
)

TOPICS: Mapping[Topic, TopicSpec] = MappingProxyType(
    {
        spec.topic: spec
        for spec in (
            TopicSpec(
                Topic.COMMANDS,
                "What somebody wants: any command, from any producer, as JSON.",
                "Longer than any outage of the workers, and no longer: commands are in the clear, and what "
                "they said of a person must be gone a month after that person is forgotten.",
                retention_ms=30 * DAY_MS,
                stamped_by_broker=True,  # a producer's clock that is a month slow would delete its commands
            ),
            TopicSpec(Topic.ACCOUNTS, "Accounts, their settings, and whose number is whose.", _EVIDENCE),
            TopicSpec(Topic.CONSENT, "The candidate's say-so: given, withdrawn, revoked.", _EVIDENCE),
            TopicSpec(Topic.MESSAGES, "Texts and replies, and what became of them.", _EVIDENCE),
            TopicSpec(Topic.CREDITS, "Every movement of the balance.", _EVIDENCE),
            TopicSpec(Topic.RECEIPTS, "The one answer to every command.", _EVIDENCE),
            TopicSpec(
                Topic.NOTIFICATIONS,
                "Who was told of a reply or a keyword.",
                "Old news for a follower, but part of the ledger: without it the ledger's numbers have gaps.",
            ),
            TopicSpec(
                Topic.DEAD_LETTERS,
                "What came in and could not be used, with the reason.",
                "A year, for somebody to look and replay; not for ever, since a letter may hold anything.",
                retention_ms=365 * DAY_MS,
                batch_bytes_max=LETTER_BYTES_MAX,
                stamped_by_broker=True,
            ),
        )
    }
)
"""Every topic, once."""

EVENT_TOPICS = tuple(topic for topic in Topic if topic not in (Topic.COMMANDS, Topic.DEAD_LETTERS))
"""The topics that together hold the ledger."""
