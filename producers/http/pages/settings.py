"""What the account chooses for itself."""

from collections.abc import Mapping
from types import MappingProxyType

from fastapi import Request
from starlette.responses import HTMLResponse

from domain.keywords import ALWAYS, PACKS
from producers.http.deps import Deps
from producers.http.pages.countries import countries
from producers.http.pages.rendering import page
from producers.http.pages.routing import page_router
from producers.http.pages.visitor import Visitor, require
from schemas.account_settings import AccountSettings
from schemas.actors import Permission
from schemas.base import SenderKind

FIRST_TEXT_CHOICES = {
    "advise": "Advise: say what is missing, and leave it to the sender.",
    "append": "Append: add the sentence by itself.",
    "require": "Require: refuse a first text without it.",
}

SENDER_KINDS: Mapping[SenderKind, str] = MappingProxyType(
    {
        "long_code": "Phone number",
        "toll_free": "Toll-free number",
        "short_code": "Short code",
        "messaging_service": "Messaging service",
        "alphanumeric": "Name, which nobody can answer",
    }
)

router = page_router()


@router.get("/settings")
def settings(request: Request, visitor: Visitor, deps: Deps) -> HTMLResponse:
    """Manage."""
    require(visitor, Permission.MANAGE)
    account = deps.queries.account(visitor.account)
    context = {
        "settings": AccountSettings() if account is None else account.settings,
        "senders": () if account is None else account.senders,
        "sender_kinds": SENDER_KINDS,
        "languages": sorted(PACKS),
        "packs": [language for language in sorted(PACKS) if language != ALWAYS],
        "first_text_choices": FIRST_TEXT_CHOICES,
        "countries": countries(),
    }
    return page(request, visitor, "settings.html", "", context)
