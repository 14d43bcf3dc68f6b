"""Faults of all rows, one upon the other, before anything has settled."""

from collections.abc import Iterator

from tests.drills.distributed import Distributed
from tests.drills.load import Mix
from tests.drills.rows import row_01, row_02, row_04, row_05, row_07, row_08, row_13, row_15
from tests.drills.rows.distributed import Injury, pause
from tests.drills.trial import Place, Trial

FAULT = "storm"
FAULTS_EACH = 5
BETWEEN_S_MAX = 1.0
ROUNDS_PER_STAND = 40
MORE_POISON = Mix(poison=0.1)
KINDS: list[list[Injury]] = [
    [row_01.one_of_any],
    [*row_02.FAULTS.values()],
    [*row_04.FAULTS.values()],
    [*row_05.FAULTS.values()],
    [*row_07.FAULTS.values()],
    [*row_08.FAULTS.values()],
    [*row_13.FAULTS.values()],
    [*row_15.FAULTS.values()],
]


def distributed(place: Place) -> Iterator[Trial]:
    """Each fault is a trial, though what is left is looked at once for all of a round."""
    place.chosen([FAULT])
    kinds: list[list[Injury]] = []
    while True:
        seed = place.chance.getrandbits(32)
        with Distributed(
            place.nursery, place.fresh("storm"), seed, place.servers(), mix=MORE_POISON, linked=True
        ) as stand:
            stand.start()
            stand.load.prepare()
            for _ in range(ROUNDS_PER_STAND):
                stand.load.start()
                for _ in range(FAULTS_EACH):
                    kinds = kinds or place.chance.sample(KINDS, len(KINDS))
                    place.chance.choice(kinds.pop())(stand, place)
                    pause(place, 0, BETWEEN_S_MAX)
                stand.load.stop()
                stand.start()
                yield stand.trial(FAULT)
                yield from [Trial(FAULT, [])] * (FAULTS_EACH - 1)
