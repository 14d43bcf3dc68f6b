"""What the rows that hurt the distributed form from outside share."""

import time
from collections.abc import Callable, Iterator

from tests.drills.distributed import Distributed
from tests.drills.servers import Servers
from tests.drills.trial import Place, Trial

TRIALS_PER_STAND = 40
ACKNOWLEDGED_BETWEEN = (5, 60)
"""Commands that are taken in before the fault comes, from and to."""
UNDER_WAY_S_MAX = 60.0

Injury = Callable[[Distributed, Place], None]
"""Hurts something for a while; when it returns, all is well again but for processes that died."""


def trials(
    place: Place,
    faults: dict[str, Injury],
    servers: Callable[[], Servers] | None = None,
    *,
    linked: bool = False,
) -> Iterator[Trial]:
    """Injure stand after stand, the faults in turn, under load."""
    wanted = place.shuffled([*faults])
    while True:
        seed = place.chance.getrandbits(32)
        with Distributed(
            place.nursery, place.fresh("distributed"), seed, (servers or place.servers)(), linked=linked
        ) as stand:
            stand.start()
            stand.load.prepare()
            for n in range(TRIALS_PER_STAND):
                fault = wanted[n % len(wanted)]
                stand.load.start()
                _under_way(stand, place)
                faults[fault](stand, place)
                _under_way(stand, place)
                stand.load.stop()
                stand.start()
                yield stand.trial(fault)


def pause(place: Place, least_s: float, most_s: float) -> None:
    """Let some time pass, drawn by lot: the moment is what a fault is about."""
    time.sleep(place.chance.uniform(least_s, most_s))


def _under_way(stand: Distributed, place: Place) -> None:
    """Return when some more commands were acknowledged, or when nothing moves any more."""
    wanted = stand.load.acknowledged + place.chance.randint(*ACKNOWLEDGED_BETWEEN)
    until = time.monotonic() + UNDER_WAY_S_MAX
    while stand.load.acknowledged < wanted and time.monotonic() < until:
        time.sleep(0.02)
