"""How whatever goes wrong in a route is answered: as a problem."""

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from producers.http.problems import UNAVAILABLE_RETRY_S, Problem, answer
from producers.http.reading import faults_of
from projections.cursors import BadCursor
from schemas.stores import StoreUnavailable

_CODES = {404: "not_found", 405: "method_not_allowed"}

log = structlog.get_logger("sayso.http")


def answer_every_error(app: FastAPI) -> None:
    """Every exception that a route or the framework may raise on purpose becomes a problem."""

    @app.exception_handler(Problem)
    async def known(request: Request, problem: Problem) -> Response:
        return answer(problem, request.state.instance)

    @app.exception_handler(HTTPException)
    async def of_the_framework(request: Request, error: HTTPException) -> Response:
        return answer(problem_of(error), request.state.instance)

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

    @app.exception_handler(StoreUnavailable)
    async def store_away(request: Request, error: StoreUnavailable) -> Response:
        return answer(unavailable(request, error), request.state.instance)


def unavailable(request: Request, error: StoreUnavailable) -> Problem:
    """The problem that a store is away, with a line in the log that says which of all errors told so."""
    log.warning(
        "store_away",
        route=getattr(request.scope.get("route"), "path", "none"),
        error=type(error).__name__,
        reason=type(error.__cause__).__name__,
        instance=request.state.instance,
    )
    sentence = "What Sayso keeps cannot be read just now. Nothing was changed; try again in a moment."
    return Problem("unavailable", sentence, {"Retry-After": str(UNAVAILABLE_RETRY_S)})


def problem_of(error: HTTPException) -> Problem:
    """What the framework itself found wrong: no such address, or not by that method."""
    return Problem(_CODES.get(error.status_code, "bad_request"), str(error.detail), error.headers)
