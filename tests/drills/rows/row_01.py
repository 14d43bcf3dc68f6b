"""Row 1: kill -9 at a named point, under load; then a start, and everything is as promised."""

from collections.abc import Iterator
from itertools import cycle

from tests.drills.checker import Finding
from tests.drills.distributed import Distributed
from tests.drills.embedded import Embedded
from tests.drills.points import EMBEDDED, PROJECTOR, WORKER_DISTRIBUTED
from tests.drills.stand import Process, Stand
from tests.drills.trial import Place, Trial

NTH_MAX = 20
ROUNDS_PER_STAND = 60
DIES_S_MAX = 120.0
STORM_DIES_S_MAX = 5.0
FORM = " (distributed)"


def embedded(place: Place) -> Iterator[Trial]:
    """Of the one process that is everything."""
    points = cycle(place.shuffled([f"{point} (embedded)" for point in EMBEDDED]))
    while True:
        seed = place.chance.getrandbits(32)
        with Embedded(place.nursery, place.fresh("embedded"), seed) as stand:
            stand.start()
            stand.load.prepare()
            for _ in range(ROUNDS_PER_STAND):
                yield from _round(stand, place, [(stand.process, next(points))])


def distributed(place: Place) -> Iterator[Trial]:
    """Of a worker and a projector, in the same seconds."""
    chosen = place.shuffled([f"{point}{FORM}" for point in (*WORKER_DISTRIBUTED, *PROJECTOR)])
    at_work = cycle([fault for fault in chosen if fault.removesuffix(FORM) in WORKER_DISTRIBUTED])
    at_views = cycle([fault for fault in chosen if fault.removesuffix(FORM) in PROJECTOR])
    while True:
        seed = place.chance.getrandbits(32)
        with Distributed(place.nursery, place.fresh("distributed"), seed, place.servers()) as stand:
            stand.start()
            stand.load.prepare()
            for _ in range(ROUNDS_PER_STAND):
                # One of each: were both workers dead, nobody would come to any point.
                pairs = ((stand.workers, at_work), (stand.projectors, at_views))
                wanted = [(place.chance.choice(group), next(faults)) for group, faults in pairs]
                yield from _round(stand, place, wanted)


def _round(stand: Stand, place: Place, wanted: list[tuple[Process, str]]) -> Iterator[Trial]:
    """Let each of these processes die at its point; a trial for each of them."""
    for process, fault in wanted:
        process.arm(fault.partition(" (")[0], place.chance.randint(1, NTH_MAX))
    stand.load.start()
    lives = [
        Finding("harness", "the point was not reached", f"{process.name}: {fault}")
        for process, fault in wanted
        if process.dies(DIES_S_MAX) is None
    ]
    stand.load.stop()
    for process, _ in wanted:
        process.kill()
    stand.start()
    first, *others = [fault for _, fault in wanted]
    yield stand.trial(first, *lives)
    yield from (Trial(fault, []) for fault in others)


def one_of_any(stand: Distributed, place: Place) -> None:
    """A worker dies at a point drawn by lot, and is started again at once; for a storm."""
    process = place.chance.choice(stand.workers)
    process.arm(place.chance.choice([*WORKER_DISTRIBUTED]), place.chance.randint(1, NTH_MAX))
    process.dies(STORM_DIES_S_MAX)
    process.start()
