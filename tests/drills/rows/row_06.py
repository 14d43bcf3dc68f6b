"""Row 6: SQLite's log of the ledger is cut at any byte, or its end is torn.

Whatever the disk kept of the log, the ledger opens as a prefix of whole batches, its position agrees, and
nothing is missing that was on the disk in time. The commands that follow the position lead to a ledger
without a flaw.
"""

import random
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from schemas import commands
from schemas.commands import Command
from tests.consumers.shards import Rig
from tests.drills import reading
from tests.drills.checker import Finding
from tests.drills.evidence import Asked, Evidence, Sent
from tests.drills.trial import Place, Tally, Trial
from tests.drills.wishes import Wish, Wishes

FAULTS = ["cut", "torn with zeros", "torn with noise"]
COMMANDS = 150
TRIALS_PER_LEDGER = 100
GOES_ON_EVERY = 10
"""Trials between two in which the commands that were lost are decided again."""
BATCH_MAX = 20


@dataclass
class Original:
    """A ledger that was never closed: its files, and what was on the disk after each batch."""

    folder: Path
    commands: Sequence[Command]
    sent: Sent
    events: list[tuple[int, bytes]] = field(default_factory=list)
    steps: list[tuple[int, int, int | None]] = field(default_factory=list)
    """Since all before is in the file: the log's bytes, events and position after each batch."""
    safe: int = 0
    """So much of the log was on the disk before it was moved into the file: no cut goes below."""

    @property
    def log(self) -> bytes:
        return (self.folder / "ledger.db-wal").read_bytes()


def run(place: Place) -> Iterator[Trial]:
    faults = place.chosen(FAULTS)
    while True:
        original = unclosed(place)
        for n in range(TRIALS_PER_LEDGER):
            fault = place.chance.choice(faults)
            yield _trial(original, fault, place.chance, goes_on=n % GOES_ON_EVERY == 0)
        shutil.rmtree(original.folder.parent)


def unclosed(place: Place) -> Original:
    """Decide commands in batches of any size; look at the disk after each.

    Every other time the log is moved into the file on the way, and so begins anew over its older self.
    """
    checkpoint_at = place.chance.choice((None, place.chance.randrange(1, COMMANDS)))
    folder = place.fresh("ledger")
    live = folder / "live"
    live.mkdir()
    wishes = Wishes(place.chance.getrandbits(32), accounts=1)
    asked = [*wishes.setup(), *(wishes.next() for _ in range(COMMANDS))]
    original = Original(folder / "kept", [commands.read(wish.body) for wish in asked], _sent(asked))
    with Rig(live) as rig:
        left = list(original.commands)
        while left:
            size = place.chance.randint(1, BATCH_MAX)
            batch, left = left[:size], left[size:]
            rig.process(*batch)
            _look(rig, original)
            if checkpoint_at is not None and len(left) < checkpoint_at:
                _checkpoint(live / "ledger.db", original)
                checkpoint_at = None
        shutil.copytree(live, original.folder, ignore=shutil.ignore_patterns("*-shm"))
        original.events = rig.ledger.notifications(0, 1_000_000)
    return original


def _look(rig: Rig, original: Original) -> None:
    """Remember what the log holds now; where it began anew, what it held before is in the file for good."""
    size = _written(rig.folder / "ledger.db-wal")
    if original.steps and size < original.steps[-1][0]:
        _, events, position = original.steps[-1]
        original.steps, original.safe = [(0, events, position)], 0
    position = rig.ledger.position()
    original.steps.append((size, rig.ledger.last_notification(), position))


def _checkpoint(file: Path, original: Original) -> None:
    """Move the log into the file."""
    with closing(sqlite3.connect(file)) as database:
        ((busy, frames, moved),) = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    assert (busy, frames) == (0, moved), "nobody else uses the file"
    original.steps = original.steps[-1:]
    original.safe = original.steps[0][0]


def _written(log: Path) -> int:
    """The bytes of the log that count: frames with the salt of its head. https://sqlite.org/walformat.html"""
    data = log.read_bytes()
    frame = 24 + int.from_bytes(data[8:12])
    end = 32
    while end + frame <= len(data) and data[end + 8 : end + 16] == data[16:24]:
        end += frame
    return end


def _trial(original: Original, fault: str, chance: random.Random, *, goes_on: bool) -> Trial:
    folder = original.folder.with_name("trial")
    shutil.copytree(original.folder, folder)
    log = original.log
    cut = chance.randrange(original.safe, len(log) + 1)
    rest = len(log) - cut
    tail = {"cut": b"", "torn with zeros": bytes(rest), "torn with noise": chance.randbytes(rest)}[fault]
    (folder / "ledger.db-wal").write_bytes(log[:cut] + tail)
    try:
        where = f"{cut} of {len(log)} bytes"
        found = [Finding("P2", rule, f"{where}: {what}") for rule, what in _broken(original, folder, cut)]
        if goes_on and not found:
            return Tally().trial(fault, _gone_on(original, folder))
        return Trial(fault, found)
    finally:
        shutil.rmtree(folder)


def _broken(original: Original, folder: Path, cut: int) -> Iterator[tuple[str, str]]:
    first = original.steps[0]
    events = max([events for size, events, _ in original.steps if size <= cut], default=0)
    try:
        kept = reading.sqlite_ledger(folder / "ledger.db")
        rows = reading.Sqlite(folder / "ledger.db").query(
            "SELECT notification_id FROM tracking WHERE application_name = 'shard-0'"
        )
    except sqlite3.DatabaseError as error:
        if cut >= first[0]:
            yield "the ledger does not open", str(error)
        return
    if kept != original.events[: len(kept)]:
        yield "not a prefix of what was stored", f"{len(kept)} events"
    if len(kept) < events:
        yield "something that was on the disk is gone", f"{len(kept)} of {events} events"
    whole = {events: position for _, events, position in original.steps}
    stands = rows[0][0] if rows else None
    if cut >= first[0] and whole.get(len(kept), 0) != (stands or 0):
        yield "offset and events disagree", f"{len(kept)} events, position {stands}"


def _gone_on(original: Original, folder: Path) -> Evidence:
    """Decide what follows the position, as a worker would; the ledger in the end."""
    with Rig(folder) as rig:
        left = original.commands[rig.ledger.position() or 0 :]
        for start in range(0, len(left), BATCH_MAX):
            rig.process(*left[start : start + BATCH_MAX])
        return Evidence({0: rig.ledger.notifications(0, 1_000_000)}, sent=original.sent)


def _sent(asked: Sequence[Wish]) -> Sent:
    sent = Sent()
    for wish in asked:
        sent.commands[wish.account, wish.command] = Asked(*wish, attempts=1, acknowledged=1)
    return sent
