"""Row 7: links between processes, servers and the carrier are cut, half open, reset, slow, one way.

A callback of the carrier's that does not get through is lost, as Twilio's is. Whether a text arrived that got
no answer, Sayso can only ask.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

from deploy.simulator.settings import OptOut, SimulatorSettings
from tests.drills.distributed import PROCESSES, Distributed
from tests.drills.embedded import Embedded
from tests.drills.proxy import HALF_OPEN, WELL, Manner, Proxy
from tests.drills.rows.distributed import Injury, injured, pause
from tests.drills.rows.row_20 import Seen, taken
from tests.drills.stand import Stand
from tests.drills.trial import Place, Trial

S = TypeVar("S", bound=Stand)
HURT_S_MAX = 6.0
"""Longer than a member of a group may be silent in drills, and than the carrier is waited for."""
LINKS_MAX = 3

MANNERS: dict[str, Manner] = {
    "half open": HALF_OPEN,
    "half open, every other connection": replace(HALF_OPEN, one_in=2),
    "one way: nothing comes back": Manner(held=frozenset({"down"})),
    "one way: nothing gets there": Manner(held=frozenset({"up"})),
    "delayed": Manner(delay_s=0.3),
    "throttled": Manner(bytes_per_s=20_000),
    "refused": Manner(refuses=True),
}
AT_ONCE: dict[str, Callable[[Proxy], None]] = {"cut": Proxy.cut, "reset": Proxy.reset}


def embedded(place: Place) -> Iterator[Trial]:
    """The links between Sayso and its carrier."""

    def made(seed: int) -> Embedded:
        folder = place.fresh("embedded")
        return Embedded(place.nursery, folder, seed, carrier=_witness, linked=True)

    return injured(place, EMBEDDED_FAULTS, made, _judged)


def distributed(place: Place) -> Iterator[Trial]:
    """Those, and the links from each process to Kafka and to PostgreSQL."""

    def made(seed: int) -> Distributed:
        folder = place.fresh("distributed")
        return Distributed(place.nursery, folder, seed, place.servers(), carrier=_witness, linked=True)

    return injured(place, FAULTS, made, _judged)


def _witness(usual: SimulatorSettings) -> SimulatorSettings:
    """A carrier that heeds no STOP by itself: it takes whatever it is given."""
    return replace(usual, opt_out=OptOut(enabled=False))


def _judged(stand: Stand, fault: str) -> Trial:
    """The promises, and the carrier's own account beside the ledger."""
    stand.settle()
    evidence = stand.evidence()
    return stand.tally.trial(fault, evidence, *Seen(evidence, taken(stand.carrier_url)).findings())


def _faults(some: Callable[[S, Place], list[Proxy]]) -> Mapping[str, Callable[[S, Place], None]]:
    return {
        **{name: partial(_behave, some, manner) for name, manner in MANNERS.items()},
        **{name: partial(_end, some, end) for name, end in AT_ONCE.items()},
    }


def _behave(some: Callable[[S, Place], list[Proxy]], manner: Manner, stand: S, place: Place) -> None:
    links = some(stand, place)
    for link in links:
        link.behave(manner)
    pause(place, 0.2, HURT_S_MAX)
    for link in links:
        link.behave(WELL)


def _end(
    some: Callable[[S, Place], list[Proxy]], end: Callable[[Proxy], None], stand: S, place: Place
) -> None:
    for link in some(stand, place):
        end(link)
        pause(place, 0, 0.5)


def _to_carrier(stand: Stand, place: Place) -> list[Proxy]:
    """Either way, or both."""
    links = [*stand.carrier_links.values()]
    return place.chance.sample(links, place.chance.randint(1, len(links)))


def _of_carrier(name: str) -> str:
    return f"{name} (carrier)"


def _any(stand: Distributed, place: Place) -> list[Proxy]:
    servers = place.chance.choice((stand.servers.kafka_links, stand.servers.postgres_links, None))
    if servers is None:
        return _to_carrier(stand, place)
    return [servers[name] for name in place.chance.sample(PROCESSES, place.chance.randint(1, LINKS_MAX))]


EMBEDDED_FAULTS = {_of_carrier(name): fault for name, fault in _faults(_to_carrier).items()}
EVERY_OTHER = _of_carrier("half open, every other connection")
NOTHING_BACK = _of_carrier("one way: nothing comes back")
FAULTS: Mapping[str, Injury] = _faults(_any)
