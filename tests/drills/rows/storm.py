"""Faults of all rows, one upon the other, before anything has settled."""

from collections.abc import Iterator, Mapping

from tests.drills.distributed import PROCESSES, Distributed
from tests.drills.load import Mix
from tests.drills.rows import row_01, row_02, row_04, row_05, row_07, row_08, row_09, row_13, row_15
from tests.drills.rows.distributed import Injury, pause
from tests.drills.servers import on_small_disks
from tests.drills.trial import Place, Trial

FAULT = "storm"
FAULTS_EACH = 5
BETWEEN_S_MAX = 1.0
ROUNDS_PER_STAND = 40
MORE_POISON = Mix(poison=0.1)
"""Which is row 12."""
KINDS: Mapping[int, Mapping[str, Injury]] = {
    1: {"killed at a point": row_01.one_of_any},
    2: row_02.FAULTS,
    4: row_04.FAULTS,
    5: row_05.FAULTS,
    7: row_07.FAULTS,
    8: row_08.FAULTS,
    9: row_09.SERVERS_FAULTS,
    13: row_13.FAULTS,
    15: row_15.FAULTS,
}
"""By row. Each has its turn before any has its second."""


def distributed(place: Place) -> Iterator[Trial]:
    """Each fault is a trial, though what is left is looked at once for all of a round."""
    place.chosen([FAULT])
    with on_small_disks(place.fresh("servers"), PROCESSES) as servers:
        deck: list[Injury] = []
        while True:
            seed = place.chance.getrandbits(32)
            with Distributed(
                place.nursery, place.fresh("storm"), seed, servers, mix=MORE_POISON, linked=True
            ) as stand:
                stand.start()
                stand.load.prepare()
                for _ in range(ROUNDS_PER_STAND):
                    yield from _round(stand, place, deck)


def _round(stand: Distributed, place: Place, deck: list[Injury]) -> Iterator[Trial]:
    stand.load.start()
    for _ in range(FAULTS_EACH):
        if not deck:
            deck += _shuffled(place)
        deck.pop()(stand, place)
        pause(place, 0, BETWEEN_S_MAX)
    stand.load.stop()
    stand.start()
    yield stand.trial(FAULT)
    yield from [Trial(FAULT, [])] * (FAULTS_EACH - 1)


def _shuffled(place: Place) -> list[Injury]:
    """A fault of each row, in any order."""
    rows = place.chance.sample([*KINDS], len(KINDS))
    return [KINDS[row][place.chance.choice([*KINDS[row]])] for row in rows]
