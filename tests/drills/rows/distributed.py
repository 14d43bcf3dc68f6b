"""What the rows that hurt Sayso from outside share, most of them its distributed form."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from tests.drills.distributed import Distributed
from tests.drills.servers import Servers
from tests.drills.stand import Stand
from tests.drills.trial import Place, Trial

S = TypeVar("S", bound=Stand)
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
    """As `injured`, of the distributed form."""

    def made(seed: int) -> Distributed:
        there = (servers or place.servers)()
        return Distributed(place.nursery, place.fresh("distributed"), seed, there, linked=linked)

    return injured(place, faults, made, Distributed.trial)


def injured(
    place: Place,
    faults: Mapping[str, Callable[[S, Place], None]],
    made: Callable[[int], S],
    judged: Callable[[S, str], Trial],
) -> Iterator[Trial]:
    """Injure stand after stand, made from a seed, the faults in turn, under load; and judge each time."""
    wanted = place.shuffled([*faults])
    while True:
        with made(place.chance.getrandbits(32)) as stand:
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
                yield judged(stand, fault)


def pause(place: Place, least_s: float, most_s: float) -> None:
    """Let some time pass, drawn by lot: the moment is what a fault is about."""
    time.sleep(place.chance.uniform(least_s, most_s))


def _under_way(stand: Stand, place: Place) -> None:
    """Return when some more commands were acknowledged, or when nothing moves any more."""
    wanted = stand.load.acknowledged + place.chance.randint(*ACKNOWLEDGED_BETWEEN)
    until = time.monotonic() + UNDER_WAY_S_MAX
    while stand.load.acknowledged < wanted and time.monotonic() < until:
        time.sleep(0.02)
