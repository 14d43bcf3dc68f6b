"""Row 7: links between processes and servers are cut, half open, reset, delayed, throttled, one way."""

from collections.abc import Callable, Iterator
from functools import partial

from tests.drills.distributed import PROCESSES, Distributed
from tests.drills.proxy import HALF_OPEN, WELL, Manner, Proxy
from tests.drills.rows.distributed import Injury, pause, trials
from tests.drills.trial import Place, Trial

HURT_S_MAX = 6.0
"""Longer than a member of a group may be silent in drills."""
LINKS_MAX = 3

MANNERS: dict[str, Manner] = {
    "half open": HALF_OPEN,
    "one way: nothing comes back": Manner(held=frozenset({"down"})),
    "one way: nothing gets there": Manner(held=frozenset({"up"})),
    "delayed": Manner(delay_s=0.3),
    "throttled": Manner(bytes_per_s=20_000),
    "refused": Manner(refuses=True),
}
AT_ONCE: dict[str, Callable[[Proxy], None]] = {"cut": Proxy.cut, "reset": Proxy.reset}


def distributed(place: Place) -> Iterator[Trial]:
    return trials(place, FAULTS, linked=True)


def _behave(manner: Manner, stand: Distributed, place: Place) -> None:
    links = _some(stand, place)
    for link in links:
        link.behave(manner)
    pause(place, 0.2, HURT_S_MAX)
    for link in links:
        link.behave(WELL)


def _end(end: Callable[[Proxy], None], stand: Distributed, place: Place) -> None:
    for link in _some(stand, place):
        end(link)
        pause(place, 0, 0.5)


def _some(stand: Distributed, place: Place) -> list[Proxy]:
    links = place.chance.choice((stand.servers.kafka_links, stand.servers.postgres_links))
    return [links[name] for name in place.chance.sample(PROCESSES, place.chance.randint(1, LINKS_MAX))]


FAULTS: dict[str, Injury] = {
    **{name: partial(_behave, manner) for name, manner in MANNERS.items()},
    **{name: partial(_end, end) for name, end in AT_ONCE.items()},
}
