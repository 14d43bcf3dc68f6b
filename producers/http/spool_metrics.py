"""What is measured of the spool."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from sqlite3 import Error as SQLiteError

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from producers.spool import Spool


class SpoolMetrics(Collector):
    """Counts, and gauges that are looked at when somebody asks. Without a spool there are none."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.calls = Counter(
            "sayso_spool_calls_total",
            "Calls of the carrier that went to the spool: spooled, replayed, or refused for want of room.",
            ["outcome"],
            registry=registry,
        )
        self._spool: Spool | None = None
        self._clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        registry.register(self)

    def watch(self, spool: Spool, clock: Callable[[], datetime]) -> None:
        """Show what waits there."""
        self._spool, self._clock = spool, clock

    def spooled(self) -> None:
        """One is on the disk."""
        self.calls.labels("spooled").inc()

    def replayed(self, calls: int) -> None:
        """So many are taken in, and gone from the disk."""
        self.calls.labels("replayed").inc(calls)

    def refused(self) -> None:
        """One could not be written."""
        self.calls.labels("refused").inc()

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The gauges without values."""
        return [_waiting(), _oldest()]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """What waits now; nothing while the spool cannot be read."""
        if self._spool is None:
            return []
        try:
            standing = self._spool.standing()
        except SQLiteError:
            return []
        age_s = 0.0 if standing.oldest is None else (self._clock() - standing.oldest).total_seconds()
        waiting, oldest = _waiting(), _oldest()
        waiting.add_metric([], standing.waiting)
        oldest.add_metric([], max(0.0, age_s))
        return [waiting, oldest]


def _waiting() -> GaugeMetricFamily:
    return GaugeMetricFamily("sayso_spool_waiting", "Calls of the carrier that wait in the spool.", labels=[])


def _oldest() -> GaugeMetricFamily:
    return GaugeMetricFamily("sayso_spool_oldest_seconds", "How old the oldest of them is.", labels=[])
