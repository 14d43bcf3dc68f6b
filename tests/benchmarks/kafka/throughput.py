"""Commands a second: many at once on the topic, until the last of their records can be read."""

import time
from typing import NamedTuple

from tests.benchmarks.kafka.load import Load
from tests.benchmarks.kafka.systems import System
from tests.benchmarks.kafka.topics import OUTPUTS, Reader, Stuck, load

SAMPLE_EVERY_S = 0.25
WARM_UPS_MAX = 10
FAIR_SHARE = 0.4  # of what the busiest process does: by then each has its partitions


class Throughput(NamedTuple):
    """What one system did with the load. Processor time is in microseconds for each command.

    The sum of it tells what the machine could do with nobody else on it, however noisy it was just now.
    """

    system: str
    commands_per_s: float
    own_us: float
    broker_us: float
    database_us: float
    resident_mb: list[float]
    """Of all its processes, over the time measured."""

    @property
    def sum_us(self) -> float:
        return self.own_us + self.broker_us + self.database_us


def ready(system: System, reader: Reader, made: Load, warm_up: int) -> None:
    """Have `system` take in the accounts and candidates, and sends until all of its processes do their share.

    Raises:
        Stuck: one of them never does.
    """
    bootstrap, prefix = system.place.bootstrap, system.place.prefix
    preparing = made.preparing()
    load(bootstrap, prefix, preparing)
    reader.read_until({"receipts": len(preparing)}, system.check)
    for _ in range(WARM_UPS_MAX):
        before = system.cpu_s()
        expected = {topic: reader.counts[topic] + warm_up for topic in OUTPUTS}
        load(bootstrap, prefix, made.sends(warm_up))
        reader.read_until(expected, system.check)
        used = [after - began for after, began in zip(system.cpu_s(), before, strict=True)]
        shares = used[: system.sharing]
        if min(shares) > FAIR_SHARE * max(shares):
            return
    raise Stuck(f"{system.name}: a process does nothing")


def measure(system: System, reader: Reader, made: Load, number: int) -> Throughput:
    """`number` sends, from the moment they can be read to the last record that they make."""
    sends = made.sends(number)
    resident_mb: list[float] = []
    sampled_s = 0.0

    def sample() -> None:
        nonlocal sampled_s
        system.check()
        if time.perf_counter() > sampled_s + SAMPLE_EVERY_S:
            sampled_s = time.perf_counter()
            resident_mb.append(system.resident_mb())

    expected = {topic: reader.counts[topic] + number for topic in OUTPUTS}
    before = used_s(system)
    began_s = load(system.place.bootstrap, system.place.prefix, sends)
    ended_s = reader.read_until(expected, sample)
    own, broker, database = (
        (after - began) / number * 1e6 for after, began in zip(used_s(system), before, strict=True)
    )
    return Throughput(system.name, number / (ended_s - began_s), own, broker, database, resident_mb)


def used_s(system: System) -> tuple[float, float, float]:
    """Processor time that the system's processes, the broker and PostgreSQL have used."""
    return sum(system.cpu_s()), *system.place.servers_cpu_s()
