"""Looking at a text before it is sent: what it costs, what it lacks, and whether it would go."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError

from domain import numbers
from domain.account import Account
from domain.conversation import Conversation
from domain.preview import Preview, preview
from domain.refusals import Refused
from domain.senders import Sender
from producers.http import examples, ids, reading
from producers.http.access import needs
from producers.http.auth import Caller
from producers.http.commands import require_json
from producers.http.deps import Deps
from producers.http.documenting import READ_ROUTE, WRITE_ROUTE, example, problems
from producers.http.preview_models import ForcingCharacter, PreviewAnswer, PreviewRequest, Refusal, Swapped
from producers.http.reads import AccountPath
from projections import shapes
from projections.queries import Queries
from projections.shapes import Consent, ConsentStep
from schemas.actors import Permission
from schemas.commands import SendText

NOBODY = "nobody"
"""Stands for the candidate where the number is nobody's: the rules then say `number_unknown`."""

router = APIRouter(tags=["texts"])


async def _draft(request: Request) -> PreviewRequest:
    require_json(request)
    data = await request.body()
    try:
        reading.json_object(data)
        return PreviewRequest.model_validate_json(data, strict=True)
    except ValidationError as error:
        reading.refuse("invalid_request", "This preview cannot be understood.", error)


@router.post(
    "/v1/accounts/{account}/texts/preview",
    operation_id="previewText",
    summary="What would become of a text, if it were sent now",
    responses={200: example(examples.PREVIEW), **problems(*READ_ROUTE, *WRITE_ROUTE)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/PreviewRequest"},
                    "example": examples.PREVIEW_REQUEST,
                }
            },
        }
    },
)
def preview_text(
    account: AccountPath,
    caller: Annotated[Caller, Depends(needs(Permission.VIEW))],
    draft: Annotated[PreviewRequest, Depends(_draft)],
    deps: Deps,
) -> PreviewAnswer:
    """View. Holds the text against the rules of sending, in their order, as the views know the facts."""
    now = deps.clock()
    known = _Known.of(deps.queries, account, draft)
    command = SendText(
        command_id=ids.fresh(now),
        account=account,
        actor=caller.actor,
        candidate=known.candidate,
        number=draft.number,
        body=draft.body,
        send_at=draft.send_at,
        override_quiet_hours=draft.override_quiet_hours,
    )
    return _answer(preview(command, known.account, known.conversation, now, deps.policy))


# --- the facts, from the views ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    """What the views know of the account and the number."""

    account: Account
    conversation: Conversation
    candidate: str

    @classmethod
    def of(cls, queries: Queries, account: str, draft: PreviewRequest) -> "_Known":
        try:
            number = numbers.parse(draft.number).e164
        except Refused:
            return cls(_account(queries, account), Conversation(), draft.candidate or NOBODY)
        consent = queries.consent(account, number)
        conversation = Conversation() if consent is None else _conversation(queries, account, consent)
        candidate = draft.candidate or next(iter(conversation.candidates), NOBODY)
        return cls(_account(queries, account), conversation, candidate)


def _account(queries: Queries, account: str) -> Account:
    known = queries.account(account)
    if known is None:
        return Account()
    return Account(
        balance=known.balance,
        country=known.country,
        currency=known.currency,
        settings=known.settings,
        senders=senders_of(known),
        stopped=None if known.stopped is None else known.stopped.reason,
    )


def senders_of(account: shapes.Account) -> tuple[Sender, ...]:
    """The account's senders, as decisions see them."""
    return tuple(Sender(one.sender, one.region, one.kind, one.carrier) for one in account.senders)


def _conversation(queries: Queries, account: str, consent: Consent) -> Conversation:
    threads = [queries.thread(account, one, consent.number) for one in _present(consent.history)]
    present = {thread.candidate: thread.time_zone for thread in threads if thread and not thread.removed_at}
    return Conversation(
        region=consent.region,
        candidates=MappingProxyType(present),
        consent=consent.status,
        under_review=consent.under_review,
        texted=any(thread.texted for thread in threads if thread),
        sender=next((thread.sender for thread in threads if thread), None),
    )


def _present(history: tuple[ConsentStep, ...]) -> list[str]:
    """Whose number it is, by a history that goes from the newest step back."""
    has: dict[str, bool] = {}
    for step in history:
        if step.candidate is not None and step.kind in ("joined", "left"):
            has.setdefault(step.candidate, step.kind == "joined")
    return [candidate for candidate, joined in has.items() if joined]


# --- the answer -----------------------------------------------------------------------------------


def _answer(found: Preview) -> PreviewAnswer:
    segments, swaps = found.segments, found.swaps
    swapped = Swapped(
        body=swaps.body, encoding=swaps.after.encoding, segments=swaps.after.segments, saved=swaps.saved
    )
    return PreviewAnswer(
        encoding=segments.encoding,
        units=segments.units,
        segments=segments.segments,
        credits=segments.segments,
        segment_units_left=segments.units_left,
        text_units_left=found.text_units_left,
        forcing=tuple(
            ForcingCharacter(character=one.character, name=one.name, positions=one.positions, swap=one.swap)
            for one in found.forcing
        ),
        swapped=swapped if any(one.swap is not None for one in found.forcing) else None,
        warnings=found.warnings,
        advice=found.advice,
        advised_sentence=found.advised_sentence,
        appended=found.appended,
        refusal=_refusal(found.refusal),
        send_at=found.send_at,
        deferred=found.deferred,
    )


def _refusal(refused: Refused | None) -> Refusal | None:
    return None if refused is None else Refusal(code=refused.code, sentence=refused.sentence)
