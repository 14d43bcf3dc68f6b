"""Row 12: poison among good commands."""

from collections.abc import Iterator

from tests.drills.distributed import Distributed
from tests.drills.load import Mix
from tests.drills.trial import Place, Trial
from tests.support.sayso import eventually

FAULT = "poison"
POISON_EACH = 100
SENT_S_MAX = 300.0
BATCHES_PER_STAND = 20


def distributed(place: Place) -> Iterator[Trial]:
    place.chosen([FAULT])
    while True:
        seed = place.chance.getrandbits(32)
        with Distributed(
            place.nursery, place.fresh("poison"), seed, place.servers(), mix=Mix(poison=0.5)
        ) as stand:
            stand.start()
            stand.load.prepare()
            for _ in range(BATCHES_PER_STAND):
                yield from _batch(stand)


def _batch(stand: Distributed) -> Iterator[Trial]:
    poison = stand.load.sent.poison
    before = len(poison)
    stand.load.start()
    eventually(lambda: len(poison) >= before + POISON_EACH, SENT_S_MAX)
    stand.load.stop()
    yield stand.trial(FAULT)
    yield from [Trial(FAULT, [])] * (len(poison) - before - 1)
