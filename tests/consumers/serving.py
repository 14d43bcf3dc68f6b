"""A worker process over real topics and real files: a member of the group that serves what it is given.

    python -m tests.consumers.serving BOOTSTRAP PREFIX PARTITIONS FOLDER

prints `opened N` and `closed N` for its shards, and ends when its standard input does.
"""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

from kafka import KafkaProducer

from consumers.group import GroupMember
from consumers.inbox import Inbox
from consumers.outgoing import Outgoing
from consumers.partition_source import PartitionSource
from consumers.reading import Reader
from consumers.shard import Decided, Shard
from consumers.worker import Worker
from domain.ledger import Ledger
from domain.policy import Policy
from schemas import codec
from schemas.command_seal import CommandSeal
from schemas.events import CommandAccepted, CommandRefused, Receipt, Recorded
from schemas.keystore import KeyStore
from schemas.receipts import Answer
from schemas.topics import Topic
from tests.consumers.shards import MASTER_KEY, NAMES, NAMES_SECRET, Clock
from tests.support.topics import named

SEAL = CommandSeal(NAMES_SECRET)


@dataclass(frozen=True)
class Cluster:
    """A test's own topics on a broker, and the folder with its ledgers."""

    bootstrap: str
    prefix: str
    partitions: int
    folder: Path

    @property
    def client(self) -> Mapping[str, Any]:
        return {"bootstrap_servers": self.bootstrap}

    @property
    def topics(self) -> Mapping[Topic, str]:
        return named(self.prefix)

    @property
    def group(self) -> str:
        return f"{self.prefix}workers"

    @cached_property
    def ledgers(self) -> list[tuple[Ledger, KeyStore]]:
        """All ledgers, for a look; made here, since two who make the same one at once disturb each other."""
        return [opened(self.folder, shard) for shard in range(self.partitions)]

    def events(self, shard: int) -> list[Recorded]:
        """Everything in the ledger of `shard`."""
        ledger, keys = self.ledgers[shard]
        return [codec.decode(data, keys) for _, data in ledger.notifications(0, 1_000_000)]

    def position(self, shard: int) -> int:
        """Where the ledger of `shard` stands."""
        return self.ledgers[shard][0].position() or 0

    def close(self) -> None:
        for ledger, keys in self.ledgers:
            ledger.close()
            keys.close()


def opened(folder: Path, shard: int) -> tuple[Ledger, KeyStore]:
    """The ledger of `shard` in `folder`, and its keys."""
    keys = KeyStore.open(folder / f"keys-{shard}.db", MASTER_KEY)
    return Ledger.open(folder / f"ledger-{shard}.db", shard, keys), keys


def known_to(cluster: Cluster) -> Callable[[str, UUID], Answer | None]:
    """What the ledgers know of a command's receipt: what a door is told by the views."""

    def known(account: str, command_id: UUID) -> Answer | None:
        stream = NAMES.receipt(account, command_id)
        for ledger, _ in cluster.ledgers:
            for recorded in ledger.existing([stream]).values():
                assert isinstance(recorded.event, CommandAccepted | CommandRefused)
                return Answer(recorded.event, recorded.context)
        return None

    return known


class Serving:
    """One shard, opened and served."""

    def __init__(self, cluster: Cluster, number: int, outgoing: Outgoing) -> None:
        self.number = number
        self.committed: list[Decided] = []
        self.letters: Counter[str] = Counter()
        """Kept as dead letters, by reason."""
        self.ledger, self.keys = opened(cluster.folder, number)
        clock = Clock()
        self.source = PartitionSource(
            Reader(number, cluster.partitions, SEAL),
            outgoing,
            cluster.topics[Topic.DEAD_LETTERS],
            self.ledger.take(),
            clock,
            lambda reason, letters: self.letters.update({reason: letters}),
        )
        shard = Shard(number, self.ledger, NAMES, Policy(), clock)
        self.listeners: list[Callable[[Decided], None]] = [self.committed.append]
        self.worker = Worker(shard, self.source, self.listeners)

    def publish_with(self, producer: KafkaProducer, topic: str) -> None:
        def publish(decided: Decided) -> None:
            for one in decided.recorded:
                if isinstance(one.event, Receipt):
                    data = codec.encode(one, self.keys, 1)
                    producer.send(topic, data, one.context.account.encode(), partition=self.number)

        self.listeners.append(publish)

    @property
    def inbox(self) -> Inbox:
        return self.source.inbox

    @property
    def alive(self) -> bool:
        return self.worker.alive

    def close(self) -> None:
        self.worker.stop()
        self.ledger.close()
        self.keys.close()


@dataclass
class Process:
    """All that one worker process has."""

    cluster: Cluster
    told: bool = False
    publishes: bool = False
    """Whether receipts go to their topic, as the relay does it."""
    opened: dict[int, Serving] = field(default_factory=dict)
    closed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outgoing = Outgoing(self.cluster.client)
        self.producer = KafkaProducer(**self.cluster.client) if self.publishes else None
        self.member = GroupMember(
            self.cluster.client, self.cluster.group, self.cluster.topics[Topic.COMMANDS], self._open
        )

    def start(self) -> "Process":
        self.member.start()
        return self

    def stop(self) -> None:
        self.member.stop()
        self.outgoing.close()
        if self.producer is not None:
            self.producer.close()

    def _open(self, number: int) -> Serving:
        serving = _Told(self, number) if self.told else Serving(self.cluster, number, self.outgoing)
        self.opened[number] = serving
        if self.producer is not None:
            serving.publish_with(self.producer, self.cluster.topics[Topic.RECEIPTS])
        serving.worker.start()
        if self.told:
            say("opened", number)
        return serving


class _Told(Serving):
    def __init__(self, process: Process, number: int) -> None:
        super().__init__(process.cluster, number, process.outgoing)

    def close(self) -> None:
        super().close()
        say("closed", self.number)


_saying = threading.Lock()


def say(*words: object) -> None:
    with _saying:
        sys.stdout.write(" ".join(map(str, words)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _, bootstrap, prefix, partitions, folder = sys.argv
    running = Process(Cluster(bootstrap, prefix, int(partitions), Path(folder)), told=True).start()
    sys.stdin.read()
    running.stop()
