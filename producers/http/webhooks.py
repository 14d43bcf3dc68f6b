"""The carrier's doors: replies from phones, and news of texts.

Every call must carry Twilio's signature. A signed call that cannot be used is kept as a dead letter and
answered as if all were well: the same call again would be no better. Where there is no room we wait for a
while, since Twilio tries once; then the call is kept too, and the answer is 503.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from producers.http import forms
from producers.http.commands import GRACE_S, submit
from producers.http.deps import ApiDeps, Deps
from producers.http.documenting import ANY_ROUTE, problems
from producers.http.observe import HttpMetrics
from producers.http.problems import Problem
from producers.http.twilio_signature import ALGORITHM_HEADER, SIGNATURE_HEADER, is_signed, public_url
from schemas.commands import Command

STATUS_PATH = "/v1/carriers/twilio/status"
INBOUND_PATH = "/v1/carriers/twilio/inbound"
FORM_TYPE = "application/x-www-form-urlencoded"
FIELDS_MAX = 200
PATIENCE_S = 8.0  # well below the 15 s after which Twilio stops listening
RETRY_S = 0.25
NO_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response/>'  # TwiML: texts nothing back

_PROBLEMS = problems(
    *ANY_ROUTE,
    "bad_request",
    "bad_signature",
    "body_too_large",
    "unsupported_media_type",
    "busy",
    "unavailable",
)
_SIGNATURE: dict[str, Any] = {
    "name": SIGNATURE_HEADER,
    "in": "header",
    "required": True,
    "description": "Made by Twilio over the public URL and the form.",
    "schema": {"type": "string"},
}

router = APIRouter(tags=["carrier"])
log = structlog.get_logger("sayso.webhooks")


def status_callback_url(public_base: str, account: str, text_id: UUID) -> str:
    """Where the carrier shall tell how far a text has come; the signature covers whose text it is."""
    return public_url(public_base, STATUS_PATH, urlencode({"account": account, "text": str(text_id)}))


def _body(*required: str) -> dict[str, Any]:
    fields = {name: {"type": "string"} for name in required}
    schema = {"type": "object", "properties": fields, "required": list(required)}
    return {
        "parameters": [_SIGNATURE],
        "requestBody": {"required": True, "content": {FORM_TYPE: {"schema": schema}}},
    }


@router.post(
    INBOUND_PATH,
    operation_id="receiveFromTwilio",
    summary="A phone texted",
    response_class=Response,
    responses={
        200: {"content": {"text/xml": {"example": NO_ANSWER}}, "description": "Taken in, or kept."},
        **_PROBLEMS,
    },
    openapi_extra=_body("MessageSid", "From", "To", "Body"),
)
async def inbound(request: Request, deps: Deps) -> Response:
    """Twilio calls this for every text to one of our numbers. Attachments are noted, never fetched."""
    form = await _signed_form(request, deps)
    sender, account = await _addressee(form, deps)
    if account is None:
        await _keep(request, deps, "inbound", "sender_unknown", None)
    else:
        await _use(request, deps, "inbound", account, lambda: forms.receive_text(form, account, sender))
    return Response(NO_ANSWER, media_type="text/xml")


@router.post(
    STATUS_PATH,
    operation_id="receiveStatusFromTwilio",
    summary="A text has come further",
    status_code=204,
    response_class=Response,
    response_description="Taken in, or kept.",
    responses=_PROBLEMS,
    openapi_extra=_body("MessageSid", "MessageStatus", "To"),
)
async def status(request: Request, deps: Deps) -> Response:
    """Twilio calls this whenever a text's state changes: late, twice or out of order.

    `account` and `text` in the query say which text; we put them there.
    """
    form = await _signed_form(request, deps)
    query = request.query_params
    account = forms.account_of(query)
    if account is None:
        await _keep(request, deps, "status", "account_unknown", None)
    elif not forms.is_known_status(form):
        await _keep(request, deps, "status", "status_unknown", account)
    else:
        await _use(request, deps, "status", account, lambda: forms.report_status(form, query))
    return Response(status_code=204)


async def _signed_form(request: Request, deps: ApiDeps) -> FormData:
    """The form, if the carrier signed it.

    Raises:
        Problem: `unsupported_media_type`, `bad_request` or `bad_signature`.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise Problem("unsupported_media_type", f"Send {FORM_TYPE}.")
    raw = await request.body()
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise Problem("bad_request", "The form is not one, or not in UTF-8.") from error
    fields: list[tuple[str, str | UploadFile]] = [*pairs]
    form = FormData(fields)
    address = public_url(
        deps.carrier.public_url, request.scope["raw_path"].decode(), request.scope["query_string"].decode()
    )
    headers = request.headers
    signature, algorithm = headers.get(SIGNATURE_HEADER), headers.get(ALGORITHM_HEADER)
    token = deps.carrier.token_of(str(form.get("AccountSid", "")))
    if token is None or not is_signed(address, form, None, signature, token, algorithm):
        _count(request, "refused")
        raise Problem("bad_signature", "Only the carrier may call here, at the public URL it was given.")
    return form


async def _addressee(form: FormData, deps: ApiDeps) -> tuple[str | None, str | None]:
    """Which number, or messaging service, was texted, and whose it is."""
    for sender in (form.get("To"), form.get("MessagingServiceSid")):
        account = await asyncio.to_thread(deps.queries.sender_account, str(sender)) if sender else None
        if account is not None:
            return str(sender), account
    return None, None


async def _use(
    request: Request, deps: ApiDeps, door: str, account: str, command: Callable[[], Command]
) -> None:
    """Hand the command in; where the fields make none, keep the call."""
    try:
        made = command()
    except ValidationError:
        await _keep(request, deps, door, "fields_wrong", account)
        return
    try:
        conflict = await _submit_patiently(deps, made)
    except Problem as problem:
        await _keep(request, deps, door, problem.code, account)
        raise
    if conflict:
        await _keep(request, deps, door, "command_id_reused", account)
    else:
        _count(request, "taken")


async def _submit_patiently(deps: ApiDeps, command: Command) -> bool:
    """Hand `command` in, again and again while there is no room. Whether its id has said otherwise before.

    Raises:
        Problem: `busy` or `unavailable`, after `PATIENCE_S`.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            answer = await submit(deps, command, wait_s=GRACE_S)
        except Problem:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(RETRY_S)
        else:
            return answer is not None and answer.conflict


async def _keep(request: Request, deps: ApiDeps, door: str, reason: str, account: str | None) -> None:
    """Keep a call that cannot be used, with its query: the body alone does not say whose text it was."""
    query = request.scope["query_string"]
    body = await request.body()
    whole = query + b"\n" + body if query else body
    letter = await asyncio.to_thread(
        deps.dead_letters.keep, f"twilio-{door}", reason, whole, account, deps.clock()
    )
    _count(request, "kept")
    log.warning("dead_letter", door=door, reason=reason, letter=letter)


def _count(request: Request, outcome: str) -> None:
    metrics: HttpMetrics = request.app.state.metrics
    metrics.webhooks.labels(outcome).inc()
