"""Row 8: the end of a Kafka transaction is held back, and arrives after whoever sent it has given up."""

from collections.abc import Iterator

from tests.drills.distributed import WORKERS, Distributed
from tests.drills.rows.distributed import Injury, pause, trials
from tests.drills.trial import Place, Trial
from tests.support.sayso import eventually

HELD_S = (0.5, 7.0)
"""From shorter than the patience of the relay in drills to longer."""
REACHED_S_MAX = 180.0


def distributed(place: Place) -> Iterator[Trial]:
    return trials(place, FAULTS, linked=True)


def _hold(stand: Distributed, place: Place) -> None:
    links = [stand.servers.kafka_links[name] for name in WORKERS]
    before, seconds = sum(link.ends_held for link in links), place.chance.uniform(*HELD_S)
    for link in links:
        link.hold_next_end(seconds)
    eventually(lambda: sum(link.ends_held for link in links) > before, REACHED_S_MAX)
    pause(place, seconds, seconds + 0.5)


FAULTS: dict[str, Injury] = {"end of a transaction held back": _hold}
