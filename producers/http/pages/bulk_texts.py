"""Who is behind a figure of a bulk: each recipient with what became of their text, or why they get none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID

from fastapi import Request
from starlette.responses import HTMLResponse

from producers.http.deps import Deps
from producers.http.pages.names import NAMELESS, Names
from producers.http.pages.rendering import page
from producers.http.pages.routing import page_router
from producers.http.pages.visitor import Visitor, require
from producers.http.problems import Problem
from producers.http.text_status import Tone, status_of
from projections import cursors
from projections.bulk_shapes import STATUSES, BulkText
from projections.queries import Queries
from projections.shapes import MessageStatus, Page
from schemas.actors import Permission

RECIPIENTS_PER_PAGE = 50

What = Literal["waiting", "sent", "delivered", "failed", "cancelled", "unknown", "refused", "accepted"]

LABELS: Mapping[What, str] = MappingProxyType(
    {
        "waiting": "Waiting",
        "sent": "Sent",
        "delivered": "Delivered",
        "failed": "Failed",
        "cancelled": "Cancelled",
        "unknown": "Unknown",
        "refused": "Refused",
        "accepted": "Everybody who gets it",
    }
)
_STATUSES: Mapping[What, tuple[MessageStatus, ...]] = MappingProxyType(
    {
        "waiting": STATUSES["waiting"],
        "sent": (*STATUSES["sending"], *STATUSES["sent"]),
        "delivered": STATUSES["delivered"],
        "failed": STATUSES["failed"],
        "cancelled": STATUSES["cancelled"],
        "unknown": STATUSES["unknown"],
        "accepted": (),
    }
)

router = page_router()


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody whom a bulk was meant for."""

    candidate: str
    name: str
    number: str | None
    """None: a receipt tells no numbers."""
    status: str
    when: datetime | None
    """Follows the status, where it is about a time to come."""
    detail: str | None
    tone: Tone


@router.get("/bulks/{bulk}/texts")
def bulk_texts_page(
    request: Request,
    bulk: UUID,
    visitor: Visitor,
    deps: Deps,
    what: What = "accepted",
    cursor: str | None = None,
) -> HTMLResponse:
    """View."""
    require(visitor, Permission.VIEW)
    listed = _refused if what == "refused" else _texts
    shown = listed(deps.queries, visitor.account, bulk, what, cursor)
    if shown is None:
        raise Problem("not_found", "This account has no such bulk.")
    context = {
        "bulk": bulk,
        "what": what,
        "label": LABELS[what],
        "recipients": shown.items,
        "next": shown.next,
        "further": cursor is not None,
    }
    return page(request, visitor, "bulk_texts.html", f"bulk:{bulk} message", context)


def refused_of(queries: Queries, account: str, bulk: UUID) -> list[Any]:
    """Each with `candidate` and `sentence`, as the receipt lists them."""
    receipt = queries.receipt(account, bulk)
    refused = [] if receipt is None else receipt.result["refused"]
    assert isinstance(refused, list)
    return refused


def _texts(
    queries: Queries, account: str, bulk: UUID, what: What, cursor: str | None
) -> Page[Recipient] | None:
    found = queries.bulk_texts(account, bulk, _STATUSES[what], cursor, RECIPIENTS_PER_PAGE)
    return None if found is None else Page(tuple(map(_recipient, found.items)), found.next)


def _recipient(text: BulkText) -> Recipient:
    status = status_of(text)
    return Recipient(
        candidate=text.candidate,
        name=text.name or NAMELESS,
        number=text.number,
        status=status.words,
        when=text.send_at if text.status == "scheduled" else text.status_at,
        detail=status.detail,
        tone=status.tone,
    )


def _refused(
    queries: Queries, account: str, bulk: UUID, what: What, cursor: str | None
) -> Page[Recipient] | None:
    if queries.bulk(account, bulk) is None:
        return None
    first = 0 if cursor is None else int(cursors.read(what, cursor, (int,))[0])
    refused = refused_of(queries, account, bulk)
    after = first + RECIPIENTS_PER_PAGE
    names = Names(queries, account)
    shown = tuple(_turned_away(one, names) for one in refused[first:after])
    return Page(shown, cursors.write(what, (after,)) if after < len(refused) else None)


def _turned_away(one: Any, names: Names) -> Recipient:
    candidate = one["candidate"]
    return Recipient(candidate, names(candidate), None, "Refused", None, one["sentence"], "bad")
