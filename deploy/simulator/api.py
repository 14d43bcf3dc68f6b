"""Twilio's messages API: create, fetch, list.

https://www.twilio.com/docs/messaging/api/message-resource and Twilio's published OpenAPI description.
"""

import asyncio
import secrets
import socket
import struct
from base64 import b64encode
from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from deploy.simulator.behaviour import Fault
from deploy.simulator.errors import ApiError
from deploy.simulator.listing import page_of
from deploy.simulator.message import API, as_resource
from deploy.simulator.network import Network
from deploy.simulator.new_message import read

LOOK_EVERY_S = 0.05

PREFIX = f"/{API}/Accounts/{{account_sid}}"
router = APIRouter(prefix=PREFIX)


def network_of(request: Request) -> Network:
    """The network this application serves."""
    network: Network = request.app.state.network
    return network


def authenticated(account_sid: str, request: Request) -> Network:
    """Account SID and token, as HTTP basic. Raises ApiError."""
    network = network_of(request)
    login = f"{network.settings.account_sid}:{network.settings.auth_token}".encode()
    expected = b"Basic " + b64encode(login)
    if not secrets.compare_digest(request.headers.get("Authorization", "").encode(), expected):
        raise ApiError(20003)
    if account_sid != network.settings.account_sid:
        raise ApiError(20404)
    return network


Authenticated = Annotated[Network, Depends(authenticated)]


async def create(request: Request) -> Response:
    """Take a text: 201 with its resource, or an error, or whatever fault was asked for.

    A plain route: FastAPI's would take as long as everything else here together.
    """
    network = authenticated(request.path_params["account_sid"], request)
    fields = dict(parse_qsl((await request.body()).decode()))
    how = network.next_behaviour(fields.get("To", ""))
    if how.fault is Fault.RESET_BEFORE:
        return _reset(request)
    if how.fault is Fault.SERVER_ERROR:
        return _server_error(how.server_status)
    accepted = network.accept(read(fields, network.settings), how)
    answer = JSONResponse(as_resource(accepted.message, network.settings.account_sid), 201)
    if how.answer_after_s:
        await network.pause(how.answer_after_s)
    if how.reports_first:
        await network.until_reported(accepted)
    match how.fault:
        case Fault.RESET_AFTER:
            return _reset(request)
        case Fault.ERROR_AFTER:
            return _server_error(how.server_status)
        case Fault.TIMEOUT_AFTER:
            await _until_gone(request, network)
            return _reset(request)
        case _:
            accepted.taken.answered = True
            return answer


router.add_route(f"{PREFIX}/Messages.json", create, methods=["POST"])


@router.get("/Messages.json")
async def list_messages(request: Request, network: Authenticated) -> dict[str, Any]:
    """A page of texts, the newest first."""
    return page_of(network.store, network.settings.account_sid, request.query_params)


@router.get("/Messages/{sid}.json")
async def fetch(sid: str, network: Authenticated) -> dict[str, Any]:
    """One text."""
    message = network.store.get(sid)
    if message is None:
        raise ApiError(20404)
    return as_resource(message, network.settings.account_sid)


async def answer_error(_: Request, error: ApiError) -> JSONResponse:
    """An error as Twilio writes it."""
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    return JSONResponse(error.as_body(), error.http_status, headers, error.media_type)


def _server_error(status: int) -> Response:
    body = {"code": 20500, "message": "An internal server error has occurred", "status": status}
    return JSONResponse(body, status)


async def _until_gone(request: Request, network: Network) -> None:
    """Until the client has given up."""
    while not network.closing and not await request.is_disconnected():
        await network.pause(LOOK_EVERY_S)


def _reset(request: Request) -> Response:
    """Reset the connection under the request: RST, not FIN, which takes the transport below ASGI.

    uvicorn's `receive` is a method of the object that owns the transport. The response is never seen.
    """
    transport: asyncio.Transport = request.receive.__self__.transport  # type: ignore[attr-defined]
    linger_off = struct.pack("ii", 1, 0)
    with suppress(OSError):  # the client may have gone before
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_off)
    transport.abort()
    return Response()
