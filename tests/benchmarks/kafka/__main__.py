"""Sayso on Kafka beside others that do the same, on one broker, one after another.

`python -m tests.benchmarks.kafka [--commands N] [--partitions N] [--systems NAME...] [--parts NAME...]`
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from deploy.local.broker import Broker
from deploy.local.postgres import Postgres
from tests.benchmarks.kafka.layers import LAYERS
from tests.benchmarks.kafka.load import Load
from tests.benchmarks.kafka.sayso import Layered, Sayso, receipts
from tests.benchmarks.kafka.steady import HandOvers, Latency, Takeover, hand_overs, latency, takeover
from tests.benchmarks.kafka.systems import BareLoop, Place, Quix, System, tree_cpu_s
from tests.benchmarks.kafka.throughput import Throughput, measure, ready
from tests.benchmarks.kafka.topics import Reader
from tests.benchmarks.slow_carrier import arrivals, slow_carrier

HEAP_MB = 1_024
SYSTEMS: dict[str, Callable[[Place], System]] = {
    "quix-1": lambda place: Quix(place, 1),
    "quix-2": lambda place: Quix(place, 2),
    "quix-1-repeats": lambda place: Quix(place, 1, repeats=True),
    "quix-2-repeats": lambda place: Quix(place, 2, repeats=True),
    "bare": BareLoop,
    "sayso-pg-1": lambda place: Sayso(place, 1, "postgresql"),
    "sayso-pg-2": lambda place: Sayso(place, 2, "postgresql"),
    "sayso-sqlite-1": lambda place: Sayso(place, 1, "sqlite"),
    "sayso-sqlite-2": lambda place: Sayso(place, 2, "sqlite"),
}
PARTS = ("throughput", "latency", "hand-overs", "takeover", "layers")

console = Console(width=140)


class Bench:
    """The servers that every system runs on."""

    def __init__(self, folder: Path, asked: argparse.Namespace, opened: ExitStack) -> None:
        self.asked = asked
        self._folder = folder
        self._opened = opened
        self._broker = opened.enter_context(Broker(folder / "broker", heap_mb=HEAP_MB))
        self._started: Postgres | None = None
        self._names: list[str] = []

    @contextmanager
    def running(self, make: Callable[[Place], System]) -> Iterator[tuple[System, Reader, Load]]:
        """A system at work and warm, the reader of what it publishes, and the load that it was given."""
        name = f"run-{len(self._names)}"
        self._names.append(name)
        folder = self._folder / name
        folder.mkdir()
        place = Place(
            self._broker.bootstrap,
            f"{name}.",
            self.asked.partitions,
            folder,
            self._database,
            self._servers_cpu_s,
        )
        system = make(place)
        system.prepare()
        reader = Reader(place.bootstrap, place.prefix, place.partitions)
        made = Load(place.partitions)
        try:
            system.start()
            ready(system, reader, made, self.asked.warm_up)
            yield system, reader, made
        finally:
            system.stop()
            reader.close()

    def _database(self) -> str:
        return self._postgres().create_database(self._names[-1])

    def _servers_cpu_s(self) -> tuple[float, float]:
        database = self._started
        return tree_cpu_s(self._broker.pid), 0.0 if database is None else tree_cpu_s(database.pid)

    def _postgres(self) -> Postgres:
        if self._started is None:
            self._started = self._opened.enter_context(Postgres(self._folder / "postgres"))
        return self._started


def main() -> None:
    """Measure the chosen parts of the chosen systems and print what was found."""
    asked = _arguments()
    with TemporaryDirectory() as folder, ExitStack() as opened:
        bench = Bench(Path(folder), asked, opened)
        if "throughput" in asked.parts:
            _show_throughputs(_throughputs(bench))
        if "latency" in asked.parts:
            _show_latency(_latency(bench))
        if "hand-overs" in asked.parts:
            _show_hand_overs(_hand_overs(bench))
        if "takeover" in asked.parts:
            _show_takeover(_takeover(bench))
        if "layers" in asked.parts:
            _show_layers(_layers(bench))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-kafka", description=__doc__)
    parser.add_argument("--commands", type=int, default=60_000, help="measured, for each system")
    parser.add_argument("--warm-up", type=int, default=4_000, help="commands before those")
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2, help="of which the best counts")
    parser.add_argument("--rate", type=float, default=200.0, help="commands a second for latency")
    parser.add_argument("--hand-over-rate", type=float, default=20.0, help="texts a second for hand-overs")
    parser.add_argument("--seconds", type=float, default=20.0, help="for which latency is measured")
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS), default=list(SYSTEMS))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    return parser.parse_args()


def _throughputs(bench: Bench) -> list[list[Throughput]]:
    """Of each system, in rounds, so that the machine's moods strike all; the broker is warm before."""
    with bench.running(SYSTEMS["bare"]) as (system, reader, made):
        measure(system, reader, made, bench.asked.commands // 2)
    rounds = [[_throughput(bench, name) for name in bench.asked.systems] for _ in range(bench.asked.rounds)]
    return [list(of_one) for of_one in zip(*rounds, strict=True)]


def _throughput(bench: Bench, name: str) -> Throughput:
    with bench.running(SYSTEMS[name]) as (system, reader, made):
        found = measure(system, reader, made, bench.asked.commands)
    console.print(f"{found.system}: {found.commands_per_s:,.0f} commands/s")
    return found


def _latency(bench: Bench) -> Latency:
    asked = bench.asked
    make = lambda place: Sayso(place, 2, "postgresql", projectors=1)  # noqa: E731
    with bench.running(make) as (system, reader, made):
        assert isinstance(system, Sayso)
        with receipts(system.database) as visible:
            return latency(system, reader, made, asked.rate, asked.seconds, visible)


def _hand_overs(bench: Bench) -> HandOvers:
    asked = bench.asked
    with slow_carrier() as url:
        make = lambda place: Sayso(place, 2, "postgresql", projectors=1, carrier=url)  # noqa: E731
        with bench.running(make) as (system, reader, made):
            return hand_overs(
                system, reader, made, asked.hand_over_rate, asked.seconds, partial(arrivals, url)
            )


def _takeover(bench: Bench) -> Takeover:
    with bench.running(SYSTEMS["sayso-pg-2"]) as (system, reader, made):
        return takeover(system, reader, made, bench.asked.rate, seconds_max=60)


def _layers(bench: Bench) -> dict[str, float]:
    """Microseconds of each layer for a command."""
    number = bench.asked.commands
    with bench.running(Layered) as (system, reader, made):
        assert isinstance(system, Layered)
        before = system.used_s()
        measure(system, reader, made, number)
        return {layer: (used_s - before[layer]) / number * 1e6 for layer, used_s in system.used_s().items()}


def _show_throughputs(found: list[list[Throughput]]) -> None:
    """A line for each system, with the best of its rounds."""
    table = Table("", "commands/s", "", "own", "broker", "PostgreSQL", "sum", "memory, MB")
    best = [max(rounds, key=lambda one: one.commands_per_s) for rounds in found]
    for one, rounds in zip(best, found, strict=True):
        table.add_row(
            one.system,
            f"{one.commands_per_s:,.0f}",
            " ".join(f"{other.commands_per_s:,.0f}" for other in rounds),
            *(f"{us:,.0f} µs" for us in (one.own_us, one.broker_us, one.database_us, one.sum_us)),
            f"{one.resident_mb[0]:,.0f} to {one.resident_mb[-1]:,.0f}, max {max(one.resident_mb):,.0f}",
        )
    console.print(table)


def _show_latency(found: Latency) -> None:
    table = Table(f"{found.system}, {found.rate:,.0f} commands/s", "p50, ms", "p99, ms")
    table.add_row("produced to readable on the topic", f"{found.p50_ms:.1f}", f"{found.p99_ms:.1f}")
    if found.view_p50_ms is not None:
        table.add_row("to visible in a view", f"{found.view_p50_ms:.1f}", f"{found.view_p99_ms:.1f}")
    console.print(table)
    own, broker, database = found.cores
    console.print(f"Cores busy: {own:.2f} with Sayso, {broker:.2f} the broker, {database:.2f} PostgreSQL")


def _show_hand_overs(found: HandOvers) -> None:
    table = Table(f"{found.system}, {found.rate:,.0f} texts/s", "p50, ms", "p99, ms")
    for name, p50_ms, p99_ms in (
        ("produced to hand-over", found.produced_p50_ms, found.produced_p99_ms),
        ("receipt readable on the topic to hand-over", found.accepted_p50_ms, found.accepted_p99_ms),
    ):
        table.add_row(name, f"{p50_ms:.1f}", f"{p99_ms:.1f}")
    console.print(table)


def _show_takeover(found: Takeover) -> None:
    console.print(f"{found.system}: served again {found.served_again_s:.1f} s after kill -9")


def _show_layers(found: dict[str, float]) -> None:
    table = Table("within one worker, on PostgreSQL", "µs a command", "what it is")
    for layer, meaning in LAYERS.items():
        table.add_row(layer, f"{found[layer]:.1f}", meaning)
    table.add_row("all of it", f"{sum(found.values()):.1f}", "")
    console.print(table)


if __name__ == "__main__":
    main()
