"""What every account's route checks before it touches anything: the token, its account, its permissions."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from producers.http.auth import Caller, Tokens
from producers.http.problems import Problem
from schemas.actors import Permission

SESSION_COOKIE = "sayso_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_BEARER = HTTPBearer(
    scheme_name="token",
    bearerFormat="JWT",
    auto_error=False,
    description="An access token of the account. Its `scope` holds the permissions.",
)
_COOKIE = APIKeyCookie(
    name=SESSION_COOKIE,
    scheme_name="session",
    auto_error=False,
    description="The same token, in the cookie of the recruiter's page; only from the page's own origin.",
)


async def caller_of(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    cookie: Annotated[str | None, Depends(_COOKIE)],
) -> Caller:
    """Whoever calls a route of the account in its path.

    Raises:
        Problem: `token_missing`, `token_invalid`, `cross_site`, `wrong_account` or `keys_unavailable`.
    """
    tokens: Tokens = request.app.state.tokens
    if bearer is not None:
        caller = await tokens.caller(bearer.credentials)
    elif cookie is not None:
        require_same_origin(request)
        caller = await tokens.caller(cookie)
    else:
        raise Problem("token_missing", "Send an access token.", {"WWW-Authenticate": "Bearer"})
    if caller.account != request.path_params["account"]:
        raise Problem("wrong_account", "This access token is for another account than the address names.")
    return caller


def needs(*any_of: Permission) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency: the caller, if they have at least one of the permissions `any_of`.

    Raises (when called):
        Problem: `scope_missing`, or whatever `caller_of` raises.
    """

    async def permitted(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        if not caller.may_any(any_of):
            wanted = " ".join(any_of)
            raise Problem(
                "scope_missing",
                f"This needs one of: {wanted}.",
                {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{wanted}"'},
            )
        return caller

    return permitted


def require_same_origin(request: Request) -> None:
    """Refuse what another site makes a browser send along with our cookie.

    Browsers say where a request comes from in `Sec-Fetch-Site`, older ones in `Origin`; a request with
    neither does not come from a page, and has no business with a cookie.

    Raises:
        Problem: `cross_site`.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin", "")
    if site == "same-origin" or (site is None and urlsplit(origin).netloc == request.headers.get("host")):
        return
    raise Problem("cross_site", "A cookie only counts for requests from Sayso's own pages.")
