"""Row 4: the broker is killed, or stands still until it is thought dead; then it is back."""

from collections.abc import Iterator

from tests.drills.distributed import Distributed
from tests.drills.rows.distributed import Injury, pause, trials
from tests.drills.trial import Place, Trial

DOWN_S_MAX = 3.0
SESSION_S = 4.0
"""After so long without a heartbeat a broker is thought dead; see `servers`."""


def distributed(place: Place) -> Iterator[Trial]:
    return trials(place, FAULTS)


def _kill(stand: Distributed, place: Place) -> None:
    broker = stand.servers.broker
    broker.kill()
    pause(place, 0, DOWN_S_MAX)
    broker.start()


def _stop(stand: Distributed, place: Place) -> None:
    """With one node, the controller stands still with it, and notices when it goes on."""
    broker = stand.servers.broker
    broker.pause()
    pause(place, SESSION_S, SESSION_S + DOWN_S_MAX)
    broker.resume()


FAULTS: dict[str, Injury] = {"broker killed": _kill, "broker stopped past its session": _stop}
