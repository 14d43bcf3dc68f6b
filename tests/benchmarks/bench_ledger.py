"""How fast events are written, stored and read again, with every commit synced to the disk.

The load is that of an ATS: one account whose members text 10,000 people in no particular order. A send makes
three events: TextQueued in the conversation, SegmentsDebited in the account, CommandAccepted in a receipt.
"""

import os
import random
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from uuid import UUID

from deploy.local.postgres import Postgres
from domain.ledger import Ledger, StreamNames
from schemas import codec
from schemas.actors import Actor
from schemas.events import CommandAccepted, Context, Recorded, SegmentsDebited, TextQueued
from schemas.keystore import KeyStore
from tests.benchmarks.result import Result

CONVERSATIONS = 10_000
BODY = "Hi Grace, thanks for applying! Could you talk on Tuesday at 10? Reply STOP to hear no more. Ada, Acme"
ADA = Actor(kind="member", id="member-17", name="Ada Lovelace")
FEW_EVENTS, MANY_EVENTS = 1_000, 1_000_000
COMPARED_SENDS = 400
BATCH_MAX = 500  # sends
DECIDE_S = 0.000_025  # what a send's decision may cost beside all this
SENDS_STORED_MIN = round(1 / (1 / 15_000 - DECIDE_S))  # a second, for 15,000 decided and stored


def run() -> list[Result]:
    """Codec, ledger by size of batch in each of its places, and before and after a million events."""
    return [*_codec(), *_by_batch(), *_history()]


class Load:
    """Sends, one after another, and the ledger that they go into: in a folder, or in a database."""

    def __init__(self, folder: str, dsn: str | None = None) -> None:
        self._folder, self._dsn = Path(folder), dsn
        master_key = os.urandom(32)
        if dsn is None:
            self.keys = KeyStore.open(self._folder / "keys.db", master_key)
        else:
            self.keys = KeyStore.open_postgres(dsn, master_key)
        self.ledger = self.open()
        self.ledger.take()
        self.names = StreamNames(os.urandom(32))
        self._chance = random.Random(7)
        self._conversations = [
            self.names.conversation("acme", f"+1415{person:07d}") for person in range(CONVERSATIONS)
        ]
        self._versions: defaultdict[str, int] = defaultdict(int)
        self.position = 0
        self.keys.ensure(self._conversations)

    def open(self) -> Ledger:
        """The ledger, once more."""
        if self._dsn is None:
            return Ledger.open(self._folder / "ledger.db", 0, self.keys)
        return Ledger.open_postgres(self._dsn, 0, self.keys)

    def batch(self, sends: int) -> list[Recorded]:
        """The events of the next `sends` sends."""
        return [recorded for _ in range(sends) for recorded in self._send()]

    def store(self, batch: list[Recorded]) -> float:
        """Store `batch`; how long it took, in seconds."""
        began_s = perf_counter()
        self.ledger.append(batch, self.position)
        return perf_counter() - began_s

    def version(self, stream: str) -> int:
        """How many events `stream` has."""
        return self._versions[stream]

    def close(self) -> None:
        self.ledger.close()
        self.keys.close()

    def _send(self) -> list[Recorded]:
        self.position += 1
        text_id = self._uuid7()
        context = Context("acme", ADA, datetime.now(UTC), text_id, shard=0, position=self.position)
        events = {
            self._chance.choice(self._conversations): TextQueued(
                text_id=text_id, candidate="candidate-1", body=BODY, encoding="GSM-7", segments=1
            ),
            self.names.account("acme"): SegmentsDebited(text_id=text_id, segments=1, balance=1_000_000),
            self.names.receipt("acme", text_id): CommandAccepted(
                command_type="send-text",
                fingerprint="f" * 32,
                result={"text_id": str(text_id), "segments": 1, "encoding": "GSM-7", "balance": 1_000_000},
            ),
        }
        return [Recorded(stream, self._next(stream), event, context) for stream, event in events.items()]

    def _next(self, stream: str) -> int:
        self._versions[stream] += 1
        return self._versions[stream]

    def _uuid7(self) -> UUID:
        time_ms = time.time_ns() // 1_000_000
        return UUID(
            int=time_ms << 80 | 7 << 76 | self._chance.getrandbits(12) << 64 | 2 << 62 | self.position
        )


