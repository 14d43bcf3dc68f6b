"""What an account can read: itself, candidates, threads, consent, credits, receipts, notifications."""

from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from producers.http import examples
from producers.http.access import caller_of, needs
from producers.http.auth import Caller
from producers.http.deps import Deps
from producers.http.documenting import ACCOUNT_ROUTE, READ_ROUTE, example, problems
from producers.http.problems import Problem
from projections.bulk_shapes import Bulk
from projections.candidate_shapes import Candidate, CandidateLine
from projections.cursors import CURSOR_CHARACTERS_MAX
from projections.queries import PAGE_DEFAULT, PAGE_MAX
from projections.shapes import (
    Account,
    Consent,
    Credits,
    Notification,
    Page,
    Receipt,
    StatementLine,
    Thread,
    ThreadMessage,
)
from schemas.actors import Permission
from schemas.base import E164, AccountId, ForeignId

T = TypeVar("T")

_VIEW = Depends(needs(Permission.VIEW))
_VIEW_OR_MANAGE = Depends(needs(Permission.VIEW, Permission.MANAGE))
_VIEW_OR_AUDIT = Depends(needs(Permission.VIEW, Permission.AUDIT))
_ANY_OF_THE_ACCOUNT = Depends(needs(Permission.VIEW, Permission.MANAGE, Permission.AUDIT, Permission.OPERATE))
_RECEIPTS_OF_OTHERS = (Permission.VIEW, Permission.MANAGE, Permission.AUDIT, Permission.ACT_AS)

AccountPath = Annotated[AccountId, Path(description="The account.", examples=["acme"])]
CandidatePath = Annotated[ForeignId, Path(description="The ATS's id of the candidate.", examples=["c-1001"])]
NumberPath = Annotated[E164, Path(description="In E.164; the `+` as `%2B`.", examples=["+14155552671"])]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="How many at most.")]
Cursor = Annotated[
    str | None, Query(max_length=CURSOR_CHARACTERS_MAX, description="`next` of the page before.")
]

router = APIRouter(prefix="/v1/accounts/{account}")


@router.get(
    "",
    tags=["account"],
    operation_id="readAccount",
    summary="Settings, activation, sender",
    dependencies=[_ANY_OF_THE_ACCOUNT],
    responses={200: example(examples.ACCOUNT), **problems(*READ_ROUTE, "not_found")},
)
def read_account(account: AccountPath, deps: Deps) -> Account:
    """Any of view, manage, audit or operate. 404 for an account that nothing ever happened to."""
    return _found(deps.queries.account(account), "Nothing ever happened to this account; activate it.")


@router.get(
    "/receipts/{command_id}",
    tags=["commands"],
    operation_id="readReceipt",
    summary="The receipt of a command",
    responses={200: example(examples.RECEIPT), **problems(*ACCOUNT_ROUTE, "receipt_unknown")},
)
def read_receipt(
    account: AccountPath,
    command_id: Annotated[UUID, Path(examples=[examples.COMMAND_ID])],
    caller: Annotated[Caller, Depends(caller_of)],
    deps: Deps,
) -> Receipt:
    """Whoever sent the command may read it; other receipts take view, manage, audit or act-as.

    404 `receipt_unknown` until the command is decided: ask again after `Retry-After` seconds.
    """
    receipt = deps.queries.receipt(account, command_id)
    if receipt is None or not (caller.actor.id == receipt.by.id or caller.may_any(_RECEIPTS_OF_OTHERS)):
        raise Problem("receipt_unknown", "No decision on such a command is known yet.", {"Retry-After": "1"})
    return receipt


# --- candidates and threads -----------------------------------------------------------------------


@router.get(
    "/candidates",
    tags=["threads"],
    operation_id="listCandidates",
    summary="The candidates, newest first",
    dependencies=[_VIEW],
    responses={200: example(examples.page(examples.CANDIDATE_LINE)), **problems(*READ_ROUTE)},
)
def list_candidates(
    account: AccountPath, deps: Deps, cursor: Cursor = None, limit: Limit = PAGE_DEFAULT
) -> Page[CandidateLine]:
    """Those whose numbers Sayso knows."""
    return deps.queries.candidates(account, cursor, limit)


@router.get(
    "/candidates/{candidate}",
    tags=["threads"],
    operation_id="readCandidate",
    summary="A candidate, their numbers and followers",
    dependencies=[_VIEW],
    responses={200: example(examples.CANDIDATE), **problems(*READ_ROUTE, "not_found")},
)
def read_candidate(account: AccountPath, candidate: CandidatePath, deps: Deps) -> Candidate:
    """Removed numbers are listed too, with when they were removed."""
    return _found(deps.queries.candidate(account, candidate), _NO_CANDIDATE)


