"""Whoever strays in a browser to where nothing is gets a page; programs get the problem that they expect."""

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from producers.http.answering import problem_of
from producers.http.pages.rendering import problem_page
from producers.http.pages.routing import NO_PAGE, held_to_policy
from producers.http.problems import Problem, answer

_INTERFACE = "/v1/"


def answer_strays_with_a_page(app: FastAPI) -> None:
    """What no route answers becomes a page outside the interface, for those who take HTML."""

    @app.exception_handler(HTTPException)
    async def of_the_framework(request: Request, error: HTTPException) -> Response:
        problem = problem_of(error)
        if not _takes_a_page(request):
            return answer(problem, request.state.instance)
        if problem.code == "not_found":
            problem = Problem(problem.code, NO_PAGE)
        return held_to_policy(problem_page(request, problem))


def _takes_a_page(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "text/html" in accepted and not f"{request.url.path}/".startswith(_INTERFACE)
