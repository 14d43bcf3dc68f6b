"""Around every request: a name for it, a line in the log, a measurement, and a 500 if all else fails.

Neither log nor metrics hold an address, a body or a query: paths have numbers in them. The route's template
stands for the address, and `instance` ties an answer to its line in the log.
"""

import time
import traceback
from uuid import uuid4

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producers.http.problems import Problem, answer

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FRAMES_MAX = 15  # the innermost
_CLIENT_LEFT = 499  # nothing is sent; the number is nginx's, for logs

log = structlog.get_logger("sayso.http")


class HttpMetrics:
    """What is measured at the door."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Histogram(
            "sayso_http_request_seconds",
            "Requests answered, by route and status.",
            ["method", "route", "status"],
            registry=registry,
        )
        self.webhooks = Counter(
            "sayso_webhooks_total",
            "The carrier's calls: taken, repeated, kept as a dead letter, spooled, refused for their "
            "signature, or not_kept for want of room.",
            ["outcome"],
            registry=registry,
        )
        self.streams = Gauge("sayso_http_streams_open", "Event streams being followed.", registry=registry)


class Observed:
    """The layer around all but traces. A route sets headers of its own; what it leaves out is added here."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Request(scope, send)
        try:
            await self._app(scope, receive, request.send)
        except ClientDisconnect:
            request.status = _CLIENT_LEFT
        except Exception as error:  # noqa: BLE001  # the last line of defence: logged, measured, answered
            _log_failure(request, error)
            if request.started:
                # the answer is cut off, so that nobody takes it for whole; the story is in the log already
                raise ConnectionAbortedError(request.instance) from None
            sorry = answer(Problem("internal_error", "The failure is in our log."), request.instance)
            await sorry(scope, receive, request.send)
        finally:
            self._note(request)

    def _note(self, request: "_Request") -> None:
        duration_s = time.perf_counter() - request.began
        labels = (request.method, request.route, str(request.status))
        self._metrics.requests.labels(*labels).observe(duration_s)
        log.info(
            "request",
            method=request.method,
            route=request.route,
            status=request.status,
            duration_ms=round(duration_s * 1_000, 2),
            instance=request.instance,
        )


class _Request:
    """One request as it passes."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self.instance = uuid4().urn
        self.began = time.perf_counter()
        self.method = scope["method"] if scope["method"] in METHODS else "other"
        self.status = 500
        self.started = False
        scope.setdefault("state", {})["instance"] = self.instance

    @property
    def route(self) -> str:
        return getattr(self._scope.get("route"), "path", "none")

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


def _log_failure(request: _Request, error: Exception) -> None:
    """The frames without the message: what an exception says may quote what somebody wrote."""
    places = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    frames = [f"{place.filename}:{place.lineno} {place.name}" for place in places]
    log.error(
        "request_failed",
        method=request.method,
        route=request.route,
        error=type(error).__name__,
        frames=frames,
        instance=request.instance,
    )
