"""The commands' door: any command in, and its receipt out."""

import asyncio
import json
import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter, ValidationError

from producers.http import examples, ids, reading
from producers.http.access import caller_of
from producers.http.auth import Caller
from producers.http.command_docs import (
    COMMAND_PROBLEMS,
    DESCRIPTION,
    IDEMPOTENCY_KEY,
    INTERNAL_TYPES,
    PREFER,
    request_body,
)
from producers.http.deps import ApiDeps, Deps
from producers.http.documenting import example, problems
from producers.http.limits import too_large
from producers.http.models import Taken
from producers.http.problems import UNAVAILABLE_RETRY_S, Problem
from projections.shapes import Receipt, Who
from schemas import commands, records, tracing
from schemas.actors import Permission
from schemas.commands import Command
from schemas.door import Busy, Unavailable, Uncertain
from schemas.events import CommandAccepted, CommandRefused
from schemas.receipts import Answer

WAIT_S_MAX = 30
GRACE_S = 0.001  # without a wait, only an answer that is there already is looked at
KEY_PATTERN = r"^[!-~]([ -~]{0,253}[!-~])?$"
_WAIT = re.compile(r'(?:^|[,;\s])wait\s*=\s*"?([0-9]{1,9})"?\s*(?:$|[,;])', re.IGNORECASE)
_ACTING_KINDS = frozenset({"member", "candidate", "service"})

RECEIPT: TypeAdapter[Receipt] = TypeAdapter(Receipt)

_TAKEN = {
    **example(examples.TAKEN),
    "headers": {
        "Location": {"description": "Where the receipt will stand.", "schema": {"type": "string"}},
        "Retry-After": {"description": "Seconds until it is worth asking.", "schema": {"type": "string"}},
    },
}

router = APIRouter(tags=["commands"])


@router.post(
    "/v1/accounts/{account}/commands",
    operation_id="postCommand",
    summary="Ask for something: any command",
    description=DESCRIPTION,
    response_model=Receipt,
    response_description="Accepted: the receipt.",
    responses={
        200: example(examples.RECEIPT),
        202: {"model": Taken, "description": "Taken in; the receipt will stand at `Location`.", **_TAKEN},
        **problems(*COMMAND_PROBLEMS),
    },
    openapi_extra={"requestBody": request_body()},
)
async def post_command(
    request: Request,
    account: str,
    caller: Annotated[Caller, Depends(caller_of)],
    deps: Deps,
    prefer: Annotated[str | None, Header(description=PREFER)] = None,
    idempotency_key: Annotated[str | None, Header(description=IDEMPOTENCY_KEY, pattern=KEY_PATTERN)] = None,
) -> JSONResponse:
    """Take one command in."""
    command = await _command(request, account, caller, deps, idempotency_key)
    if isinstance(command, commands.AssignSender):
        await _require_free_sender(command, deps)
    wait_s = _wait_s(prefer)
    answer = await submit(deps, command, wait_s or GRACE_S)
    if answer is not None and (wait_s or answer.conflict or answer.repeated):
        return _answered(answer, prefer_applied=f"wait={wait_s}" if wait_s else None)
    return _taken(command)


async def _require_free_sender(command: commands.AssignSender, deps: ApiDeps) -> None:
    """A sender is one account's: what comes in there, a STOP above all, must find it.

    Raises:
        Problem: `sender_taken`.
    """
    owner = await asyncio.to_thread(deps.queries.sender_account, command.sender)
    if owner not in (None, command.account):
        raise Problem("sender_taken", "Another account texts from this number. Choose one that is free.")


async def submit(deps: ApiDeps, command: Command, wait_s: float) -> Answer | None:
    """Hand `command` to the door.

    Raises:
        Problem: `busy`, nothing was kept; or `unavailable`.
    """
    try:
        return await deps.door.submit(command, wait_s)
    except Busy as error:
        raise Problem("busy", str(error), {"Retry-After": str(error.retry_after_s)}) from error
    except Unavailable as error:
        retry = {"Retry-After": str(UNAVAILABLE_RETRY_S)}
        if isinstance(error, Uncertain):
            sentence = f"{error} Send it again as `command_id`: it takes effect once."
            extra = {"command_id": str(command.command_id)}
            raise Problem("unavailable", sentence, retry, extra) from error
        sentence = "The command could not be stored and did not take effect. Send it again."
        raise Problem("unavailable", sentence, retry) from error


# --- from the request to the command --------------------------------------------------------------


