"""Row 4: a broker is killed, or stands still until it is thought dead; then it is back. One, or of three."""

from collections.abc import Iterator
from functools import partial

from deploy.local.broker import Broker
from tests.drills.distributed import Distributed
from tests.drills.rows.distributed import Injury, pause, trials
from tests.drills.servers import Servers
from tests.drills.trial import Place, Trial

DOWN_S_MAX = 3.0
SESSION_S = 4.0
"""After so long without a heartbeat a broker is thought dead; see `servers`."""


def distributed(place: Place) -> Iterator[Trial]:
    return trials(place, FAULTS)


def three_nodes(place: Place) -> Iterator[Trial]:
    with Servers.of_three(place.fresh("three")) as servers:
        yield from trials(place, FAULTS_OF_THREE, lambda: servers)


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


def _kill_some(number: int, stand: Distributed, place: Place) -> None:
    """One is not missed; without two of three, nothing goes on until one of them is back."""
    killed = place.chance.sample(_nodes(stand), number)
    for broker in killed:
        broker.kill()
    pause(place, 0, DOWN_S_MAX)
    for broker in killed:
        broker.start()


def _stop_one(stand: Distributed, place: Place) -> None:
    broker = place.chance.choice(_nodes(stand))
    broker.pause()
    pause(place, SESSION_S, SESSION_S + DOWN_S_MAX)
    broker.resume()


def _roll(stand: Distributed, place: Place) -> None:
    """Each in turn, in good order or not, the next as soon as the one before is back."""
    for broker in _nodes(stand):
        if place.chance.random() < 0.5:
            broker.stop()
        else:
            broker.kill()
        broker.start()


def _nodes(stand: Distributed) -> list[Broker]:
    assert stand.servers.nodes is not None
    return stand.servers.nodes.brokers


FAULTS: dict[str, Injury] = {"broker killed": _kill, "broker stopped past its session": _stop}
FAULTS_OF_THREE: dict[str, Injury] = {
    "one of three killed": partial(_kill_some, 1),
    "two of three killed": partial(_kill_some, 2),
    "one of three stopped past its session": _stop_one,
    "all three, one after the other": _roll,
}
