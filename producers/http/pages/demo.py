"""Signing in, in the demo only: choose who to be. Elsewhere the ATS sets the session's cookie."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Annotated

from fastapi import Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from producers.http.access import SESSION_COOKIE, require_same_origin
from producers.http.auth import issue
from producers.http.pages.demo_settings import DemoSettings
from producers.http.pages.rendering import render
from producers.http.pages.routing import SIGN_IN, page_router
from producers.http.problems import Problem
from schemas.actors import Permission

SESSION_LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody one can be in the demo."""

    member: str
    name: str
    may: str
    """What they may do, for whoever chooses."""
    permissions: frozenset[Permission]
    elsewhere: bool = False
    """Whether they belong to another account."""


PERSONAS: Mapping[str, Persona] = MappingProxyType(
    {
        "recruiter": Persona(
            "m-recruiter",
            "Rita Recruiter",
            "Reads and sends texts.",
            frozenset({Permission.VIEW, Permission.SEND}),
        ),
        "manager": Persona(
            "m-manager",
            "Max Manager",
            "Reads and sends texts, activates, buys, changes settings, may text in quiet hours.",
            frozenset(
                {
                    Permission.VIEW,
                    Permission.SEND,
                    Permission.MANAGE,
                    Permission.AUDIT,
                    Permission.OVERRIDE_QUIET_HOURS,
                }
            ),
        ),
        "viewer": Persona(
            "m-viewer", "Vera Viewer", "Reads texts and writes none.", frozenset({Permission.VIEW})
        ),
        "colleague": Persona("m-colleague", "Cole Colleague", "Has nothing to do with texts.", frozenset()),
        "outsider": Persona(
            "m-outsider",
            "Otto Outsider",
            "Does everything, in another account.",
            frozenset({Permission.VIEW, Permission.SEND, Permission.MANAGE}),
            elsewhere=True,
        ),
    }
)
ELSEWHERE = "globex"

router = page_router()


@router.get(SIGN_IN)
async def choose() -> HTMLResponse:
    """Whom to be."""
    return HTMLResponse(render("sign_in.html", {"personas": PERSONAS}))


@router.post(SIGN_IN)
async def sign_in(request: Request, persona: Annotated[str, Form(max_length=32)]) -> Response:
    """Be that persona from now on."""
    require_same_origin(request)
    if persona not in PERSONAS:
        raise Problem("not_found", "There is no such persona.")
    response = RedirectResponse("/", 303)
    response.set_cookie(
        SESSION_COOKIE,
        session(request.app.state.demo, PERSONAS[persona]),
        max_age=int(SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
    )
    return response


@router.post("/demo/sign-out")
async def sign_out(request: Request) -> Response:
    """Be nobody."""
    require_same_origin(request)
    response = RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")
    return response


def session(demo: DemoSettings, persona: Persona) -> str:
    """An access token for `persona`.

    Tokens are checked against the machine's clock, so that is what they are issued by.
    """
    return issue(
        demo.auth,
        ELSEWHERE if persona.elsewhere else demo.account,
        persona.member,
        sorted(persona.permissions),
        datetime.now(UTC),
        SESSION_LIFETIME,
        persona.name,
    )
