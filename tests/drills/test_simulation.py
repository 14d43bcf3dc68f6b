"""A simulated story follows from its seed alone."""

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

from tests.drills.record import PROJECT
from tests.drills.rows import row_19
from tests.drills.trial import Place

SEED = 19
AROUND = (SEED - 1, SEED, SEED + 1)


def told(hash_seed: int, *seeds: int) -> list[str]:
    """Each story, as a process tells it whose sets are in an order of their own."""
    command = [sys.executable, "-m", "tests.drills.simulation", *map(str, seeds)]
    variables = os.environ | {"PYTHONHASHSEED": str(hash_seed)}
    run = subprocess.run(command, cwd=PROJECT, env=variables, check=True, stdout=subprocess.PIPE, text=True)
    return ["seed " + story for story in run.stdout.split("seed ")[1:]]


def test_a_story_is_the_same_each_time_and_whatever_was_told_before_it() -> None:
    among_others, alone = told(1, *AROUND), told(2, SEED)
    assert among_others[1:2] == alone
    assert len(set(among_others)) == len(AROUND)
    for word in ("TextQueued", "DispatchStarted", "CommandRefused", "Message("):
        assert word in alone[0]


def test_a_run_begins_with_the_story_of_its_seed(place: Place, tmp_path: Path) -> None:
    place.seed = SEED
    first, second = islice(row_19.run(place), 2)
    alone = next(row_19.run(Place(tmp_path, SEED + 1, place.nursery, place.servers)))
    assert (first.seed, second.seed) == (SEED, SEED + 1)
    assert second == alone
