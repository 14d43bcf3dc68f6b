"""Health and measurements of a process that has no HTTP interface otherwise: a worker, a projector."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from producers.http import ops
from producers.http.answering import answer_every_error
from producers.http.deps import Check
from producers.http.observe import HttpMetrics, Observed
from producers.http.routes import add_routes


@dataclass(frozen=True)
class _Deps:
    readiness: Mapping[str, Check]
    registry: CollectorRegistry


def create_ops_app(readiness: Mapping[str, Check], registry: CollectorRegistry) -> FastAPI:
    """`/livez`, `/readyz` and `/metrics`, and nothing else. `readiness` is read anew for each request."""
    app = FastAPI(title="Sayso, operations", openapi_url=None, redirect_slashes=False)
    app.state.deps = _Deps(readiness, registry)
    add_routes(app, ops)
    app.add_middleware(Observed, metrics=HttpMetrics(registry))
    answer_every_error(app)
    return app


class ReadinessGauge(Collector):
    """The readiness checks as measurements, for alerts to see. A check that breaks is not passed."""

    def __init__(self, registry: CollectorRegistry, readiness: Mapping[str, Check]) -> None:
        self._readiness = readiness
        registry.register(self)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The gauge without a value."""
        return [self._family()]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """1 for each check that passes, 0 for each that does not."""
        ready = self._family()
        for name, check in list(self._readiness.items()):
            ready.add_metric([name], _passes(check))
        return [ready]

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "sayso_ready", "Whether a check of `/readyz` passes: 1, else 0.", labels=["check"]
        )


def _passes(check: Check) -> bool:
    try:
        return check() is None
    except Exception:  # noqa: BLE001  # `/readyz` fails with it, and says so in the log
        return False
