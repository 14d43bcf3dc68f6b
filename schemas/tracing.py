"""Trace context (W3C) as messages carry it, and spans around what is done with them.

A trace is followed only where whoever began it said so: a message without a `traceparent`, or with one that
is not sampled, costs a look at a field. Spans never record an exception's words or anything of a person.

Source: W3C Trace Context, level 1; OpenTelemetry semantic conventions for messaging.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags, Tracer
from opentelemetry.util.types import AttributeValue

from schemas import records
from schemas.commands import TRACEPARENT, Command

Attributes = Mapping[str, AttributeValue]
C = TypeVar("C", bound=Command)

_TRACEPARENT = re.compile(TRACEPARENT)


@dataclass(frozen=True, slots=True)
class Channel:
    """What messages pass through: the messaging system and the name of the topic there."""

    system: str
    name: str

    def attributes(self, operation: str, kind: str) -> dict[str, AttributeValue]:
        """What every span of an `operation` on it says; `kind` is its type by the conventions."""
        return {
            "messaging.system": self.system,
            "messaging.destination.name": self.name,
            "messaging.operation.name": operation,
            "messaging.operation.type": kind,
        }


INBOX = Channel("in_process", "sayso.commands")
"""The embedded way in: a queue within the process."""
LEDGER = Channel("in_process", "sayso.ledger")
"""Where views read, embedded."""


# --- as it is written ---------------------------------------------------------------------------------


def parse(traceparent: str | None) -> SpanContext | None:
    """The span that `traceparent` names; None where it names none."""
    if traceparent is None or not _TRACEPARENT.fullmatch(traceparent):
        return None
    _, trace_id, span_id, flags = traceparent.split("-")
    context = SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16)))
    return context if context.is_valid else None


def write(context: SpanContext) -> str:
    """`context` as a traceparent."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags & TraceFlags.SAMPLED:02x}"


def here() -> str | None:
    """The traceparent of the span under way in this thread or task, if there is one."""
    context = trace.get_current_span().get_span_context()
    return write(context) if context.is_valid else None


def named(traceparent: str | None) -> dict[str, str]:
    """What a line of the log says of it: `trace_id`, or nothing."""
    context = parse(traceparent)
    return {} if context is None else {"trace_id": f"{context.trace_id:032x}"}


def adopt(command: C, headers: Iterable[tuple[str, bytes]]) -> C:
    """`command` with the traceparent of a record's `headers`, unless it names one itself."""
    if command.traceparent is None:
        for name, value in headers:
            if name == records.TRACEPARENT and parse(found := value.decode("ascii", "replace")) is not None:
                return command.model_copy(update={records.TRACEPARENT: found})
    return command


# --- spans --------------------------------------------------------------------------------------------


@contextmanager
def span(
    tracer: Tracer | None, traceparent: str | None, name: str, kind: SpanKind, attributes: Attributes
) -> Iterator[Span | None]:
    """A span below `traceparent`, current within the context; None, and no cost, where none is wanted.

    A failure leaves its kind in it, never its words, which may quote what somebody wrote.
    """
    parent = _wanted(tracer, traceparent)
    if tracer is None or parent is None:
        yield None
        return
    begun = tracer.start_span(name, _below(parent), kind, attributes)
    with trace.use_span(begun, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield begun
        except BaseException as error:
            fail(begun, type(error).__name__)
            raise


def record(
    tracer: Tracer,
    traceparent: str | None,
    name: str,
    attributes: Attributes,
    began_ns: int,
    ended_ns: int,
    error: str | None = None,
) -> None:
    """A consumer's span of what has happened already: one below each message, though all shared a batch.

    So every trace holds the whole way of its message. `error` is a code. Nanoseconds since the epoch.
    """
    parent = _wanted(tracer, traceparent)
    if parent is None:
        return
    begun = tracer.start_span(name, _below(parent), SpanKind.CONSUMER, attributes, start_time=began_ns)
    if error is not None:
        fail(begun, error)
    begun.end(ended_ns)


def fail(failed: Span, code: str) -> None:
    """Say in `failed` what went wrong, by a code."""
    failed.set_attribute("error.type", code)
    failed.set_status(Status(StatusCode.ERROR))


def _wanted(tracer: Tracer | None, traceparent: str | None) -> SpanContext | None:
    if tracer is None or traceparent is None:
        return None
    context = parse(traceparent)
    return context if context is not None and context.trace_flags.sampled else None


def _below(parent: SpanContext) -> Context:
    return trace.set_span_in_context(trace.NonRecordingSpan(parent))