async def _command(request: Request, account: str, caller: Caller, deps: ApiDeps, key: str | None) -> Command:
    require_json(request)
    data = await request.body()
    body = reading.json_object(data)
    tag = body.get("type")
    if len(data) > commands.bytes_max(tag):
        raise too_large(commands.bytes_max(tag))
    if isinstance(tag, str) and tag in INTERNAL_TYPES:
        raise Problem("internal_command", f"{tag} is for the carrier's doors and Sayso's own workers only.")
    if body.setdefault("account", account) != account:
        raise Problem("wrong_account", "The command names another account than the address.")
    acts_for_another = "actor" in body
    if not acts_for_another:
        body["actor"] = caller.actor.model_dump(mode="json")
    _fill_command_id(body, account, key, deps)
    traceparent = tracing.here() or request.headers.get(records.TRACEPARENT)
    if tracing.parse(traceparent) is not None:
        body.setdefault("traceparent", traceparent)
    command = _read(body)
    return _capped(command, caller) if acts_for_another else command


def require_json(request: Request) -> None:
    """Refuse bodies that are not JSON in UTF-8.

    Raises:
        Problem: `unsupported_media_type`.
    """
    kind, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    charset = re.search(r'charset\s*=\s*"?([^\s";]+)', parameters)
    if kind.strip() != "application/json" or (charset is not None and charset[1] not in ("utf-8", "utf8")):
        raise Problem("unsupported_media_type", "Send application/json, in UTF-8.")


def _fill_command_id(body: dict[str, Any], account: str, key: str | None, deps: ApiDeps) -> None:
    if key is None:
        body.setdefault("command_id", str(ids.fresh(deps.clock())))
        return
    wanted = ids.from_key(account, key.strip('"') or key)
    given = body.setdefault("command_id", str(wanted))
    if reading.uuid_of(str(given)) != wanted:
        fault = {"parameter": "Idempotency-Key", "detail": "The body's command_id names another command."}
        raise Problem("invalid_request", "Give a command_id or a key, not both.", extra={"errors": [fault]})


def _read(body: dict[str, Any]) -> Command:
    try:
        return commands.read(json.dumps(body).encode())
    except ValidationError as error:
        reading.refuse("invalid_command", "This command cannot be understood.", error, body.get("type"))


def _capped(command: Command, caller: Caller) -> Command:
    """`command` in the name of the actor it states, who may do no more than the caller may."""
    actor = command.actor
    if not caller.actor.may(Permission.ACT_AS):
        raise Problem("acting_not_allowed", "Leave `actor` out: this access token speaks for its own member.")
    if actor.kind not in _ACTING_KINDS:
        raise Problem("acting_not_allowed", f"Nobody acts as the {actor.kind} through this door.")
    permissions = actor.permissions & caller.actor.permissions
    return command.model_copy(update={"actor": actor.model_copy(update={"permissions": permissions})})


def _wait_s(prefer: str | None) -> int:
    """The seconds of `Prefer: wait=N` (RFC 7240, 4.3), at most `WAIT_S_MAX`; 0 where there is none."""
    found = _WAIT.search(prefer or "")
    return min(int(found[1]), WAIT_S_MAX) if found else 0


# --- from the answer to the response --------------------------------------------------------------


def receipt_of(answer: Answer) -> Receipt:
    """`answer` in the shape in which the views keep it."""
    context = answer.context
    refusal = answer.receipt if isinstance(answer.receipt, CommandRefused) else None
    return Receipt(
        account=context.account,
        command_id=context.command_id,
        command_type=answer.receipt.command_type,
        at=context.at,
        by=Who(context.actor.kind, context.actor.id, context.actor.name),
        accepted=refusal is None,
        code=refusal.code if refusal else None,
        sentence=refusal.sentence if refusal else None,
        result=answer.receipt.result if isinstance(answer.receipt, CommandAccepted) else {},
    )


def _answered(answer: Answer, prefer_applied: str | None) -> JSONResponse:
    """The receipt: 200 if accepted, else a problem with its code."""
    headers = {"Preference-Applied": prefer_applied} if prefer_applied else {}
    if answer.conflict:
        raise Problem("command_id_reused", "This command id was used before, with other content.", headers)
    if answer.repeated:
        headers["Idempotent-Replayed"] = "true"
    content = RECEIPT.dump_python(receipt_of(answer), mode="json")
    if isinstance(answer.receipt, CommandRefused):
        raise Problem(answer.receipt.code, answer.receipt.sentence, headers, {"receipt": content})
    return JSONResponse(content, headers=headers)


def _taken(command: Command) -> JSONResponse:
    """202: it is durable, and the receipt will stand at `Location`."""
    address = receipt_address(command.account, command.command_id)
    content = {"command_id": str(command.command_id), "receipt": address}
    return JSONResponse(content, 202, {"Location": address, "Retry-After": "1"})


def receipt_address(account: str, command_id: UUID) -> str:
    """Where a command's receipt can be read."""
    return f"/v1/accounts/{account}/receipts/{command_id}"
