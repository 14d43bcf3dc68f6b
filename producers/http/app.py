"""The HTTP door as a whole: routes, and the layers around them."""

from fastapi import FastAPI

from producers.http import (
    attachments,
    bulk_texts,
    commands,
    letters,
    ops,
    preview,
    problem_kinds,
    reads,
    stream,
    webhooks,
)
from producers.http.answering import answer_every_error
from producers.http.auth import Tokens
from producers.http.deps import ApiDeps
from producers.http.limits import BodyLimit
from producers.http.observe import HttpMetrics, Observed
from producers.http.openapi import documented
from producers.http.routes import add_routes
from producers.http.tracing import Traced

ROUTERS = (commands, preview, reads, bulk_texts, attachments, stream, letters, webhooks, ops, problem_kinds)


def create_app(deps: ApiDeps) -> FastAPI:
    """The application; pages are added to it by their own router."""
    app = FastAPI(
        title="Sayso",
        version="1",
        openapi_url="/openapi.json",
        docs_url=None,  # their scripts come from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # one address each, and a problem for every other
    )
    app.state.deps = deps
    app.state.tokens = Tokens(deps.auth)
    app.state.metrics = HttpMetrics(deps.registry)
    app.state.open_streams = set()
    add_routes(app, *ROUTERS)
    app.add_middleware(BodyLimit)
    app.add_middleware(Observed, metrics=app.state.metrics)
    app.add_middleware(Traced, tracer=deps.tracer)
    answer_every_error(app)
    app.openapi = documented(app)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app
