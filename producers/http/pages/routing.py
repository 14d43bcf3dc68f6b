"""The routes of pages: their headers, and what goes wrong in them as a page."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import HTMLResponse, RedirectResponse, Response

from producers.http.answering import unavailable
from producers.http.pages.rendering import problem_page
from producers.http.problems import Problem
from projections.cursors import BadCursor
from schemas.stores import StoreUnavailable

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)
NO_PAGE = "There is no page at this address."
SIGN_IN = "/demo/sign-in"
_NOBODY = frozenset({"token_missing", "token_invalid"})


class PageRoute(APIRoute):
    """A route whose every answer, good or bad, is a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                response = await handle(request)
            except Problem as problem:
                response = _answer(request, problem)
            except (RequestValidationError, BadCursor):
                response = _answer(request, Problem("not_found", NO_PAGE))
            except StoreUnavailable as error:
                response = _answer(request, unavailable(request, error))
            return held_to_policy(response)

        return handled


def page_router() -> APIRouter:
    """A router of pages, which the interface's document leaves out."""
    return APIRouter(route_class=PageRoute, include_in_schema=False, default_response_class=HTMLResponse)


def held_to_policy(response: Response) -> Response:
    """`response`, of which a browser runs and loads nothing that is not ours."""
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


def _answer(request: Request, problem: Problem) -> Response:
    if problem.code in _NOBODY and request.app.state.demo is not None:
        return RedirectResponse(SIGN_IN, 303)
    return problem_page(request, problem)
