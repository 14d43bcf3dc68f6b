"""Reading consent."""

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, select

from projections.answers.common import Found, who_of
from projections.catalog import CONSENT, THREADS
from projections.moments import maybe, moment
from projections.shapes import Consent, ConsentStatus, ConsentStep
from schemas.evidence import Evidence

HISTORY_MAX = 1_000

_C, _S, _H = THREADS.conversations, CONSENT.status, CONSENT.steps
_EVIDENCE: TypeAdapter[Evidence] = TypeAdapter(Evidence)


def consent(connection: Connection, account: str, number: str) -> Consent | None:
    """A number's consent and its history."""
    both = select(_C, _S.c.status, _S.c.under_review).join(_S, _S.c.conversation == _C.c.conversation)
    here = (_C.c.account == account) & (_C.c.number == number)
    row = connection.execute(both.where(here)).first()
    return None if row is None else _consent(row, _history(connection, account, row.conversation))


def _history(connection: Connection, account: str, conversation: str) -> tuple[ConsentStep, ...]:
    steps = select(_H).where(_H.c.conversation == conversation, _H.c.account == account)
    newest = steps.order_by(_H.c.version.desc()).limit(HISTORY_MAX)
    return tuple(_step(row) for row in connection.execute(newest))


def _consent(row: Found, history: tuple[ConsentStep, ...]) -> Consent:
    return Consent(
        number=row.number,
        conversation=row.conversation,
        region=row.region,
        status=row.status,
        under_review=row.under_review,
        **_basis(standing(row.status, history)),
        history=history,
    )


_ENDS = frozenset({"granted", "withdrawn", "revoked"})


def standing(status: ConsentStatus, history: Sequence[ConsentStep]) -> ConsentStep | None:
    """The step, of a history told newest first, that `status` rests on; none where nothing was ever given.

    Several records may have brought the same consent. When a candidate leaves the number, theirs goes along,
    and the consent rests on that of the others which was obtained last: not on what was only recorded last.
    """
    left, found = set(), list[ConsentStep]()
    for step in history:
        if step.kind == "left":
            left.add(step.candidate)
        elif step.kind == status and (step.candidate is None or step.candidate not in left):
            found.append(step)
        elif found and step.kind in _ENDS:
            break  # what was before it has ended
    return max(found, key=lambda step: (step.obtained_at or step.at, step.version), default=None)


def _basis(step: ConsentStep | None) -> dict[str, Any]:
    names = ("by", "candidate", "obtained_at", "evidence", "cause", "reason", "keyword")
    basis = {name: None if step is None else getattr(step, name) for name in names}
    return {**basis, "recorded_at": None if step is None else step.at}


def _step(row: Found) -> ConsentStep:
    return ConsentStep(
        kind=row.kind,
        at=moment(row.at),
        by=who_of(row),
        candidate=row.candidate,
        obtained_at=maybe(row.obtained_at),
        evidence=None if row.evidence is None else _EVIDENCE.validate_json(row.evidence),
        cause=row.cause,
        reason=row.reason,
        keyword=row.keyword,
        wants_to_stop=row.wants_to_stop,
        sid=row.sid,
        version=row.version,
    )
