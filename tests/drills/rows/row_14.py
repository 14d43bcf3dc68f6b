"""Row 14: a consumer a hundred times slower than its producer, and far behind: its memory stays bounded."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.drills.checker import Finding
from tests.drills.distributed import Distributed
from tests.drills.load import Mix
from tests.drills.stand import Process
from tests.drills.trial import Place, Trial

COMMANDS_PER_SECOND = 1_500.0
NO_REPLIES = Mix(duplicates=0.05, poison=0.005, replies=0)
GROWS_BYTES_MAX = 256 * 1024 * 1024
"""More than all the buffers that a process of four shards may fill, and far less than what waits for it."""
BEHIND_S_MAX = 3_600.0
CATCHES_UP_S_MAX = 3_600.0
LOOK_EVERY_S = 0.5


class Slow(NamedTuple):
    """Who is slow: which function, by how much a call; and how far behind that leaves it."""

    function: str
    seconds: float
    processes: Callable[[Distributed], list[Process]]
    behind: Callable[[Distributed], int]


WHO = {
    "projector": Slow(
        "consumers.projector:Projector._commit", 2.0, lambda s: s.projectors, Distributed.unseen
    ),
    "worker": Slow("consumers.shard:Shard.decide", 4.0, lambda s: s.workers, Distributed.undecided),
}
SLOWER = 10
"""Times, where it is to fall far behind: a batch is a thousand events, or half as many commands."""
FAULTS = {
    f"{who} {behind:,} behind": (
        slow if behind == 1_000 else slow._replace(seconds=SLOWER * slow.seconds),
        behind,
    )
    for behind in (1_000, 10_000, 100_000, 1_000_000)
    for who, slow in WHO.items()
}


def distributed(place: Place) -> Iterator[Trial]:
    wanted = place.chosen([*FAULTS])
    while True:
        for fault in wanted:
            with Distributed(
                place.nursery,
                place.fresh("slow"),
                place.chance.getrandbits(32),
                place.servers(),
                mix=NO_REPLIES,
                rate=COMMANDS_PER_SECOND,
                few_texts=True,
            ) as stand:
                stand.start()
                stand.load.prepare()
                yield _trial(stand, fault, *FAULTS[fault])


def _trial(stand: Distributed, fault: str, slow: Slow, behind: int) -> Trial:
    stand.settle()
    processes = slow.processes(stand)
    before = {process.name: process.memory_bytes for process in processes}
    for process in processes:
        process.slow(slow.function, slow.seconds)
    most = dict(before)
    stand.load.start()
    until = time.monotonic() + BEHIND_S_MAX
    while slow.behind(stand) < behind and time.monotonic() < until:
        most |= {process.name: max(most[process.name], process.memory_bytes) for process in processes}
        time.sleep(LOOK_EVERY_S)
    stand.load.stop()
    for process in processes:
        process.well()
    stand.settle(CATCHES_UP_S_MAX)
    grew = {name: most[name] - before[name] for name in before}
    found = [
        Finding("P5", "memory grows with what waits", f"{name}: {grown:,} bytes")
        for name, grown in grew.items()
        if grown > GROWS_BYTES_MAX
    ]
    return stand.trial(fault, *found)
