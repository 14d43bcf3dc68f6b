"""Row 1: kill -9 at a named point, under load; then a start, and everything is as promised."""

from collections.abc import Iterator

from tests.drills.checker import Finding
from tests.drills.embedded import Embedded
from tests.drills.points import EMBEDDED
from tests.drills.trial import Place, Trial

NTH_MAX = 30
TRIALS_PER_STAND = 60
DIES_S_MAX = 60.0


def embedded(place: Place) -> Iterator[Trial]:
    """Of the one process that is everything."""
    points = place.chosen([f"{point} (embedded)" for point in EMBEDDED])
    while True:
        seed = place.chance.getrandbits(32)
        with Embedded(place.nursery, place.fresh("embedded"), seed) as stand:
            stand.start()
            stand.load.prepare()
            for n in range(TRIALS_PER_STAND):
                fault = points[n % len(points)]
                yield _trial(stand, fault, place.chance.randint(1, NTH_MAX))


def _trial(stand: Embedded, fault: str, nth: int) -> Trial:
    point, _, _ = fault.partition(" (")
    stand.process.arm(point, nth)
    stand.load.start()
    died = stand.process.dies(DIES_S_MAX)
    stand.load.stop()
    if died != point:
        return Trial(fault, [Finding("harness", "the point was not reached", f"{point}, {nth} times")])
    stand.start()
    return stand.trial(fault)
