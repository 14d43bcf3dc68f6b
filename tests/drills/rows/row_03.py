"""Row 3: an answer before the data is synced, looked for with strace.

Whoever is told of a command, by 202 or by its receipt, is told after an fdatasync of the ledger's log that
began after the receipt was written there, and that succeeded.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.drills.checker import Finding
from tests.drills.embedded import Embedded
from tests.drills.strace import Step, Strace, steps
from tests.drills.trial import Place, Trial
from tests.support.sayso import eventually

FAULTS = ["answer before the sync (SQLite)"]
COMMITS_EACH = 100
FOLLOWED_S_MAX = 120.0
LOG = "/ledger-0.db-wal"
# As strace escapes quotes: the attribute in a stored receipt, the field in an answer.
_STORED = re.compile(r'\\"commandid\\":\\"([0-9a-f-]{36})\\"')
_TOLD = re.compile(r'\\"command_id\\": ?\\"([0-9a-f-]{36})\\"')
_SYNCS = ("fdatasync", "fsync")
_SAYS = ("sendto", "write", "writev", "sendmsg")


def run(place: Place) -> Iterator[Trial]:
    (fault,) = place.chosen(FAULTS)
    with Embedded(place.nursery, place.fresh("synced"), place.seed) as stand:
        stand.start()
        stand.load.prepare()
        while True:
            seen = follow(stand, COMMITS_EACH)
            yield stand.trial(fault, *unsynced(seen))
            yield from [Trial(fault, [])] * (commits_in(seen.steps) - 1)  # each commit was one to look at


@dataclass(frozen=True)
class Followed:
    """What a process did for a while, and which commands were asked for before."""

    steps: Sequence[Step]
    before: frozenset[str]


def follow(stand: Embedded, answers: int) -> Followed:
    """What the process does under load, until so many more commands were acknowledged."""
    output, before = stand.folder / "strace", frozenset(command for _, command in stand.load.sent.commands)
    with Strace(stand.process.running.pid, output):
        wanted = stand.load.acknowledged + answers
        stand.load.start()
        eventually(lambda: stand.load.acknowledged >= wanted, FOLLOWED_S_MAX)
        stand.load.stop()
    seen = list(steps(output))
    assert any(_TOLD.search(one.content) for one in seen), "no answer was seen: answers look otherwise now"
    return Followed(seen, before)


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
