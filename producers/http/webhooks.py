"""The carrier's doors: replies from phones, and news of texts.

Every call must carry Twilio's signature; one without leaves no trace but a count. A signed call is answered
as if all were well, whatever becomes of it: taken in, kept as a dead letter since it cannot be used, or
spooled since it could not be taken in at once. Only where not even the spool takes it is the answer 503.
"""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from producers.http.call_intake import NotKept
from producers.http.carrier_call import CarrierCall, Door, read_form
from producers.http.deps import ApiDeps, Deps
from producers.http.documenting import ANY_ROUTE, problems
from producers.http.observe import HttpMetrics
from producers.http.problems import Problem
from producers.http.public_address import addresses, public_url
from producers.http.twilio_signature import ALGORITHM_HEADER, SIGNATURE_HEADER, is_signed

STATUS_PATH = "/v1/carriers/twilio/status"
INBOUND_PATH = "/v1/carriers/twilio/inbound"
FORM_TYPE = "application/x-www-form-urlencoded"
RETRY_S = 60  # the spool is full, or its disk: that takes somebody's hand
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
        200: {"content": {"text/xml": {"example": NO_ANSWER}}, "description": "Taken in, kept or spooled."},
        **_PROBLEMS,
    },
    openapi_extra=_body("MessageSid", "From", "To", "Body"),
)
async def inbound(request: Request, deps: Deps) -> Response:
    """Twilio calls this for every text to one of our numbers. Attachments are noted, not fetched here."""
    await _take(request, deps, "inbound")
    return Response(NO_ANSWER, media_type="text/xml")


@router.post(
    STATUS_PATH,
    operation_id="receiveStatusFromTwilio",
    summary="A text has come further",
    status_code=204,
    response_class=Response,
    response_description="Taken in, kept or spooled.",
    responses=_PROBLEMS,
    openapi_extra=_body("MessageSid", "MessageStatus", "To"),
)
async def status(request: Request, deps: Deps) -> Response:
    """Twilio calls this whenever a text's state changes: late, twice or out of order.

    `account` and `text` in the query say which text; we put them there.
    """
    await _take(request, deps, "status")
    return Response(status_code=204)


async def _take(request: Request, deps: ApiDeps, door: Door) -> None:
    """Take the call in, if the carrier signed it.

    Raises:
        Problem: as `_signed` does; `busy` or `unavailable` where the call could not even be spooled.
    """
    call = await _signed(request, deps, door)
    try:
        outcome = await deps.calls.take(call)
    except NotKept as error:
        _count(request, "not_kept")
        retry = {"Retry-After": str(RETRY_S)}
        if error.full:
            raise Problem("busy", "Neither Sayso nor its spool has room; nothing was kept.", retry) from error
        raise Problem("unavailable", "The spool cannot be written; nothing was kept.", retry) from error
    _count(request, outcome)


async def _signed(request: Request, deps: ApiDeps, door: Door) -> CarrierCall:
    """The call, if the carrier signed it.

    Raises:
        Problem: `unsupported_media_type`, `bad_request` or `bad_signature`.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise Problem("unsupported_media_type", f"Send {FORM_TYPE}.")
    body = await request.body()
    try:
        form = read_form(body)
    except ValueError as error:
        raise Problem("bad_request", "The form is not one, or not in UTF-8.") from error
    carrier, headers = deps.carrier, request.headers
    signature, algorithm = headers.get(SIGNATURE_HEADER), headers.get(ALGORITHM_HEADER)
    called = addresses(request, carrier.public_url, carrier.proxies)
    secrets = carrier.secrets_of(str(form.get("AccountSid", "")))
    if secrets is None or not any(
        is_signed(url, form, None, signature, secrets, algorithm) for url in called
    ):
        _count(request, "refused")
        raise Problem("bad_signature", "Only the carrier may call here, at the public URL it was given.")
    return CarrierCall(door, request.scope["query_string"], body)


def _count(request: Request, outcome: str) -> None:
    metrics: HttpMetrics = request.app.state.metrics
    metrics.webhooks.labels(outcome).inc()
