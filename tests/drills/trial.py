"""What all drills share: a place to work in, and the outcome of one trial."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.drills.checker import NONE, Counts, Finding, check, count
from tests.drills.evidence import Evidence
from tests.drills.nursery import Nursery
from tests.drills.servers import Servers


@dataclass(frozen=True)
class Trial:
    """One fault, and what was wrong afterwards."""

    fault: str
    findings: Sequence[Finding]
    counts: Counts = NONE
    """What came with this trial."""
    told: Mapping[str, object] = field(default_factory=dict)
    """Figures of its own, by name."""
    seed: int | None = None
    """That of a trial which follows from its seed alone: a run that begins with it begins with this trial."""


class Tally:
    """Tells what each trial on one stand added: evidence holds all that ever happened there."""

    def __init__(self) -> None:
        self._known: set[Finding] = set()
        self._counts = Counts()

    def trial(self, fault: str, evidence: Evidence, *more: Finding) -> Trial:
        """The outcome that `evidence` shows, and with it what was found otherwise."""
        found = [*more, *check(evidence)]
        counts = count(evidence, found)
        fresh = [finding for finding in found if finding not in self._known]
        added = counts - self._counts
        self._known.update(found)
        self._counts = counts
        return Trial(fault, fresh, added)


class NoSuchFault(ValueError):
    """A drill has none of the faults that are wanted; the message names those that it has."""


@dataclass
class Place:
    """Where drills happen: folders of their own, one source of chance, and who starts processes."""

    folder: Path
    seed: int
    nursery: Nursery
    servers: Callable[[], Servers]
    """A broker and a database, started when they are first asked for; with links for every process."""
    faults: frozenset[str] = frozenset()
    """Only these, if any are named."""
    chance: random.Random = field(init=False)
    _folders: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def fresh(self, name: str) -> Path:
        """A new folder."""
        self._folders += 1
        folder = self.folder / f"{name}-{self._folders}"
        folder.mkdir(parents=True)
        return folder

    def chosen(self, faults: Sequence[str]) -> list[str]:
        """Those of `faults` that are wanted. Raises NoSuchFault where none is."""
        wanted = [fault for fault in faults if not self.faults or fault in self.faults]
        if not wanted:
            raise NoSuchFault(", ".join(faults))
        return wanted

    def shuffled(self, faults: Sequence[str]) -> list[str]:
        """Those that are wanted, in an order drawn by lot: a run may be over before each has had its turn."""
        wanted = self.chosen(faults)
        return self.chance.sample(wanted, len(wanted))


Drill = Callable[[Place], Iterator[Trial]]
"""Goes on for ever, one trial after the other. Closing it cleans up."""
