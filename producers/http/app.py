"""The HTTP door as a whole: routes, layers around them, and how anything that goes wrong is answered."""

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from producers.http import commands, letters, ops, preview, problem_kinds, reads, stream, webhooks
from producers.http.auth import Tokens
from producers.http.deps import ApiDeps
from producers.http.limits import BodyLimit
from producers.http.observe import HttpMetrics, Observed
from producers.http.openapi import documented
from producers.http.problems import Problem, answer
from producers.http.reading import faults_of
from projections.cursors import BadCursor

ROUTERS = (commands, preview, reads, stream, letters, webhooks, ops, problem_kinds)
_CODES = {404: "not_found", 405: "method_not_allowed"}


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
    for module in ROUTERS:
        app.include_router(module.router)
    app.add_middleware(BodyLimit)
    app.add_middleware(Observed, metrics=app.state.metrics)
    _answer_every_error(app)
    app.openapi = documented(app)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app


def _answer_every_error(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def known(request: Request, problem: Problem) -> Response:
        return answer(problem, request.state.instance)

    @app.exception_handler(HTTPException)
    async def of_the_framework(request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, "bad_request")
        problem = Problem(code, str(error.detail), error.headers)
        return answer(problem, request.state.instance)

    @app.exception_handler(RequestValidationError)
    async def wrong_parameter(request: Request, error: RequestValidationError) -> Response:
        extra = {"errors": faults_of(error)}
        problem = Problem("invalid_request", "A parameter is wrong.", extra=extra)
        return answer(problem, request.state.instance)

    @app.exception_handler(BadCursor)
    async def wrong_cursor(request: Request, error: BadCursor) -> Response:
        extra = {"errors": [{"parameter": "cursor", "detail": str(error)}]}
        problem = Problem("invalid_request", "A parameter is wrong.", extra=extra)
        return answer(problem, request.state.instance)
