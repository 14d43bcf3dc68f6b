"""Row 3: an answer before the data is synced, looked for with strace.

Whoever is told of a command, by 202 or by its receipt, is told after an fdatasync of the ledger's log that
began after the receipt was written there, and that succeeded. With PostgreSQL it is the server that answers,
and the worker who is told: after an fdatasync of the server's log that began after it got the receipts, be it
by that backend or by another, which takes along what others wrote.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.drills.checker import Finding
from tests.drills.distributed import Distributed
from tests.drills.embedded import Embedded
from tests.drills.stand import Stand
from tests.drills.strace import Step, Strace, descendants, steps
from tests.drills.trial import Place, Trial
from tests.support.sayso import eventually

SQLITE, POSTGRES = "answer before the sync (SQLite)", "answer before the sync (PostgreSQL)"
COMMITS_EACH = 100
FOLLOWED_S_MAX = 300.0
LOG = "/ledger-0.db-wal"
SERVER_LOG = "/pg_wal/"
# As strace escapes quotes: the attribute in a stored receipt, the field in an answer.
_STORED = re.compile(r'\\"commandid\\":\\"([0-9a-f-]{36})\\"')
_TOLD = re.compile(r'\\"command_id\\": ?\\"([0-9a-f-]{36})\\"')
_REFUSED = r"\0\2\0\0\0\1\0"
"""A row of two columns, of which the first is false: the batch was not stored."""
_SYNCS = ("fdatasync", "fsync")
_SAYS = ("sendto", "write", "writev", "sendmsg")


def embedded(place: Place) -> Iterator[Trial]:
    (fault,) = place.chosen([SQLITE])
    with Embedded(place.nursery, place.fresh("synced"), place.seed) as stand:
        stand.start()
        stand.load.prepare()
        while True:
            seen = follow(stand, COMMITS_EACH)
            yield stand.trial(fault, *unsynced(seen))
            yield from [Trial(fault, [])] * (commits_in(seen.steps) - 1)  # each commit was one to look at


def distributed(place: Place) -> Iterator[Trial]:
    (fault,) = place.chosen([POSTGRES])
    with Distributed(place.nursery, place.fresh("synced"), place.seed, place.servers()) as stand:
        stand.start()
        stand.load.prepare()
        stand.settle()
        while True:
            output = stand.folder / "strace"
            with Strace(descendants(stand.servers.postgres.pid), output):
                _acknowledge(stand, COMMITS_EACH)
                stand.settle()
            answers, found = answered(steps(output))
            assert answers, "no batch was seen: what is stored looks otherwise now"
            yield stand.trial(fault, *found)
            yield from [Trial(fault, [])] * (answers - 1)


@dataclass(frozen=True)
class Followed:
    """What a process did for a while, and which commands were asked for before."""

    steps: Sequence[Step]
    before: frozenset[str]


def follow(stand: Embedded, answers: int) -> Followed:
    """What the process does under load, until so many more commands were acknowledged."""
    output, before = stand.folder / "strace", frozenset(command for _, command in stand.load.sent.commands)
    with Strace([stand.process.running.pid], output):
        _acknowledge(stand, answers)
    seen = list(steps(output))
    assert any(_TOLD.search(one.content) for one in seen), "no answer was seen: answers look otherwise now"
    return Followed(seen, before)


def _acknowledge(stand: Stand, commands: int) -> None:
    """Return when so many more were acknowledged."""
    wanted = stand.load.acknowledged + commands
    stand.load.start()
    eventually(lambda: stand.load.acknowledged >= wanted, FOLLOWED_S_MAX)
    stand.load.stop()


def commits_in(seen: Iterable[Step]) -> int:
    """How often the ledger's log was synced."""
    return sum(one.moment == "ends" and one.call in _SYNCS and one.file.endswith(LOG) for one in seen)


def unsynced(seen: Followed) -> Iterator[Finding]:
    """Commands that somebody was told of too early.

    Those of before are on the disk already; their receipts are written again with the pages they stand on.
    """
    written: set[str] = set()
    syncing: set[str] = set()
    synced = set(seen.before)
    told: set[str] = set()
    for one in seen.steps:
        in_log = one.file.endswith(LOG)
        if one.moment == "begins" and one.call == "pwrite64" and in_log:
            fresh = set(_STORED.findall(one.content)) - synced - written
            yield from (Finding("P2", "answered before it was written", command) for command in fresh & told)
            written |= fresh
        elif one.call in _SYNCS and in_log:
            if one.moment == "begins":
                syncing = set(written)
            elif one.result == 0:
                synced |= syncing
                written -= syncing
        elif one.moment == "begins" and one.call in _SAYS and one.file.startswith("socket:"):
            ids = set(_TOLD.findall(one.content))
            told |= ids - synced
            yield from (Finding("P2", "answered before the sync", command) for command in ids & written)


@dataclass
class _Batch:
    """What a backend got and has not answered yet."""

    socket: str
    syncing: set[str] = field(default_factory=set)
    """Who began to sync the log since."""
    synced: bool = False


def answered(seen: Iterable[Step]) -> tuple[int, list[Finding]]:
    """How many batches of receipts the server stored and answered, and those that it answered too early."""
    open_batches: dict[str, _Batch] = {}
    answers, found = 0, list[Finding]()
    for one in seen:
        if one.call == "recvfrom" and one.moment == "ends" and _STORED.search(one.content):
            open_batches[one.thread] = _Batch(one.file)
        elif one.call in _SYNCS and SERVER_LOG in one.file:
            for batch in open_batches.values():
                if one.moment == "begins":
                    batch.syncing.add(one.thread)
                elif one.thread in batch.syncing:
                    batch.syncing.discard(one.thread)
                    batch.synced |= one.result == 0
        elif one.call == "sendto" and one.moment == "begins" and one.thread in open_batches:
            batch = open_batches[one.thread]
            if one.file != batch.socket:
                continue
            del open_batches[one.thread]
            if _REFUSED in one.content:  # another owner has the shard: nothing was stored
                continue
            answers += 1
            if not batch.synced:
                found.append(Finding("P2", "answered before the sync", f"backend {one.thread}"))
    return answers, found
