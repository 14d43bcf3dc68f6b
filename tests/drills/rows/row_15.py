"""Row 15: an owner that is stopped past its session, and goes on as if nothing had been."""

import signal
from collections.abc import Iterator

from tests.drills.distributed import PROJECTORS, WORKERS, Distributed
from tests.drills.rows.distributed import Injury, pause, trials
from tests.drills.trial import Place, Trial

STOPPED_S = (2.5, 6.0)
"""Longer than a member of a group may be silent in drills."""


def distributed(place: Place) -> Iterator[Trial]:
    return trials(place, FAULTS)


def _stop(stand: Distributed, place: Place) -> None:
    child = stand.processes[place.chance.choice((*WORKERS, *PROJECTORS))].running
    child.send(signal.SIGSTOP)
    pause(place, *STOPPED_S)
    child.send(signal.SIGCONT)


FAULTS: dict[str, Injury] = {"zombie": _stop}
