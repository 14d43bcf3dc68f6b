"""A steady trickle of commands: how long until their events, and what a view says of them, can be read.

How long until the carrier is asked for a text. And, with a worker killed meanwhile, how long until every
shard is served again.
"""

import re
import threading
import time
from collections.abc import Callable, Collection
from typing import NamedTuple
from uuid import UUID

import confluent_kafka

from tests.benchmarks.kafka.load import Load, Wanted
from tests.benchmarks.kafka.systems import System
from tests.benchmarks.kafka.throughput import used_s
from tests.benchmarks.kafka.topics import INPUT, LOG_ERRORS, Reader, Stuck

PATIENCE_S = 120.0
READ_S = 0.001
_IDS = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")

Arrivals = Callable[[], list[tuple[float, str]]]
"""The texts that the carrier was asked for since this was last called: when, on the wall clock, and whose."""

Visible = Callable[[Collection[UUID]], Collection[UUID]]
"""Which of these commands a view shows by now."""


class Latency(NamedTuple):
    """Milliseconds from before a command was produced, at one rate."""

    system: str
    rate: float
    p50_ms: float
    p99_ms: float
    view_p50_ms: float | None
    view_p99_ms: float | None
    cores: tuple[float, float, float]
    """How many cores the system's processes, the broker and PostgreSQL kept busy."""


class Trickle(threading.Thread):
    """Produces commands at a steady rate, in a thread of its own, and remembers when."""

    def __init__(self, system: System, sends: list[Wanted], rate: float) -> None:
        super().__init__(daemon=True)
        self._topic = system.place.prefix + INPUT
        self._sends = sends
        self._rate = rate
        self._client = confluent_kafka.Producer(
            {
                "bootstrap.servers": system.place.bootstrap,
                "linger.ms": 0,
                "enable.idempotence": True,
                "log_level": LOG_ERRORS,
            }
        )
        self._stopping = threading.Event()
        self.sent_s: dict[UUID, float] = {}
        self.partitions = {one.id: one.partition for one in sends}

    def run(self) -> None:
        began_s = time.perf_counter()
        for number, one in enumerate(self._sends):
            if self._stopping.wait(max(0.0, began_s + number / self._rate - time.perf_counter())):
                break
            self.sent_s[one.id] = time.perf_counter()
            self._client.produce(self._topic, one.value, one.key, one.partition)
            self._client.poll(0)
        self._client.flush()

    def stop(self) -> None:
        self._stopping.set()
        self.join()


def latency(
    system: System, reader: Reader, made: Load, rate: float, seconds: float, visible: Visible | None
) -> Latency:
    """How long until each command's text could be read, and a view told of it, over `seconds` seconds."""
    trickle = Trickle(system, made.sends(int(rate * seconds)), rate)
    watch = _Watch(trickle, visible)
    watcher = threading.Thread(target=watch.run, daemon=True)
    before, began_s = used_s(system), time.perf_counter()
    trickle.start()
    if visible is not None:
        watcher.start()
    read_s = _follow(reader, trickle, system, lambda read_s: len(read_s) == len(trickle.partitions))
    elapsed_s = time.perf_counter() - began_s
    own, broker, database = (
        (after - began) / elapsed_s for after, began in zip(used_s(system), before, strict=True)
    )
    waits = [read_s[command] - sent_s for command, sent_s in trickle.sent_s.items()]
    views: list[float] = []
    if visible is not None:
        watcher.join(PATIENCE_S)
        views = [watch.seen_s[command] - sent_s for command, sent_s in trickle.sent_s.items()]
    p50_ms, p99_ms = _quantiles(waits)
    view_p50_ms, view_p99_ms = _quantiles(views) if views else (None, None)
    cores = (own, broker, database)
    return Latency(system.name, rate, p50_ms, p99_ms, view_p50_ms, view_p99_ms, cores)


class HandOvers(NamedTuple):
    """Milliseconds until the carrier was asked, at one rate."""

    system: str
    rate: float
    produced_p50_ms: float
    """From before the command was produced."""
    produced_p99_ms: float
    accepted_p50_ms: float
    """From when its receipt could be read on the topic."""
    accepted_p99_ms: float


