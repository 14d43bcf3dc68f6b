"""Who looks at a page: whoever the session cookie names."""

from typing import Annotated

from fastapi import Depends, Request

from producers.http.access import SESSION_COOKIE
from producers.http.auth import Caller, Tokens
from producers.http.problems import Problem
from schemas.actors import Permission


async def visitor_of(request: Request) -> Caller:
    """Whoever is signed in.

    Raises:
        Problem: `token_missing`, `token_invalid` or `keys_unavailable`.
    """
    tokens: Tokens = request.app.state.tokens
    session = request.cookies.get(SESSION_COOKIE)
    if session is None:
        raise Problem("token_missing", "You are not signed in.")
    return await tokens.caller(session)


def require(visitor: Caller, *any_of: Permission) -> None:
    """Refuse a visitor who has none of the permissions `any_of`.

    Raises:
        Problem: `scope_missing`.
    """
    if not visitor.may_any(any_of):
        raise Problem("scope_missing", f"Ask an administrator for: {' or '.join(any_of)}.")


Visitor = Annotated[Caller, Depends(visitor_of)]
