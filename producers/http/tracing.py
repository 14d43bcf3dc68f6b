"""Traces at the HTTP door: a request with a `traceparent` is a step of its caller's trace."""

from opentelemetry.trace import Span, SpanKind, Tracer
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from producers.http.observe import METHODS
from schemas import records, tracing
from schemas.tracing import Attributes

_HEADER = records.TRACEPARENT.encode()


class Traced:
    """The outermost layer. Lines in the log name the trace; with a tracer, a sampled one gets a span.

    A span names the route's template: the address itself has numbers in it.
    """

    def __init__(self, app: ASGIApp, tracer: Tracer | None) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        traceparent = _traceparent(scope) if scope["type"] == "http" else None
        if traceparent is None:
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        attributes: Attributes = {"http.request.method": method}
        with (
            bound_contextvars(**tracing.named(traceparent)),
            tracing.span(self._tracer, traceparent, method, SpanKind.SERVER, attributes) as span,
        ):
            if span is None:
                await self._app(scope, receive, send)
            else:
                try:
                    await self._app(scope, receive, _noting(send, span))
                finally:
                    _name(span, method, scope)


def _noting(send: Send, span: Span) -> Send:
    """`send`, noting the answer's status in `span`."""

    async def noted(message: Message) -> None:
        if message["type"] == "http.response.start":
            status = message["status"]
            span.set_attribute("http.response.status_code", status)
            if status >= 500:  # by the conventions, what the caller did wrong is no error of the server's
                tracing.fail(span, str(status))
        await send(message)

    return noted


def _name(span: Span, method: str, scope: Scope) -> None:
    route = getattr(scope.get("route"), "path", None)
    if route is not None:
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)


def _traceparent(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == _HEADER:
            found: str = value.decode("latin-1")
            return found if tracing.parse(found) is not None else None
    return None
