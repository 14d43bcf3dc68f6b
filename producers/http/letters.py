"""The account's dead letters, for whoever audits or manages."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path

from producers.dead_letters import DeadLetter
from producers.http import examples
from producers.http.access import needs
from producers.http.deps import Deps
from producers.http.documenting import READ_ROUTE, example, problems
from producers.http.problems import Problem
from producers.http.reads import AccountPath, Cursor, Limit
from projections import cursors
from projections.queries import PAGE_DEFAULT
from projections.shapes import Page
from schemas.actors import Permission

LISTING = "dead-letters"
LETTER_ID_MAX = 2**63 - 1

_AUDIT = Depends(needs(Permission.AUDIT, Permission.MANAGE))

router = APIRouter(prefix="/v1/accounts/{account}", tags=["dead letters"], dependencies=[_AUDIT])


@dataclass(frozen=True, slots=True)
class OpenedLetter:
    """A dead letter and what it says; bytes that are no UTF-8 are shown as the replacement character."""

    letter: DeadLetter
    body: str


@router.get(
    "/dead-letters",
    operation_id="listDeadLetters",
    summary="What came in for the account and could not be used, newest first",
    responses={200: example(examples.page(examples.DEAD_LETTER)), **problems(*READ_ROUTE)},
)
def list_letters(
    account: AccountPath, deps: Deps, cursor: Cursor = None, limit: Limit = PAGE_DEFAULT
) -> Page[DeadLetter]:
    """Audit or manage. Unopened; those whose account could not be told are the operator's."""
    before = None if cursor is None else cursors.read(LISTING, cursor, (int,))[0]
    found = deps.dead_letters.page(account, limit + 1, before if isinstance(before, int) else None)
    items = tuple(found[:limit])
    more = len(found) > limit
    return Page(items, cursors.write(LISTING, (items[-1].id,)) if more else None)


@router.get(
    "/dead-letters/{letter}",
    operation_id="readDeadLetter",
    summary="One dead letter, opened",
    responses={
        200: example({"letter": examples.DEAD_LETTER, "body": "From=%2B14155552671&Body=Hello"}),
        **problems(*READ_ROUTE, "not_found"),
    },
)
def read_letter(
    account: AccountPath, letter: Annotated[int, Path(ge=1, le=LETTER_ID_MAX)], deps: Deps
) -> OpenedLetter:
    """Audit or manage."""
    found = deps.dead_letters.show(letter, account)
    if found is None:
        raise Problem("not_found", "This account has no such letter.")
    opened, body = found
    return OpenedLetter(opened, body.decode(errors="replace"))
