"""What is measured of all accounts together."""

from collections.abc import Callable, Iterable

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

log = structlog.get_logger("sayso.accounts")


class AccountMetrics(Collector):
    """A gauge that is looked at when somebody asks; left out while it cannot be read."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._stopped: Callable[[], int] | None = None
        registry.register(self)

    def watch(self, stopped: Callable[[], int]) -> None:
        """Show how many accounts are stopped, as that says."""
        self._stopped = stopped

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The gauge without a value."""
        return [_stopped()]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """As it stands now."""
        if self._stopped is None:
            return []
        family = _stopped()
        try:
            family.add_metric([], self._stopped())
        except Exception:  # the views are away: an alert on its absence tells
            log.warning("gauge_unreadable", gauge="stopped", exc_info=True)
            return []
        return [family]


def _stopped() -> GaugeMetricFamily:
    text = "Accounts that send nothing because the carrier refused them; the same in each HTTP process."
    return GaugeMetricFamily("sayso_accounts_stopped", text)
