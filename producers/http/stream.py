"""Live: what changed in an account, as server-sent events.

An event says where to look and not what is there: `change` names the kind of thing and which one, `reload`
says that changes were missed. A browser that comes back sends the id of the last event it saw, and gets what
it missed. FastAPI keeps an idle stream open with a comment every 15 s.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from producers.http.access import needs
from producers.http.auth import Caller
from producers.http.deps import ApiDeps, Deps
from producers.http.documenting import READ_ROUTE, problems
from producers.http.observe import HttpMetrics
from producers.http.problems import Problem
from producers.http.reads import AccountPath
from projections.changes import Change, Reload, Subscription
from schemas.actors import Permission

STREAMS_MAX = 1_000
STREAM_RETRY_S = 10
RECONNECT_MS = 2_000
_NEVER_SEEN = -1  # an id nobody gave out: the feed answers it with `reload`
_EXAMPLE = 'id: 42\nevent: change\ndata: {"kind":"message","subject":"c.8Xw2kq1V0mB6bq3yJt5n7A"}\n\n'

Viewer = Annotated[Caller, Depends(needs(Permission.VIEW))]

router = APIRouter(tags=["stream"])


async def _subscribed(
    request: Request,
    account: AccountPath,
    _: Viewer,
    deps: Deps,
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event seen: what came after it is told first.")
    ] = None,
) -> AsyncIterator[Subscription]:
    """A place among the readers, given back when the stream ends.

    Raises:
        Problem: `busy`: as many streams are open as one process follows.
    """
    metrics: HttpMetrics = request.app.state.metrics
    open_streams = request.app.state.open_streams
    if len(open_streams) >= STREAMS_MAX:
        raise Problem("busy", "Too many streams are open.", {"Retry-After": str(STREAM_RETRY_S)})
    async with deps.changes.subscribe(account, _after(last_event_id)) as reader:
        open_streams.add(reader)
        metrics.streams.inc()
        try:
            yield reader
        finally:
            open_streams.discard(reader)
            metrics.streams.dec()


@router.get(
    "/v1/accounts/{account}/stream",
    operation_id="followChanges",
    summary="Changes as they happen",
    response_class=EventSourceResponse,
    responses={
        200: {"content": {"text/event-stream": {"example": _EXAMPLE}}},
        **problems(*READ_ROUTE, "busy"),
    },
)
async def stream(
    caller: Viewer, deps: Deps, reader: Annotated[Subscription, Depends(_subscribed)]
) -> AsyncIterator[ServerSentEvent]:
    """View. Ends when the access token does, come back with a new one; and when Sayso stops."""
    yield ServerSentEvent(comment="here", retry=RECONNECT_MS)
    while (left_s := _left_s(caller, deps)) > 0:
        try:
            async with asyncio.timeout(left_s):
                news = await reader.next()
        except TimeoutError:
            return
        if not news:
            return  # we are about to stop
        for event in _told(news, caller):
            yield event


def _after(last_event_id: str | None) -> int | None:
    if last_event_id is None:
        return None
    known = last_event_id.isascii() and last_event_id.isdecimal() and len(last_event_id) < 19
    return int(last_event_id) if known else _NEVER_SEEN


def _left_s(caller: Caller, deps: ApiDeps) -> float:
    return (caller.expires_at - deps.clock()).total_seconds()


def _told(news: Sequence[Change | Reload], caller: Caller) -> Iterator[ServerSentEvent]:
    """`news` as the caller may hear it.

    One event of the ledger can change several things, all under one id. Only the last of them carries it:
    a reader cut off in between comes back for all of them.
    """
    ids = [one.id for one in news]
    for one, following in zip(news, [*ids[1:], None], strict=True):
        mark = None if one.id == following else str(one.id)
        if isinstance(one, Reload):
            yield ServerSentEvent(event="reload", data={}, id=mark)
        elif one.kind != "notification" or one.subject == caller.actor.id:
            yield ServerSentEvent(event="change", data={"kind": one.kind, "subject": one.subject}, id=mark)
