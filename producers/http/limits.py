"""How much of a body is taken in, whatever `Content-Length` claims."""

import asyncio
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producers.http.problems import Problem, answer
from schemas.commands import BULK_BYTES_MAX, COMMAND_BYTES_MAX

BODY_BYTES_MAX = COMMAND_BYTES_MAX
COMMANDS_DOOR = "/commands"
DRAIN_BYTES_MAX = 8 * 1024 * 1024
DRAIN_S_MAX = 5.0


class BodyLimit:
    """Answers 413 `body_too_large` instead of holding more than `BODY_BYTES_MAX` of any body.

    The commands' door takes as much as the largest kind of command may have, and looks again itself.

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
        bytes_max = BULK_BYTES_MAX if scope["path"].endswith(COMMANDS_DOOR) else BODY_BYTES_MAX
        if int(headers.get("content-length", "0")) > bytes_max:  # the server lets only digits through
            if "expect" not in headers:  # who asks before sending has sent nothing yet
                await _drain(receive)
            await answer(too_large(bytes_max), scope["state"]["instance"])(scope, receive, send)
            return
        await self._app(scope, _limited(receive, bytes_max), send)


def _limited(receive: Receive, bytes_max: int) -> Receive:
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > bytes_max:
            await _drain(receive, more=message.get("more_body", False))
            raise too_large(bytes_max)
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


def too_large(bytes_max: int) -> Problem:
    """That a body has more than `bytes_max` bytes."""
    return Problem("body_too_large", f"At most {bytes_max} bytes are taken.")
