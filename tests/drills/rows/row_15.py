"""Row 15: an owner that is stopped past its session, and goes on as if nothing had been."""

import signal
from collections.abc import Iterator
from contextlib import suppress

from tests.drills.distributed import PROJECTORS, WORKERS, Distributed
from tests.drills.rows.distributed import Injury, pause, trials
from tests.drills.trial import Place, Trial
from tests.support.sayso import eventually

REACHED_S_MAX = 10.0
STOPPED_S = (2.5, 6.0)
"""Longer than a member of a group may be silent in drills."""
STOPPED_WITH_A_TEXT_S = (5.0, 9.0)
"""Longer than a hand-over may go without an outcome in drills, and it takes to ask the carrier then."""


def distributed(place: Place) -> Iterator[Trial]:
    return trials(place, FAULTS)


def _stop(stand: Distributed, place: Place) -> None:
    child = stand.processes[place.chance.choice((*WORKERS, *PROJECTORS))].running
    child.send(signal.SIGSTOP)
    pause(place, *STOPPED_S)
    child.send(signal.SIGCONT)


def _stop_with_a_text(stand: Distributed, place: Place) -> None:
    """Right after the last look: somebody else settles the text meanwhile, and hands it over again."""
    process = place.chance.choice([stand.processes[name] for name in WORKERS])
    process.arm_to_stop("text-in-hand", place.chance.randint(1, 5))
    with suppress(AssertionError):  # it may have no text to hand over just now
        eventually(lambda: process.reached, REACHED_S_MAX)
    pause(place, *STOPPED_WITH_A_TEXT_S)
    process.running.send(signal.SIGCONT)


FAULTS: dict[str, Injury] = {"zombie": _stop, "zombie with a text in its hands": _stop_with_a_text}
