"""One candidate: their numbers, and for the number chosen its consent, its thread and the composer."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Request
from pydantic import StringConstraints
from starlette.responses import HTMLResponse

from domain import senders
from producers.http.auth import Caller
from producers.http.deps import ApiDeps, Deps
from producers.http.pages.attachment_words import Attachments
from producers.http.pages.composer import Composer, composer_for
from producers.http.pages.consent_words import ConsentView, consent_view, standing_of
from producers.http.pages.countries import countries
from producers.http.pages.names import NAMELESS, Names
from producers.http.pages.rendering import page
from producers.http.pages.routing import page_router
from producers.http.pages.text_words import Line, line
from producers.http.pages.visitor import Visitor, require
from producers.http.preview import senders_of
from producers.http.problems import Problem
from projections.candidate_shapes import Candidate, Number
from projections.shapes import Thread
from schemas.actors import Permission
from schemas.base import ForeignId

MESSAGES_PER_PAGE = 50

router = page_router()

NumberQuery = Annotated[str, StringConstraints(pattern=r"^[+ ][1-9][0-9]{6,14}$")]
"""E.164; a `+` that was not percent-encoded arrives as a space."""


@dataclass(frozen=True, slots=True)
class Tab:
    """One of the candidate's numbers."""

    number: str
    region: str
    selected: bool
    unread: int
    standing: str | None
    """How consent stands; none for a number they no longer have."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is said with the number chosen, oldest first, and what may be said."""

    thread: Thread
    lines: tuple[Line, ...]
    older: str | None
    consent: ConsentView
    start_at: str | None
    """Which of our numbers a candidate who said stop has to text; none if only their phone knows."""
    composer: Composer | None
    """None: the visitor may not send."""

    @property
    def gone(self) -> bool:
        """Whether the candidate has the number no longer."""
        return self.thread.removed_at is not None


@router.get("/candidates/{candidate}")
def candidate_page(
    request: Request,
    candidate: ForeignId,
    visitor: Visitor,
    deps: Deps,
    number: NumberQuery | None = None,
    cursor: str | None = None,
) -> HTMLResponse:
    """View."""
    require(visitor, Permission.VIEW)
    found = deps.queries.candidate(visitor.account, candidate)
    if found is None:
        raise Problem("not_found", "This account has no such candidate.")
    chosen = _chosen(found, number)
    talk = None if chosen is None else _conversation(deps, visitor, found, chosen, cursor)
    context = {
        "candidate": found,
        "name": found.name or NAMELESS,
        "tabs": _tabs(deps, visitor, found, chosen),
        "talk": talk,
        "following": visitor.actor.id in found.followers,
        "countries": countries(),
        "home_region": _home_region(deps, visitor),
    }
    return page(request, visitor, "candidate.html", _follows(found, talk), context)


def _chosen(candidate: Candidate, number: str | None) -> str | None:
    """The number asked for, else the first; none, if there are none.

    Raises:
        Problem: `not_found`: the candidate never had it.
    """
    if number is None:
        return next((one.number for one in candidate.numbers if one.removed_at is None), None)
    wanted = number.replace(" ", "+")
    if all(one.number != wanted for one in candidate.numbers):
        raise Problem("not_found", "This candidate never had that number.")
    return wanted


def _conversation(
    deps: ApiDeps, visitor: Caller, candidate: Candidate, number: str, cursor: str | None
) -> Conversation:
    queries, account = deps.queries, visitor.account
    thread = queries.thread(account, candidate.candidate, number)
    consent = queries.consent(account, number)
    if thread is None or consent is None:
        raise Problem("not_found", "This candidate never had that number.")
    shown = queries.messages(account, candidate.candidate, number, cursor, MESSAGES_PER_PAGE)
    name = candidate.name or NAMELESS
    names = Names(queries, account)
    attachments = Attachments(account, thread, are_stored=deps.attachments is not None)
    return Conversation(
        thread=thread,
        lines=tuple(line(one, name, attachments.of(one, name)) for one in reversed(shown.items)),
        older=shown.next,
        consent=consent_view(consent, lambda other: name if other is None else names(other)),
        start_at=_start_at(deps, account, thread),
        composer=composer_for(deps, visitor, thread),
    )


def _start_at(deps: ApiDeps, account: str, thread: Thread) -> str | None:
    known = deps.queries.account(account)
    return None if known is None else senders.start_at(senders_of(known), thread.sender)


def _tabs(deps: ApiDeps, visitor: Caller, candidate: Candidate, chosen: str | None) -> list[Tab]:
    threads = {one.number: one for one in deps.queries.threads(visitor.account, candidate.candidate)}
    return [_tab(number, threads.get(number.number), chosen) for number in candidate.numbers]


def _tab(number: Number, thread: Thread | None, chosen: str | None) -> Tab:
    here = None if number.removed_at is not None else thread
    return Tab(
        number=number.number,
        region=number.region,
        selected=number.number == chosen,
        unread=0 if thread is None else thread.unread,
        standing=None if here is None else standing_of(here.consent, here.under_review),
    )


def _home_region(deps: ApiDeps, visitor: Caller) -> str | None:
    account = deps.queries.account(visitor.account)
    return None if account is None else account.country


def _follows(candidate: Candidate, talk: Conversation | None) -> str:
    kinds = [f"candidate:{candidate.candidate}"]
    for number in candidate.numbers:
        kinds += [f"consent:{number.conversation}", f"message:{number.conversation}"]
    if talk is not None:
        kinds += [f"bulk:{line.bulk}" for line in talk.lines if line.waits and line.bulk]
    return " ".join(dict.fromkeys(kinds)) if talk else kinds[0]