def hand_overs(
    system: System, reader: Reader, made: Load, rate: float, seconds: float, arrivals: Arrivals
) -> HandOvers:
    """How long until the carrier was asked for each text, over `seconds` seconds."""
    sends = made.sends_now(int(rate * seconds))
    trickle = Trickle(system, list(sends.values()), rate)
    arrivals()
    trickle.start()
    read_s = _follow(reader, trickle, system, lambda read_s: len(read_s) == len(sends))
    asked_s: dict[UUID, float] = {}
    deadline_s = time.perf_counter() + PATIENCE_S
    while len(asked_s) < len(sends):
        if time.perf_counter() > deadline_s:
            raise Stuck(f"{system.name}: {len(asked_s)} of {len(sends)} texts arrived")
        ahead_s = time.time() - time.perf_counter()
        asked_s.update((sends[number].id, moment_s - ahead_s) for moment_s, number in arrivals())
        time.sleep(READ_S)
    produced = _quantiles([asked_s[command] - sent_s for command, sent_s in trickle.sent_s.items()])
    accepted = _quantiles([asked_s[command] - moment_s for command, moment_s in read_s.items()])
    return HandOvers(system.name, rate, *produced, *accepted)


class Takeover(NamedTuple):
    """After one of a system's processes was killed."""

    system: str
    served_again_s: float
    """Until a command that was sent after the kill was answered in every partition."""


def takeover(system: System, reader: Reader, made: Load, rate: float, seconds_max: float) -> Takeover:
    """Kill the first process while commands trickle in, and wait until all partitions are served."""
    trickle = Trickle(system, made.sends(int(rate * seconds_max)), rate)
    trickle.start()
    everywhere = set(trickle.partitions.values())

    def served(read_s: dict[UUID, float], since_s: float) -> set[int]:
        return {trickle.partitions[command] for command in read_s if trickle.sent_s[command] > since_s}

    _follow(reader, trickle, system, lambda read_s: served(read_s, 0.0) == everywhere)
    killed_s = time.perf_counter()
    system.processes[0].kill()
    del system.processes[0]
    read_s = _follow(reader, trickle, system, lambda read_s: served(read_s, killed_s) == everywhere)
    trickle.stop()
    first_s: dict[int, float] = {}
    for command, moment_s in read_s.items():
        if trickle.sent_s[command] > killed_s:
            first_s.setdefault(trickle.partitions[command], moment_s)
    return Takeover(system.name, max(first_s.values()) - killed_s)


class _Watch:
    """Asks a view, again and again, which commands it shows."""

    def __init__(self, trickle: Trickle, visible: Visible | None) -> None:
        self._trickle = trickle
        self._visible = visible
        self.seen_s: dict[UUID, float] = {}

    def run(self) -> None:
        assert self._visible is not None
        while len(self.seen_s) < len(self._trickle.partitions):
            pending = [command for command in list(self._trickle.sent_s) if command not in self.seen_s]
            found = self._visible(pending) if pending else ()
            moment_s = time.perf_counter()
            self.seen_s.update((command, moment_s) for command in found)
            time.sleep(READ_S)


def _follow(
    reader: Reader, trickle: Trickle, system: System, enough: Callable[[dict[UUID, float]], bool]
) -> dict[UUID, float]:
    """When each command's text was first read, until that is enough."""
    read_s: dict[UUID, float] = {}
    deadline_s = time.perf_counter() + PATIENCE_S
    while not enough(read_s):
        if time.perf_counter() > deadline_s:
            raise Stuck(f"{system.name}: {len(read_s)} of {len(trickle.sent_s)} commands were answered")
        system.check()
        messages = reader.read_now()
        moment_s = time.perf_counter()
        for message in messages:
            if str(message.topic()).endswith("messages"):
                for found in _IDS.findall(message.value() or b""):
                    command = UUID(found.decode())
                    if command in trickle.sent_s:
                        read_s.setdefault(command, moment_s)
    return read_s


def _quantiles(waits_s: list[float]) -> tuple[float, float]:
    ordered = sorted(waits_s)
    return ordered[len(ordered) // 2] * 1e3, ordered[int(len(ordered) * 0.99)] * 1e3
