"""Tells stories of row 19 again: `python -m tests.drills.simulation SEED...` prints what happened in each."""

import sys
import tempfile
from pathlib import Path

from deploy.logs import configure_logs
from tests.consumers.shards import NOON
from tests.drills.rows.row_19 import NEEDED, PEOPLE, STEPS
from tests.drills.simulation.chance import ROUGH
from tests.drills.simulation.stage import Stage


def main(*seeds: int) -> None:
    configure_logs("warning")
    with tempfile.TemporaryDirectory() as folder, Stage(Path(folder), NEEDED) as stage:
        for seed in seeds:
            with stage.told(seed, ROUGH, NOON, PEOPLE, STEPS) as world:
                print(f"seed {seed}", *world.happened(), sep="\n")  # noqa: T201  # what it is for


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