def _codec() -> list[Result]:
    with TemporaryDirectory() as folder:
        load = Load(folder)
        queued, debited, _ = load.batch(1)
        sealed, clear = (codec.encode(recorded, load.keys, 1) for recorded in (queued, debited))
        found = [
            Result(
                "write a clear event", _each_us(lambda: codec.encode(debited, load.keys, 1)), "µs", 4, True
            ),
            Result(
                "write a sealed event", _each_us(lambda: codec.encode(queued, load.keys, 1)), "µs", 9, True
            ),
            Result("read a clear event", _each_us(lambda: codec.decode(clear, load.keys)), "µs", 8, True),
            Result("read a sealed event", _each_us(lambda: codec.decode(sealed, load.keys)), "µs", 12, True),
        ]
        load.close()
    return found


def _each_us(work: Callable[[], object], rounds: int = 20, times: int = 2_000) -> float:
    """Microseconds for one call: the median of many rounds."""
    durations_s = []
    for _ in range(rounds):
        began_s = perf_counter()
        for _ in range(times):
            work()
        durations_s.append(perf_counter() - began_s)
    return median(durations_s) / times * 1e6


def _by_batch() -> list[Result]:
    """Each size of batch in a file and in a database by turns, each time a new one."""
    found = []
    with TemporaryDirectory() as folder, Postgres(Path(folder)) as server:
        for sends in (1, 10, 100, BATCH_MAX):
            target = SENDS_STORED_MIN if sends == BATCH_MAX else None
            with TemporaryDirectory() as files:
                found.append(_stored(Load(files), sends, "SQLite", target))
            dsn = server.create_database(f"sends_{sends}")
            found.append(_stored(Load(folder, dsn), sends, "PostgreSQL"))
    return found


def _stored(load: Load, sends: int, where: str, target: float | None = None) -> Result:
    """Sends a second that are encoded and stored in batches of `sends`."""
    batches = [load.batch(sends) for _ in range(max(20, min(400, 15_000 // sends)))]
    elapsed_s = sum(load.store(batch) for batch in batches)
    load.close()
    rate = sends * len(batches) / elapsed_s
    return Result(f"sends stored, {sends} at a time, {where}", rate, "sends/s", target)


def _history() -> list[Result]:
    """The same batches into a short and a long history, by turns, so that the machine's mood strikes both."""
    with TemporaryDirectory() as few, TemporaryDirectory() as many:
        short, long = Load(few), Load(many)
        _fill(short, FEW_EVENTS)
        _fill(long, MANY_EVENTS)
        found = [
            *(_compared(short, long, sends) for sends in (1, BATCH_MAX)),
            Result("opened and read after 1,000,000 events", _cold_start_s(long), "s", 2, True),
            Result("notifications read, 500 at a time", _notified(long), "events/s"),
            Result("receipts looked up, 500 at a time", _looked_up(long), "receipts/s"),
        ]
        short.close()
        long.close()
    return found


def _fill(load: Load, events: int) -> None:
    while load.ledger.last_notification() < events:
        load.store(load.batch(min(500, events // 3)))


def _compared(short: Load, long: Load, sends: int) -> Result:
    """What sends cost in a long history, as a multiple of what they cost in a short one."""
    durations_s = [
        (short.store(short.batch(sends)), long.store(long.batch(sends)))
        for _ in range(COMPARED_SENDS // sends + 20)
    ]
    ratio = median(long_s for _, long_s in durations_s) / median(short_s for short_s, _ in durations_s)
    return Result(f"cost after 1,000,000 events : after 1,000, {sends} at a time", ratio, "×", 1.1, True)


def _cold_start_s(load: Load) -> float:
    """Opening, the account's newest snapshot, and the 1,000 events that came after it."""
    account = load.names.account("acme")
    load.ledger.save_snapshot(account, load.version(account) - 1_000, b"{}")
    began_s = perf_counter()
    ledger = load.open()
    snapshot = ledger.load_snapshot(account)
    assert snapshot is not None
    assert len(ledger.read(account, after=snapshot[0])) == 1_000
    elapsed_s = perf_counter() - began_s
    ledger.close()
    return elapsed_s


def _notified(load: Load) -> float:
    after, until = 0, 100_000
    began_s = perf_counter()
    while after < until:
        after = load.ledger.notifications(after, 500)[-1][0]
    return until / (perf_counter() - began_s)


def _looked_up(load: Load) -> float:
    """Receipts of new commands, as a batch begins: none of them is there."""
    streams = [recorded.stream for recorded in load.batch(500) if recorded.stream.startswith("r")]
    began_s = perf_counter()
    for _ in range(20):
        load.ledger.existing(streams)
    return 20 * len(streams) / (perf_counter() - began_s)
