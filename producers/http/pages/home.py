"""The candidates, and what an account needs before its first text."""

from fastapi import Request
from starlette.responses import HTMLResponse

from producers.http import ids
from producers.http.deps import Deps
from producers.http.pages import agreement, consent_words, credit_words
from producers.http.pages.countries import countries
from producers.http.pages.rendering import page
from producers.http.pages.routing import page_router
from producers.http.pages.visitor import Visitor
from projections.candidate_shapes import CandidateLine
from projections.shapes import Page
from schemas.actors import Permission

CANDIDATES_PER_PAGE = 50

router = page_router()


@router.get("/")
def home(request: Request, visitor: Visitor, deps: Deps, cursor: str | None = None) -> HTMLResponse:
    """Whoever may see texts sees the candidates; whoever may manage sees what is left and activates."""
    account = deps.queries.account(visitor.account)
    shown: Page[CandidateLine] = Page((), None)
    if visitor.actor.may(Permission.VIEW):
        shown = deps.queries.candidates(visitor.account, cursor, CANDIDATES_PER_PAGE)
    currencies = {currency for package in deps.policy.packages.values() for currency in package.prices}
    context = {
        "candidates": shown,
        "standing_of": consent_words.standing_of,
        "consent_labels": consent_words.LABELS,
        "further": cursor is not None,
        "new_candidate": f"c-{ids.fresh(deps.clock())}",
        "countries": countries(),
        "currencies": sorted(currencies),
        "free_segments": deps.policy.free_segments,
        "agreement_version": agreement.AGREEMENT_VERSION,
        "agreement_wording": agreement.AGREEMENT_WORDING,
        "offers": credit_words.offers(deps.policy, account),
    }
    return page(request, visitor, "home.html", "candidate consent message", context)
