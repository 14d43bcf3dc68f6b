"""What a problem's `type` leads to: the table of everything that can go wrong."""

from typing import Annotated

from fastapi import APIRouter, Path

from domain.refusals import REFUSALS
from producers.http import examples
from producers.http.documenting import ANY_ROUTE, example, problems
from producers.http.models import ProblemKind
from producers.http.problems import TYPE_PREFIX, Problem, codes, kind_of

router = APIRouter(tags=["problems"])


@router.get(
    TYPE_PREFIX.rstrip("/"),
    operation_id="listProblems",
    summary="Every kind of problem",
    responses={200: example([examples.PROBLEM_KIND]), **problems(*ANY_ROUTE)},
)
async def list_kinds() -> list[ProblemKind]:
    """Every `code` there is, with its status."""
    return [_described(code) for code in codes()]


@router.get(
    TYPE_PREFIX + "{code}",
    operation_id="readProblem",
    summary="One kind of problem",
    responses={200: example(examples.PROBLEM_KIND), **problems(*ANY_ROUTE, "not_found", "invalid_request")},
)
async def read_kind(code: Annotated[str, Path(max_length=64, examples=["body_empty"])]) -> ProblemKind:
    """What the `type` of a problem leads to."""
    if code not in codes():
        raise Problem("not_found", "There is no such kind of problem.")
    return _described(code)


def _described(code: str) -> ProblemKind:
    kind = kind_of(code)
    return ProblemKind(code=code, status=kind.status, title=kind.title, sentence=REFUSALS.get(code))
