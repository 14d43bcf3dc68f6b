"""The systems under test: each a few processes that read the commands topic and publish events."""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from deploy.local.process import ServerProcess
from tests.benchmarks.kafka import topics

ROOT = Path(__file__).parents[3]
PEERS = Path(__file__).parent / "peers"
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Process(NamedTuple):
    """How one process is started."""

    command: Sequence[str]
    environment: Mapping[str, str] = MappingProxyType({})


class Place(NamedTuple):
    """Where a system runs."""

    bootstrap: str
    prefix: str
    """Of its topics, its own."""
    partitions: int
    folder: Path
    """Its own, empty at first."""
    database: Callable[[], str]
    """Makes a database in PostgreSQL, and tells its URL."""
    servers_cpu_s: Callable[[], tuple[float, float]]
    """Processor time that the broker and PostgreSQL have used."""


class System:
    """Processes that do the work; `described` says how they are started."""

    name: str
    sharing: int = 1
    """How many of them, the first ones, share the commands among them."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.processes: list[ServerProcess] = []

    def described(self) -> Sequence[Process]:
        """Each of its processes."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make the topics."""
        topics.create(self.place.bootstrap, self.place.prefix, self.place.partitions)

    def start(self) -> None:
        """Start every process; they are ready when they are."""
        self.processes = [
            ServerProcess(one.command, self.place.folder / f"process-{n}.log", dict(one.environment))
            for n, one in enumerate(self.described())
        ]

    def check(self) -> None:
        """Say so if a process has ended.

        Raises:
            Stuck: it has; the message ends with what it said.
        """
        for n, process in enumerate(self.processes):
            if not process.running:
                said = (self.place.folder / f"process-{n}.log").read_text(errors="replace")[-2_000:]
                raise topics.Stuck(f"{self.name}: a process has ended. It said: {said}")

    def resident_mb(self) -> float:
        """The memory of all its processes that is in use now."""
        return sum(_resident_bytes(process.pid) for process in self.processes) / 1e6

    def cpu_s(self) -> list[float]:
        """Processor time that each of its processes has used."""
        return [_cpu_s(process.pid) for process in self.processes]

    def stop(self) -> None:
        for process in self.processes:
            process.send(signal.SIGTERM)
        for process in self.processes:
            process.stop()
        self.processes = []


class BareLoop(System):
    """One process of kafka-python that only copies."""

    name = "bare loop"

    def described(self) -> Sequence[Process]:
        script = str(PEERS / "bare_loop.py")
        return [Process([sys.executable, script, self.place.bootstrap, self.place.prefix])]


class Quix(System):
    """A quixstreams application, in one process or more."""

    def __init__(
        self,
        place: Place,
        processes: int,
        *,
        repeats: bool = False,
        commit_every: int = 5_000,
        commit_interval_s: float = 1.0,
    ) -> None:
        """`repeats`: whether a command that comes again is recognised, as it is by Sayso."""
        super().__init__(place)
        known = ", repeats recognised" if repeats else ""
        self.name = f"quixstreams, {processes} process{'es' if processes > 1 else ''}{known}"
        self.sharing = processes
        self._options = (str(commit_every), str(commit_interval_s), "repeats" if repeats else "")

    def described(self) -> Sequence[Process]:
        python, script = str(ROOT / ".venv-bench/bin/python"), str(PEERS / "quix_app.py")
        place = self.place
        return [
            Process(
                [
                    python,
                    script,
                    place.bootstrap,
                    place.prefix,
                    str(place.folder / f"state-{n}"),
                    *self._options,
                ]
            )
            for n in range(self.sharing)
        ]


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES


def _cpu_s(pid: int) -> float:
    return _ticks(pid)[1] / TICKS_PER_S


def tree_cpu_s(root: int) -> float:
    """Processor time that a process and all its children have used, those that ended included."""
    ticks: dict[int, tuple[int, int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            ticks[int(folder.name)] = _ticks(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
    family = {root}
    while more := {pid for pid, (parent, _) in ticks.items() if parent in family} - family:
        family |= more
    return sum(ticks[pid][1] for pid in family if pid in ticks) / TICKS_PER_S


def _ticks(pid: int) -> tuple[int, int]:
    """Its parent, and its processor time with that of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1]), sum(map(int, fields[11:15]))
