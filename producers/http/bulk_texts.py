"""What became of each text of a bulk."""

from dataclasses import dataclass, fields
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from producers.http import examples
from producers.http.access import needs
from producers.http.deps import Deps
from producers.http.documenting import READ_ROUTE, example, problems
from producers.http.problems import Problem
from producers.http.reads import AccountPath, Cursor, Limit
from producers.http.text_status import status_of
from projections.bulk_shapes import BulkText
from projections.queries import PAGE_DEFAULT
from projections.shapes import MessageStatus, Page
from schemas.actors import Permission

_STATUSES_MAX = 10  # as many as there are for a text that goes out

router = APIRouter(prefix="/v1/accounts/{account}")


@dataclass(frozen=True, slots=True)
class BulkTextTold(BulkText):
    """What became of a bulk's text to one of its recipients, with the reason in words."""

    detail: str | None
    """Why it waits, failed or was cancelled, as its thread says it; none where the status says all."""


@router.get(
    "/bulks/{bulk}/texts",
    tags=["bulks"],
    operation_id="listBulkTexts",
    summary="What became of the text to each recipient",
    dependencies=[Depends(needs(Permission.VIEW))],
    responses={200: example(examples.page(examples.BULK_TEXT)), **problems(*READ_ROUTE, "not_found")},
)
def list_bulk_texts(
    account: AccountPath,
    bulk: Annotated[UUID, Path(examples=[examples.COMMAND_ID])],
    deps: Deps,
    status: Annotated[
        list[MessageStatus] | None,
        Query(max_length=_STATUSES_MAX, description="Only texts of this status; may be given repeatedly."),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[BulkTextTold]:
    """Of all to whom a text was accepted, ordered by the texts' ids; the receipt lists the others."""
    found = deps.queries.bulk_texts(account, bulk, status or (), cursor, limit)
    if found is None:
        raise Problem("not_found", "This account has no such bulk.")
    return Page(tuple(map(_told, found.items)), found.next)


def _told(text: BulkText) -> BulkTextTold:
    known = {field.name: getattr(text, field.name) for field in fields(BulkText)}
    return BulkTextTold(**known, detail=status_of(text).detail)
