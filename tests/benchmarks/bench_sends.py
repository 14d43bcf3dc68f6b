"""How many sends a second one process decides and stores, whatever the history, and in how much memory.

The whole way of a command within the worker: receipts looked up, decided, encoded, stored with its position,
synced to the disk, answered. One account, candidates in no particular order, texts of 90 characters.
"""

import gc
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from uuid import UUID

from consumers.inbox import Inbox, Incoming
from consumers.shard import Shard
from consumers.worker import Worker
from deploy.collector import spare_the_collector
from domain.ledger import Ledger, StreamNames
from domain.policy import Policy
from schemas.actors import Actor, Permission
from schemas.base import Currency
from schemas.commands import (
    ActivateTexting,
    AddConsent,
    AddNumber,
    AdjustSegments,
    Agreement,
    AssignSender,
    Command,
    SendText,
)
from schemas.events import CommandRefused
from schemas.evidence import ByHandEvidence
from schemas.keystore import KeyStore
from tests.benchmarks.result import Result

CANDIDATES = 10_000
SENDS_COMPARED = 5_000
FEW_EVENTS, MANY_EVENTS = 1_000, 1_000_000
REMEMBERED = 100_000  # conversations
CURRENCY: Currency = "EUR"
BODIES = [
    f"Hello, this is Rita from Acme. Could we talk at {minute // 60}:{minute % 60:02}? Reply STOP to opt out."
    for minute in range(600, 840)
]
"""Many, since the same words to one number again and again are refused."""
BODY = BODIES[0]
RITA = Actor(kind="member", id="rita", name="Rita", permissions=frozenset(Permission))
OBTAINED = datetime(2026, 1, 1, tzinfo=UTC)


def run() -> list[Result]:
    """Sends a second by size of batch; cost against history; cold start; memory."""
    spare_the_collector()  # as a serving process does
    return [*_by_batch(), *_by_history(), _memory()]


class Bench:
    """A shard in a folder, and an account with candidates who may be texted."""

    def __init__(self, folder: str, candidates: int, account: str = "acme") -> None:
        self.folder = Path(folder)
        self.account = account
        self.chance = random.Random(7)
        self.numbers = [f"+4526{candidate:06d}" for candidate in range(candidates)]
        self.keys = KeyStore.open(self.folder / "keys.db", b"m" * 32)
        self.open()
        self._prepare()

    def open(self) -> None:
        """Open the ledger, with nothing remembered."""
        self.ledger = Ledger.open(self.folder / "ledger.db", 0, self.keys)
        self.shard = Shard(0, self.ledger, StreamNames(b"n" * 32), Policy(), lambda: datetime.now(UTC))
        self.position = self.ledger.take()

    def close(self) -> None:
        """Let the ledger go."""
        self.shard.close()
        self.ledger.close()

    def process(self, commands: Sequence[Command]) -> float:
        """Decide and store `commands` as one batch; how long it took, in seconds."""
        batch = [Incoming(command, self.position + n) for n, command in enumerate(commands, 1)]
        self.position += len(batch)
        began_s = perf_counter()
        decided = self.shard.process(batch)
        elapsed_s = perf_counter() - began_s
        refused = [
            answer.receipt for _, answer in decided.answers if isinstance(answer.receipt, CommandRefused)
        ]
        assert not refused, refused[0]  # a refusal costs less, and proves nothing
        return elapsed_s

    def sends(self, number: int) -> list[Command]:
        """Texts to candidates drawn by chance, few of them to the same one."""
        return [self._send(candidate) for candidate in self.chance.sample(range(len(self.numbers)), number)]

    def _send(self, candidate: int) -> Command:
        return SendText(
            command_id=self.uuid7(),
            account=self.account,
            actor=RITA,
            candidate=f"c{candidate}",
            number=self.numbers[candidate],
            body=self.chance.choice(BODIES),
        )

    def uuid7(self) -> UUID:
        """An id of the kind that a good client makes."""
        time_ms = time.time_ns() // 1_000_000
        bits = self.chance.getrandbits
        return UUID(int=time_ms << 80 | 7 << 76 | bits(12) << 64 | 2 << 62 | bits(62))

    def _prepare(self) -> None:
        ours: dict[str, Any] = {"account": self.account, "actor": RITA}
        agreement = Agreement(accepted=True, version="1")
        self.process(
            [
                ActivateTexting(
                    command_id=self.uuid7(), country="DK", currency=CURRENCY, agreement=agreement, **ours
                ),
                AssignSender(command_id=self.uuid7(), sender="+4531234567", **ours),
                *(
                    AdjustSegments(command_id=self.uuid7(), segments=1_000_000, reason="benchmark", **ours)
                    for _ in range(2)
                ),
            ]
        )
        for first in range(0, len(self.numbers), 250):
            self.process(
                [c for n in range(first, min(first + 250, len(self.numbers))) for c in self._allow(n)]
            )

    def _allow(self, candidate: int) -> tuple[Command, Command]:
        whom: dict[str, Any] = {
            "account": self.account,
            "actor": RITA,
            "candidate": f"c{candidate}",
            "number": self.numbers[candidate],
        }
        evidence = ByHandEvidence(method="call")
        return (
            AddNumber(command_id=self.uuid7(), **whom),
            AddConsent(command_id=self.uuid7(), obtained_at=OBTAINED, evidence=evidence, **whom),
        )


