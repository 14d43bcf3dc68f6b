"""What the visitor was told as a follower, and whether they want to be."""

from fastapi import Request
from starlette.responses import HTMLResponse

from producers.http.deps import Deps
from producers.http.pages.names import Names
from producers.http.pages.rendering import page
from producers.http.pages.routing import page_router
from producers.http.pages.visitor import Visitor, require
from schemas.actors import Permission

NOTIFICATIONS_PER_PAGE = 50

router = page_router()


@router.get("/notifications")
def notifications(request: Request, visitor: Visitor, deps: Deps, cursor: str | None = None) -> HTMLResponse:
    """View."""
    require(visitor, Permission.VIEW)
    member = visitor.actor.id
    told = deps.queries.notifications(visitor.account, member, cursor, NOTIFICATIONS_PER_PAGE)
    context = {
        "notifications": told,
        "further": cursor is not None,
        "name_of": Names(deps.queries, visitor.account),
        "wanted": deps.queries.wants_notifications(visitor.account, member),
    }
    return page(request, visitor, "notifications.html", "notification", context)
