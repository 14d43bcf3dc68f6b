"""The balance, packages, and every movement."""

from fastapi import Request
from starlette.responses import HTMLResponse

from producers.http.deps import Deps
from producers.http.pages import credit_words
from producers.http.pages.rendering import page
from producers.http.pages.routing import page_router
from producers.http.pages.visitor import Visitor, require
from schemas.actors import Permission

LINES_PER_PAGE = 50

router = page_router()


@router.get("/balance")
def balance(request: Request, visitor: Visitor, deps: Deps, cursor: str | None = None) -> HTMLResponse:
    """View or manage."""
    require(visitor, Permission.VIEW, Permission.MANAGE)
    lines = deps.queries.statement(visitor.account, cursor, LINES_PER_PAGE)
    context = {
        "movements": [credit_words.movement(line) for line in lines.items],
        "next": lines.next,
        "further": cursor is not None,
        "offers": credit_words.offers(deps.policy, deps.queries.account(visitor.account)),
    }
    return page(request, visitor, "balance.html", "", context)
