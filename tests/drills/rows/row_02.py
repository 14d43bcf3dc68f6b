"""Row 2: kill -9 of any process, at any moment."""

from collections.abc import Iterator

from tests.drills.distributed import PROCESSES, Distributed
from tests.drills.rows.distributed import Injury, pause, trials
from tests.drills.trial import Place, Trial

AT_ONCE_MAX = 3
GONE_S_MAX = 2.0


def distributed(place: Place) -> Iterator[Trial]:
    return trials(place, FAULTS)


def _kill(stand: Distributed, place: Place) -> None:
    """One process or several; now and then another one while the first is still gone."""
    for name in place.chance.sample(PROCESSES, place.chance.randint(1, AT_ONCE_MAX)):
        pause(place, 0, GONE_S_MAX / AT_ONCE_MAX)
        stand.processes[name].kill()
    stand.start()


FAULTS: dict[str, Injury] = {"killed at random": _kill}
