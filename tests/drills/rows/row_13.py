"""Row 13: consumers join and leave without pause, in good order and without."""

from collections.abc import Iterator

from tests.drills.distributed import PROJECTORS, WORKERS, Distributed
from tests.drills.rows.distributed import Injury, pause, trials
from tests.drills.trial import Place, Trial

CHANGES = 4


def distributed(place: Place) -> Iterator[Trial]:
    return trials(place, FAULTS)


def _change(stand: Distributed, place: Place) -> None:
    """One leaves, and joins again before the group has come to rest."""
    for _ in range(CHANGES):
        process = stand.processes[place.chance.choice((*WORKERS, *PROJECTORS))]
        if place.chance.random() < 0.8:
            process.terminate()
        else:
            process.kill()
        pause(place, 0, 0.5)
        process.start()
        pause(place, 0, 1.0)


FAULTS: dict[str, Injury] = {"joining and leaving": _change}