def _by_batch() -> list[Result]:
    targets = {500: 15_000.0}
    with TemporaryDirectory() as folder:
        bench = Bench(folder, CANDIDATES)
        found = [_stored(bench, size, targets.get(size)) for size in (1, 10, 100, 500)]
        bench.close()
        bench.open()
        found.append(_through_the_worker(bench))
    return found


def _stored(bench: Bench, size: int, target: float | None) -> Result:
    batches = [bench.sends(size) for _ in range(max(20, min(300, 10_000 // size)))]
    gc.collect()
    elapsed_s = sum(bench.process(batch) for batch in batches)
    name = f"sends decided and stored, {size} at a time"
    return Result(name, size * len(batches) / elapsed_s, "sends/s", target)


def _through_the_worker(bench: Bench) -> Result:
    """With the queue full: while one batch goes to disk, the next is decided."""
    commands = [command for _ in range(40) for command in bench.sends(500)]
    inbox = Inbox(bench.position, waiting_max=len(commands))
    worker = Worker(bench.shard, inbox)
    answers = [inbox.put(command) for command in commands]
    began_s = perf_counter()
    worker.start()
    for answer in answers:
        answer.result()
    elapsed_s = perf_counter() - began_s
    worker.stop()
    return Result("sends through the worker, queue full", len(commands) / elapsed_s, "sends/s", 15_000)


def _by_history() -> list[Result]:
    """The same batches into a short and a long history of one account, by turns; then a cold start."""
    with TemporaryDirectory() as few, TemporaryDirectory() as many:
        short, long = Bench(few, 300), Bench(many, CANDIDATES)
        while long.ledger.last_notification() < MANY_EVENTS:
            long.process(long.sends(500))
        durations_s = [
            (short.process(short.sends(1)), long.process(long.sends(1))) for _ in range(SENDS_COMPARED // 10)
        ]
        ratio = median(d for _, d in durations_s) / median(d for d, _ in durations_s)
        name = f"one send after {MANY_EVENTS:,} events : after {FEW_EVENTS:,}"
        found = [Result(name, ratio, "×", 1.1, lower=True), _cold_start(long)]
        short.close()
        long.close()
    return found


def _cold_start(bench: Bench) -> Result:
    """From opening the file to the first send's receipt on disk."""
    bench.close()
    command = bench.sends(1)
    began_s = perf_counter()
    bench.open()
    bench.process(command)
    return Result("cold start after 1,000,000 events", perf_counter() - began_s, "s", 2.0, lower=True)


def _memory() -> Result:
    """The most a process of its own had resident while it dealt with that many conversations."""
    script = "from tests.benchmarks.bench_sends import remember; remember()"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    name = f"resident with {REMEMBERED:,} conversations"
    return Result(name, int(run.stdout) / 1024, "MB", 300.0, lower=True)


def remember() -> None:
    """Have a shard know REMEMBERED conversations; print the peak of resident memory, in KiB."""
    with TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        spare_the_collector()
        bench = Bench(folder, REMEMBERED)
        bench.close()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
