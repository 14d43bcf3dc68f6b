"""Texts for many: the list of them, and how far one has come, with the words that hold, release or end it."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import Request
from starlette.responses import HTMLResponse

from producers.http.deps import Deps
from producers.http.pages.bulk_texts import LABELS, What, refused_of
from producers.http.pages.names import Names
from producers.http.pages.rendering import page
from producers.http.pages.routing import page_router
from producers.http.pages.visitor import Visitor, require
from producers.http.problems import Problem
from producers.http.text_status import who
from projections.bulk_shapes import Bulk
from schemas.actors import Permission

BULKS_PER_PAGE = 20
REFUSED_SHOWN_MAX = 20

router = page_router()


@dataclass(frozen=True, slots=True)
class Count:
    """One of a bulk's figures."""

    label: str
    recipients: int
    what: What | None
    """The list of them; none: there is no list, or nobody to be in it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A bulk in words and figures."""

    bulk: Bulk
    label: str
    alarm: str | None
    """Why it holds itself."""

    @property
    def accepted(self) -> int:
        """Recipients to whom a text was accepted."""
        return self.bulk.total - self.bulk.refused

    @property
    def done(self) -> int:
        """Texts that were handed over, however they ended."""
        return self.accepted - self.bulk.waiting - self.bulk.cancelled

    @property
    def counts(self) -> tuple[Count, ...]:
        """What became of the recipients; what nobody met is left out, but for the usual."""
        bulk = self.bulk
        usual = (
            _count("waiting", bulk.waiting),
            _count("sent", bulk.sending + bulk.sent),
            _count("delivered", bulk.delivered),
            _count("failed", bulk.failed),
        )
        rare = (
            _count("cancelled", bulk.cancelled),
            _count("unknown", bulk.unknown),
            _count("refused", bulk.refused),
            Count("Opted out", bulk.opted_out, None),
        )
        return (*usual, *(count for count in rare if count.recipients))


def _count(what: What, recipients: int) -> Count:
    return Count(LABELS[what], recipients, what if recipients else None)


@router.get("/bulks")
def bulks_page(request: Request, visitor: Visitor, deps: Deps, cursor: str | None = None) -> HTMLResponse:
    """View."""
    require(visitor, Permission.VIEW)
    shown = deps.queries.bulks(visitor.account, cursor, BULKS_PER_PAGE)
    context = {
        "bulks": [_progress(bulk) for bulk in shown.items],
        "next": shown.next,
        "further": cursor is not None,
    }
    return page(request, visitor, "bulks.html", "bulk message", context)


@router.get("/bulks/{bulk}")
def bulk_page(request: Request, bulk: UUID, visitor: Visitor, deps: Deps) -> HTMLResponse:
    """View; holding, releasing and ending it take send as well."""
    require(visitor, Permission.VIEW)
    found = deps.queries.bulk(visitor.account, bulk)
    if found is None:
        raise Problem("not_found", "This account has no such bulk.")
    refused = refused_of(deps.queries, visitor.account, bulk)
    context = {
        "one": _progress(found),
        "by": who(found.by),
        "refused": refused[:REFUSED_SHOWN_MAX],
        "refused_in_all": len(refused),
        "name_of": Names(deps.queries, visitor.account),
    }
    return page(request, visitor, "bulk.html", f"bulk:{bulk} message", context)


def _progress(bulk: Bulk) -> Progress:
    match bulk.state, bulk.cause:
        case "paused", "failures":
            return Progress(bulk, "Holds itself", "Too many of its texts failed. Check the numbers first.")
        case "paused", "opt_outs":
            return Progress(bulk, "Holds itself", "Too many candidates answered with a stop keyword.")
        case "paused", _:
            return Progress(bulk, f"Paused by {who(bulk.state_by)}", None)
        case "cancelled", _:
            return Progress(bulk, f"Cancelled by {who(bulk.state_by)}", None)
        case "finished", _:
            return Progress(bulk, "Finished", None)
        case _:
            return Progress(bulk, "Running", None)
