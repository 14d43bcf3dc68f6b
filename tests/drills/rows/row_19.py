"""Row 19: the whole embedded system in one thread, with random faults from a seed."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import count

from projections.catalog import ACCOUNTS, OPEN_TEXTS, THREADS
from tests.consumers.shards import NOON
from tests.drills.simulation.chance import ROUGH, Odds
from tests.drills.simulation.stage import Stage
from tests.drills.trial import Place, Tally, Trial

FAULT = "anything, in one thread, from a seed"
STEPS = 150
NEEDED = (ACCOUNTS, OPEN_TEXTS, THREADS)
"""The views that the dispatcher works from; all of them are the matter of other rows."""
PEOPLE = 3


def run(place: Place) -> Iterator[Trial]:
    return stories(place, FAULT, ROUGH)


def stories(place: Place, fault: str, odds: Odds, begins: datetime = NOON) -> Iterator[Trial]:
    """Story after story, each a trial: the first from the place's own seed, each other from the next one."""
    with Stage(place.folder, NEEDED) as stage:
        for seed in count(place.seed):
            with stage.told(seed, odds, begins, PEOPLE, STEPS) as world:
                trial = Tally().trial(fault, world.evidence())
                if trial.findings:
                    shutil.copytree(world.lab.folder, place.fresh("story") / str(seed))
            yield replace(trial, seed=seed)
