"""What a process shows of itself: measurements as documented, spans where somebody wants them."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import SpanKind

from deploy.dashboard import dashboard
from deploy.observability import Observability, table_of_metrics
from schemas import tracing
from tests.support.office import open_office, quick
from tests.support.sayso import System, running

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "operations.md").read_text()
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_NAME = re.compile(r"\bsayso_[a-z_]+")


def names_of(text: str) -> set[str]:
    """The metrics that `text` speaks of, histograms by their own names."""
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in _NAME.findall(text)}


KNOWN = {name for name, _, _, _ in table_of_metrics()}


# --- what is documented -----------------------------------------------------------------------------


def test_the_guide_and_the_dashboard_speak_of_metrics_that_there_are() -> None:
    assert names_of(GUIDE) == KNOWN
    assert names_of(json.dumps(dashboard())) == KNOWN


def test_names_say_their_units_and_labels_name_nobody() -> None:
    for name, kind, labels, meaning in table_of_metrics():
        assert (kind == "counter") == name.endswith("_total"), name
        assert set(re.findall(r"\w+", labels)) <= {
            "shard", "outcome", "code", "reason", "check", "method", "route", "status",
        }  # fmt: skip
        assert meaning.endswith(".")


# --- what a running system shows --------------------------------------------------------------------


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("sayso"), carrier=quick) as system:
        yield system


def test_a_running_system_measures_itself(system: System) -> None:
    person = open_office(system).candidate()
    person.becomes(person.gets(override_quiet_hours=True)["text_id"], "delivered")
    system.http().post("/v1/carriers/twilio/inbound")
    with httpx.Client(base_url=system.url, trust_env=False) as client:
        shown = client.get("/metrics").text
    found = dict(re.findall(r"^(sayso_\S+) (\S+)$", shown, re.MULTILINE))
    events = system.sayso.stores.ledger.last_notification()
    assert float(found['sayso_events_total{shard="0"}']) == events
    assert float(found['sayso_projected_events_total{shard="0"}']) == events
    assert float(found['sayso_dispatch_seconds_count{outcome="accepted",shard="0"}']) == 1
    assert float(found['sayso_commands_total{outcome="accepted",shard="0"}']) > 0
    assert float(found['sayso_streams_cached{shard="0"}']) > 0
    assert found['sayso_commands_waiting{shard="0"}'] == "0.0"
    assert found['sayso_projection_lag_events{shard="0"}'] == "0.0"
    assert found['sayso_projection_lag_seconds{shard="0"}'] == "0.0"
    assert {check: found[f'sayso_ready{{check="{check}"}}'] for check in ("worker", "projector")} == {
        "worker": "1.0",
        "projector": "1.0",
    }
    assert "process_resident_memory_bytes" in shown


def test_dead_letters_are_counted_by_reason(system: System) -> None:
    for reason in ("fields_wrong", "fields_wrong", "sender_unknown"):
        system.sayso.stores.dead_letters.keep("tests", reason, b"anything", None, system.clock())
    counted = {
        reason: system.sayso.observability.registry.get_sample_value(
            "sayso_dead_letters_total", {"reason": reason}
        )
        for reason in ("fields_wrong", "sender_unknown")
    }
    assert counted == {"fields_wrong": 2, "sender_unknown": 1}


# --- spans ------------------------------------------------------------------------------------------


class Collector(HTTPServer):
    """An OpenTelemetry collector that keeps the names of spans."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Collecting)
        self.paths: list[str] = []
        self.spans: list[Any] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Collecting(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        got = ExportTraceServiceRequest()
        got.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.paths.append(self.path)
        for resource in got.resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield collector
        collector.shutdown()
        thread.join()


def test_spans_reach_a_collector_before_the_process_ends(collector: Collector) -> None:
    shown = Observability.to(collector.url + "/")
    with tracing.span(shown.tracer, TRACEPARENT, "work", SpanKind.CLIENT, {}):
        pass
    shown.close()
    assert collector.paths == ["/v1/traces"]
    (span,) = collector.spans
    assert (span.name, span.trace_id.hex()) == ("work", TRACEPARENT[3:35])


def test_without_a_collector_there_is_no_tracer() -> None:
    assert Observability.to(None).tracer is None


def test_what_exports_spans_is_loaded_only_where_it_is_wanted() -> None:
    """Each process would start later and be larger for it."""
    source = (ROOT / "deploy" / "observability.py").read_text()
    assert not re.search(r"^from opentelemetry\.exporter", source, re.MULTILINE)
