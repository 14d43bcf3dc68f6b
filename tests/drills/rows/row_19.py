"""Row 19: the whole embedded system in one thread, with random faults from a seed."""

import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from projections.catalog import ACCOUNTS, OPEN_TEXTS, THREADS
from tests.consumers.shards import NOON, Clock
from tests.drills.checker import Finding
from tests.drills.evidence import Carried
from tests.drills.lab import Lab
from tests.drills.simulation.chance import ROUGH, Odds
from tests.drills.simulation.world import World
from tests.drills.trial import Place, Tally, Trial

FAULT = "anything, in one thread, from a seed"
SEEDS_PER_LAB = 10
STEPS = 150
NEEDED = (ACCOUNTS, OPEN_TEXTS, THREADS)
"""The views that the dispatcher works from; all of them are the matter of other rows."""
PEOPLE = 3
IN_MEMORY = Path("/dev/shm")  # noqa: S108  # a tmpfs: files there are synced at once


def run(place: Place) -> Iterator[Trial]:
    return stories(place, FAULT, ROUGH)


def stories(place: Place, fault: str, odds: Odds, begins: datetime = NOON) -> Iterator[Trial]:
    """Story after story, some of them on the same files; each is a trial."""
    while True:
        with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else place.folder) as folder:
            yield from _on_one_ledger(place, Path(folder), fault, odds, begins)


def _on_one_ledger(place: Place, folder: Path, fault: str, odds: Odds, begins: datetime) -> Iterator[Trial]:
    tally = Tally()
    carried = list[Carried]()
    with Lab(folder, Clock(begins), NEEDED) as lab:
        for _ in range(SEEDS_PER_LAB):
            seed = place.chance.getrandbits(32)
            world = World(lab, seed, odds, PEOPLE)
            world.run(STEPS)
            carried += world.carrier.carried()
            trial = tally.trial(fault, lab.evidence(carried, views=False))
            findings = [Finding(one.promise, one.rule, f"seed {seed}: {one.where}") for one in trial.findings]
            yield Trial(fault, findings, trial.counts)
