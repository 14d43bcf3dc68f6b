"""What a process shows of itself: the registry of its measurements, and where its spans go."""

from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry, Counter, ProcessCollector
from prometheus_client.metrics import MetricWrapperBase

from consumers.metrics import ConsumerMetrics, Standing
from producers.dead_letters import DeadLetters
from producers.http.account_metrics import AccountMetrics
from producers.http.deps import Check
from producers.http.observe import HttpMetrics
from producers.http.ops_app import ReadinessGauge
from producers.http.spool_metrics import SpoolMetrics

SERVICE = "sayso"
TRACES_PATH = "/v1/traces"


class Observability:
    """One per process. What it measures is in `registry`; `tracer` is None where nobody wants spans."""

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.consumers = ConsumerMetrics(self.registry)
        self.dead_letters = dead_letters_counter(self.registry)
        self._provider = None if exporter is None else _provider(exporter)
        self.tracer: Tracer | None = None if self._provider is None else self._provider.get_tracer(SERVICE)

    @classmethod
    def to(cls, otlp_url: str | None) -> "Observability":
        """Spans go to the OpenTelemetry collector at `otlp_url`, if there is one."""
        return cls(None if otlp_url is None else otlp_exporter(otlp_url))

    def count(self, letters: DeadLetters) -> None:
        """Count what is kept there from now on."""
        letters.on_keep = self.letters_kept

    def letters_kept(self, reason: str, letters: int = 1) -> None:
        """So many were kept for that reason, wherever they are."""
        self.dead_letters.labels(reason).inc(letters)

    def ready(self, readiness: Mapping[str, Check]) -> Mapping[str, Check]:
        """Measure the checks, too."""
        ReadinessGauge(self.registry, readiness)
        return readiness

    def close(self) -> None:
        """Send the spans that are left."""
        if self._provider is not None:
            self._provider.shutdown()


def dead_letters_counter(registry: CollectorRegistry) -> Counter:
    """Dead letters, from whichever door: inside a registry there is one."""
    return Counter("sayso_dead_letters_total", "Dead letters kept, by reason.", ["reason"], registry=registry)


def otlp_exporter(url: str) -> SpanExporter:
    """Sends spans over HTTP (OTLP, protobuf) to the collector at `url`, which is given without a path."""
    # Loaded only where it is wanted, since it makes every start longer.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    return OTLPSpanExporter(endpoint=url.rstrip("/") + TRACES_PATH)


def _provider(exporter: SpanExporter) -> TracerProvider:
    # What to sample was decided by whoever began the trace.
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: SERVICE}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


# --- as the table in docs/operations.md -----------------------------------------------------------------


def table_of_metrics() -> list[tuple[str, str, str, str]]:
    """Name, type, labels and meaning of every measurement of ours."""
    registry = CollectorRegistry()
    metrics = ConsumerMetrics(registry)
    ready = ReadinessGauge(registry, {})
    spool = SpoolMetrics(registry)
    http = [*_parts(HttpMetrics(registry)), spool.calls, spool, AccountMetrics(registry)]
    parts = [*_parts(metrics), dead_letters_counter(registry), ready, *http]
    return [row for part in parts for row in _rows(part)]


def metrics_in_markdown() -> list[str]:
    """The same as lines of the table."""
    rows = [f"| `{name}` | {kind} | {labels} | {text} |" for name, kind, labels, text in table_of_metrics()]
    return ["| name | type | labels | meaning |", "|---|---|---|---|", *rows]


def _parts(metrics: ConsumerMetrics | HttpMetrics) -> list[Any]:
    return [part for part in vars(metrics).values() if isinstance(part, MetricWrapperBase | Standing)]


def _rows(part: Any) -> list[tuple[str, str, str, str]]:
    rows = []
    for family in part.describe():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        names = part._labelnames if isinstance(part, MetricWrapperBase) else family._labelnames
        rows.append((name, family.type, ", ".join(f"`{label}`" for label in names), family.documentation))
    return rows
