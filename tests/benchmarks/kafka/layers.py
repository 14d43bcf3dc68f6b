"""Where a command's time goes within a worker, layer by layer: processor time, so that nobody else counts.

Each layer has threads of its own, whose clocks the system keeps; what one of them does in turn is told apart
by timing a few functions that deal with whole batches, and the one that reads a record.

    python -m tests.benchmarks.kafka.layers FILE worker

runs `sayso worker`, and writes what was used so far into FILE whenever it gets SIGUSR1.
"""

import json
import re
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from consumers.reading import Reader
from deploy.__main__ import run
from domain.ledger import Ledger

LAYERS = {
    "poll": "records fetched and handed to the shards",
    "read": "a record into a command",
    "look up": "receipts that are there already",
    "decide": "rules, states, receipts",
    "encode": "events as they are stored, sealed",
    "insert": "into the ledger, with commit",
    "publish": "from the ledger to the topics",
    "other": "everything else in the process",
}
_OF_THREAD = {
    "group-member": "poll",
    "kafka-io-kafka-python": "poll",
    "worker": "decide",
    "store": "insert",
    "relay": "publish",
}
_NUMBERS = re.compile(r"[-_][\d._]+$")
_timed: defaultdict[str, float] = defaultdict(float)


def used_s() -> dict[str, float]:
    """Processor seconds of each layer so far."""
    found = dict.fromkeys(LAYERS, 0.0)
    for thread in threading.enumerate():
        if thread.ident is not None:
            clock = time.pthread_getcpuclockid(thread.ident)
            name = _NUMBERS.sub("", _NUMBERS.sub("", thread.name))
            found[_OF_THREAD.get(name, "other")] += time.clock_gettime(clock)
    found.update(_timed)
    found["decide"] -= _timed["read"] + _timed["look up"]
    found["insert"] -= _timed["encode"]
    return found


def time_as(layer: str, owner: type, name: str) -> None:
    """Count what `owner`'s function of that name uses as `layer`."""
    function: Callable[..., Any] = getattr(owner, name)
    thread_time = time.thread_time

    def timed(*given: Any, **named: Any) -> Any:
        began_s = thread_time()
        try:
            return function(*given, **named)
        finally:
            _timed[layer] += thread_time() - began_s

    setattr(owner, name, timed)


def main(target: Path) -> None:
    """Run Sayso's command line, and tell when asked."""

    def tell(_: int, __: FrameType | None) -> None:
        partly = target.with_suffix(".part")
        partly.write_text(json.dumps(used_s()))
        partly.rename(target)

    time_as("read", Reader, "command")
    time_as("look up", Ledger, "existing")
    time_as("encode", Ledger, "_rows")
    signal.signal(signal.SIGUSR1, tell)
    run()


if __name__ == "__main__":
    path = sys.argv.pop(1)
    main(Path(path))