@router.get(
    "/candidates/{candidate}/threads",
    tags=["threads"],
    operation_id="listThreads",
    summary="A candidate's threads, one for each number",
    dependencies=[_VIEW],
    responses={200: example([examples.THREAD]), **problems(*READ_ROUTE, "not_found")},
)
def list_threads(account: AccountPath, candidate: CandidatePath, deps: Deps) -> tuple[Thread, ...]:
    """The present numbers', oldest number first."""
    threads = deps.queries.threads(account, candidate)
    if not threads:
        _found(deps.queries.candidate(account, candidate), _NO_CANDIDATE)
    return threads


@router.get(
    "/candidates/{candidate}/threads/{number}",
    tags=["threads"],
    operation_id="listMessages",
    summary="The messages of a thread, newest first",
    dependencies=[_VIEW],
    responses={200: example(examples.page(examples.MESSAGE)), **problems(*READ_ROUTE, "not_found")},
)
def list_messages(
    account: AccountPath,
    candidate: CandidatePath,
    number: NumberPath,
    deps: Deps,
    cursor: Cursor = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[ThreadMessage]:
    """Texts, replies and keywords, as this candidate's thread shows them."""
    _found(deps.queries.thread(account, candidate, number), _NO_THREAD)
    return deps.queries.messages(account, candidate, number, cursor, limit)


@router.get(
    "/candidates/{candidate}/threads/{number}/consent",
    tags=["consent"],
    operation_id="readConsent",
    summary="Whether the number may be texted, and how that came about",
    dependencies=[_VIEW_OR_AUDIT],
    responses={200: example(examples.CONSENT), **problems(*READ_ROUTE, "not_found")},
)
def read_consent(account: AccountPath, candidate: CandidatePath, number: NumberPath, deps: Deps) -> Consent:
    """View or audit. The status now, and the history newest first."""
    _found(deps.queries.thread(account, candidate, number), _NO_THREAD)
    return _found(deps.queries.consent(account, number), _NO_THREAD)


# --- credits --------------------------------------------------------------------------------------


@router.get(
    "/credits",
    tags=["credits"],
    operation_id="readCredits",
    summary="The balance and what made it",
    dependencies=[_VIEW_OR_MANAGE],
    responses={200: example(examples.CREDITS), **problems(*READ_ROUTE, "not_found")},
)
def read_credits(account: AccountPath, deps: Deps) -> Credits:
    """View or manage. In segments: free + bought - debited + refunded + adjusted = balance."""
    return _found(deps.queries.credits(account), "This account was never activated.")


@router.get(
    "/credits/statement",
    tags=["credits"],
    operation_id="listStatement",
    summary="Every movement of the balance, newest first",
    dependencies=[_VIEW_OR_MANAGE],
    responses={200: example(examples.page(examples.STATEMENT_LINE)), **problems(*READ_ROUTE)},
)
def list_statement(
    account: AccountPath, deps: Deps, cursor: Cursor = None, limit: Limit = PAGE_DEFAULT
) -> Page[StatementLine]:
    """View or manage. Debits, refunds, purchases, corrections."""
    return deps.queries.statement(account, cursor, limit)


# --- bulks ----------------------------------------------------------------------------------------


@router.get(
    "/bulks",
    tags=["bulks"],
    operation_id="listBulks",
    summary="Texts for many and how far they have come, newest first",
    dependencies=[_VIEW],
    responses={200: example(examples.page(examples.BULK)), **problems(*READ_ROUTE)},
)
def list_bulks(
    account: AccountPath, deps: Deps, cursor: Cursor = None, limit: Limit = PAGE_DEFAULT
) -> Page[Bulk]:
    """One for each accepted `send-bulk`; whom it was refused for stands in the receipt of that id."""
    return deps.queries.bulks(account, cursor, limit)


@router.get(
    "/bulks/{bulk}",
    tags=["bulks"],
    operation_id="readBulk",
    summary="A text for many and how far it has come",
    dependencies=[_VIEW],
    responses={200: example(examples.BULK), **problems(*READ_ROUTE, "not_found")},
)
def read_bulk(
    account: AccountPath, bulk: Annotated[UUID, Path(examples=[examples.COMMAND_ID])], deps: Deps
) -> Bulk:
    """All recipients are counted once, by what became of their text; `opted_out` are counted again."""
    return _found(deps.queries.bulk(account, bulk), "This account has no such bulk.")


# --- the member's own -----------------------------------------------------------------------------


@router.get(
    "/notifications",
    tags=["notifications"],
    operation_id="listNotifications",
    summary="What the caller was told as a follower, newest first",
    responses={200: example(examples.page(examples.NOTIFICATION)), **problems(*READ_ROUTE)},
)
def list_notifications(
    account: AccountPath,
    caller: Annotated[Caller, _VIEW],
    deps: Deps,
    cursor: Cursor = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Notification]:
    """One for each reply or keyword of a candidate they follow, if they want to hear of those."""
    return deps.queries.notifications(account, caller.actor.id, cursor, limit)


_NO_CANDIDATE = "This account has no such candidate."
_NO_THREAD = "This candidate never had that number."


def _found(value: T | None, otherwise: str) -> T:
    if value is None:
        raise Problem("not_found", otherwise)
    return value
