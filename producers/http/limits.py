"""How much of a body is taken in, whatever `Content-Length` claims."""

import asyncio
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producers.http.problems import Problem, answer

BODY_BYTES_MAX = 64 * 1024
DRAIN_BYTES_MAX = 8 * 1024 * 1024
DRAIN_S_MAX = 5.0


class BodyLimit:
    """Answers 413 `body_too_large` instead of holding more than `BODY_BYTES_MAX` of any body.

    What is too much is still read and dropped, within bounds: closing a connection on unread bytes resets
    it, and the caller would never see the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if int(headers.get("content-length", "0")) > BODY_BYTES_MAX:  # the server lets only digits through
            if "expect" not in headers:  # who asks before sending has sent nothing yet
                await _drain(receive)
            await answer(_too_large(), scope["state"]["instance"])(scope, receive, send)
            return
        await self._app(scope, _limited(receive), send)


def _limited(receive: Receive) -> Receive:
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > BODY_BYTES_MAX:
            await _drain(receive, more=message.get("more_body", False))
            raise _too_large()
        return message

    return limited


async def _drain(receive: Receive, *, more: bool = True) -> None:
    dropped = 0
    try:
        async with asyncio.timeout(DRAIN_S_MAX):
            while more and dropped < DRAIN_BYTES_MAX:
                message: dict[str, Any] = dict(await receive())
                dropped += len(message.get("body", b""))
                more = message.get("more_body", False)
    except TimeoutError:
        return  # the caller is too slow to be waited for; the answer goes out now


def _too_large() -> Problem:
    return Problem("body_too_large", f"At most {BODY_BYTES_MAX} bytes are taken.")
