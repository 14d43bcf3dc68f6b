"""Trace context: read as the W3C writes it, followed only where that was asked for."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from schemas import tracing
from tests.domain import people

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = f"00-{TRACE_ID}-b7ad6b7169203331-01"
UNSAMPLED = SAMPLED[:-1] + "0"
NOTHING = (
    None,
    "",
    "nonsense",
    SAMPLED.upper(),
    SAMPLED + "-more",
    SAMPLED + "\n",
    "ff" + SAMPLED[2:],
    f"00-{'0' * 32}-b7ad6b7169203331-01",
    f"00-{TRACE_ID}-{'0' * 16}-01",
)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> Tracer:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("tests")


@pytest.mark.parametrize("traceparent", [SAMPLED, UNSAMPLED])
def test_what_is_read_is_written_the_same(traceparent: str) -> None:
    context = tracing.parse(traceparent)
    assert context is not None
    assert tracing.write(context) == traceparent
    assert tracing.named(traceparent) == {"trace_id": TRACE_ID}


@pytest.mark.parametrize("traceparent", NOTHING)
def test_what_names_no_span_is_none(traceparent: str | None, tracer: Tracer) -> None:
    assert tracing.parse(traceparent) is None
    assert tracing.named(traceparent) == {}
    with tracing.span(tracer, traceparent, "work", SpanKind.CLIENT, {}) as span:
        assert span is None


def test_a_record_brings_its_trace_unless_the_command_names_one() -> None:
    command = people.send()
    headers = [("other", b"\xff"), ("traceparent", SAMPLED.encode())]
    adopted = tracing.adopt(command, headers)
    assert adopted.traceparent == SAMPLED
    assert tracing.adopt(adopted, [("traceparent", UNSAMPLED.encode())]) is adopted
    for useless in ([], [("traceparent", b"nonsense")], [("traceparent", b"\xff\xfe")]):
        assert tracing.adopt(command, useless) is command


def test_a_span_is_below_its_caller_s_and_current_meanwhile(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    assert tracing.here() is None
    with tracing.span(tracer, SAMPLED, "work", SpanKind.CLIENT, {"a": 1}) as span:
        assert span is not None
        assert tracing.here() == tracing.write(span.get_span_context())
    assert tracing.here() is None
    (done,) = exporter.get_finished_spans()
    assert done.parent is not None
    assert tracing.write(done.parent) == SAMPLED
    assert f"{done.context.trace_id:032x}" == TRACE_ID


@pytest.mark.parametrize("traceparent", [None, UNSAMPLED])
def test_what_nobody_follows_leaves_no_span(
    tracer: Tracer, exporter: InMemorySpanExporter, traceparent: str | None
) -> None:
    with tracing.span(tracer, traceparent, "work", SpanKind.CLIENT, {}) as span:
        assert span is None
    tracing.record(tracer, traceparent, "work", {}, 1, 2)
    with tracing.span(None, SAMPLED, "work", SpanKind.CLIENT, {}) as span:
        assert span is None
    assert exporter.get_finished_spans() == ()


def test_a_failure_leaves_its_kind_and_none_of_its_words(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    with (
        pytest.raises(ValueError, match="Ada"),
        tracing.span(tracer, SAMPLED, "work", SpanKind.CLIENT, {}),
    ):
        raise ValueError("Ada")
    tracing.record(tracer, SAMPLED, "work", {}, 1, 2, "late")
    first, second = exporter.get_finished_spans()
    assert (first.attributes or {})["error.type"] == "ValueError"
    assert (second.attributes or {})["error.type"] == "late"
    assert first.status.status_code is second.status.status_code is StatusCode.ERROR
    assert "Ada" not in first.to_json()
    assert trace.get_current_span() is trace.INVALID_SPAN
