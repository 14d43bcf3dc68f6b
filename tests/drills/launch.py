"""Runs one of Sayso's commands with a fault prepared in its process.

A plan is a JSON file:

    {"impatient": true,                              settle what is in doubt within seconds, not minutes
     "bug": "doubled-publish",                       plant a bug (see `bugs`)
     "slow": {"function": "consumers.shard:Shard.decide", "s": 0.5},    each call takes so much longer
     "kill": {"point": "after-commit", "nth": 3},    die at the third time the point is reached
     "stop": {"point": "text-in-hand", "nth": 1},     stand still there, until somebody says go on (SIGCONT)
     "reached": "/path"}                             where the point, or the bug that bit, is written

SIGUSR1 has it read again: so a process can start and settle before it is told where to die. What the plan
names no longer is taken back.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial, wraps
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

from tests.drills import bugs
from tests.drills.points import ALL, Point
from tests.drills.wrapping import wrap

SENT_WITHIN_S = 0.8
CARRIER_TIMEOUT_S = 0.8
DOUBT_ASKED_S = 2.0
"""On a busy machine the carrier is busy, too: what it was given it must have taken when it is asked."""
ABANDONED_S = SENT_WITHIN_S + 2 * CARRIER_TIMEOUT_S + 0.1


class Plan:
    """What is to go wrong in this process."""

    def __init__(self) -> None:
        self._path = Path()
        self._reached = Path()
        self._point: str | None = None
        self._left = 0
        self._signal = signal.SIGKILL
        self._lock = Lock()
        self._bug: str | None = None
        self._mend: Callable[[], None] = lambda: None
        self._hasten: Callable[[], None] = lambda: None

    def read(self, path: Path) -> dict[str, Any]:
        self._path = path
        wanted: dict[str, Any] = json.loads(path.read_text())
        self._reached = Path(wanted["reached"])
        bug = wanted.get("bug")
        for name, number in (("kill", signal.SIGKILL), ("stop", signal.SIGSTOP)):
            if name in wanted:
                self._signal = number
                self._point, self._left = wanted[name]["point"], wanted[name]["nth"]
        if bug != self._bug:
            self._mend()
            self._bug = bug
            self._mend = bugs.plant(bug, lambda: self._reached.write_text(bug)) if bug else lambda: None
        self._hasten()
        slow = wanted.get("slow")
        self._hasten = _slow(slow["function"], slow["s"]) if slow else lambda: None
        return wanted

    def read_again(self, *_: object) -> None:
        self.read(self._path)

    def reached(self, point: str) -> None:
        """Die or stand still, if this is where and when."""
        if point != self._point:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._reached.write_text(point)
                os.kill(os.getpid(), self._signal)


_plan = Plan()


def prepare() -> None:
    """Watch all points."""
    for name, point in ALL.items():
        _watch(name, point)


def main(path: Path, command: list[str]) -> None:
    """Be `sayso COMMAND`."""
    wanted = _plan.read(path)
    if wanted.get("impatient"):
        _hurry()
    signal.signal(signal.SIGUSR1, _plan.read_again)
    sys.argv = ["sayso", *command]
    import_module("deploy.__main__").main()


def _watch(name: str, point: Point) -> None:
    def around(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            if point.when == "before":
                _plan.reached(name)
            result = function(*args, **kwargs)
            if point.when == "after" and point.counts(result):
                _plan.reached(name)
            return result

        return watched

    for function in point.functions:
        wrap(function, around)


def _slow(function: str, seconds: float) -> Callable[[], None]:
    def around(right: Callable[..., Any]) -> Callable[..., Any]:
        def slowly(*args: Any, **kwargs: Any) -> Any:
            time.sleep(seconds)
            return right(*args, **kwargs)

        return slowly

    return wrap(function, around)


def _hurry() -> None:
    """Every patience shorter, in the same order: a hand-over ends before it counts as abandoned."""
    patience = {
        "sent_within": timedelta(seconds=SENT_WITHIN_S),
        "abandoned_after": timedelta(seconds=ABANDONED_S),
        "doubt_asked_after": timedelta(seconds=DOUBT_ASKED_S),
        "status_asked_after": timedelta(seconds=0.5),
        "count_asked_after": timedelta(seconds=0.5),
        "settle_every": timedelta(seconds=0.2),
        "asked_again_after": timedelta(seconds=0.3),
    }
    timeouts = {"connect_timeout_s": CARRIER_TIMEOUT_S, "read_timeout_s": CARRIER_TIMEOUT_S}
    wrap("deploy.parts:Patience", lambda made: partial(made, **patience))
    wrap("deploy.parts:TwilioAccount", lambda made: partial(made, **timeouts))
    for constant, value in _HURRIED.items():
        wrap(constant, partial(_instead, value))


def _instead(value: Any, _: Any) -> Any:
    return value


_HURRIED: Mapping[str, Any] = {
    "consumers.membership:SESSION_TIMEOUT_MS": 2_000,
    "consumers.membership:HEARTBEAT_MS": 300,
    "consumers.group:REOPEN_AFTER_S": 0.8,
    "projections.topics.wire:REQUEST_TIMEOUT_S": 4.0,
    "projections.topics.partitions:REQUEST_TIMEOUT_S": 4.0,
    "producers.transactions:REQUEST_TIMEOUT_S": 4.0,
}
"""A dead member is found out sooner, and so taken for dead in error more often: the more there is to see."""
