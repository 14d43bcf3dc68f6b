"""What phones sent along, as Twilio hands it out.

A file's address wants the account's credentials and answers with a redirect to a signed address that wants
none, and is good for four hours. Twilio's is on another host, of its CDN; here it is on the same.
https://www.twilio.com/docs/messaging/api/media-resource
"""

import hmac
import time
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from deploy.simulator.api import PREFIX, Authenticated, network_of
from deploy.simulator.errors import ApiError
from deploy.simulator.media import Media, MediaStore, as_resource
from deploy.simulator.message import API

GOOD_FOR_S = 4 * 60 * 60
CDN = "/mms"
PAGE_SIZE = 50

router = APIRouter()


@router.get(f"{PREFIX}/Messages/{{message_sid}}/Media.json")
async def list_media(message_sid: str, network: Authenticated) -> dict[str, Any]:
    """What came with a message: all of it is one page."""
    account_sid = network.settings.account_sid
    if network.store.get(message_sid) is None:
        raise ApiError(20404)
    found = network.media.of(message_sid)
    uri = f"/{API}/Accounts/{account_sid}/Messages/{message_sid}/Media.json?PageSize={PAGE_SIZE}&Page=0"
    return {
        "media_list": [as_resource(media, account_sid) for media in found],
        "page": 0,
        "page_size": PAGE_SIZE,
        "start": 0,
        "end": max(len(found) - 1, 0),
        "uri": uri,
        "first_page_uri": uri,
        "next_page_uri": None,
        "previous_page_uri": None,
    }


@router.get(f"{PREFIX}/Messages/{{message_sid}}/Media/{{sid}}.json")
async def fetch_media(message_sid: str, sid: str, network: Authenticated) -> dict[str, Any]:
    """One file, described."""
    return as_resource(_of_message(network.media, message_sid, sid), network.settings.account_sid)


@router.get(f"{PREFIX}/Messages/{{message_sid}}/Media/{{sid}}")
async def read_media(message_sid: str, sid: str, network: Authenticated) -> Response:
    """The way to the file itself."""
    media = _of_message(network.media, message_sid, sid)
    new = media.new
    media.asked += 1
    if new.status is not None and (new.times == 0 or media.asked <= new.times):
        return Response(status_code=new.status)
    expires = str(int(time.time()) + GOOD_FOR_S)
    signed = urlencode({"Expires": expires, "Signature": network.media.signature(sid, expires)})
    path = f"{network.url}{CDN}/{network.settings.account_sid}/{sid}?{signed}"
    return RedirectResponse(new.redirect_to or path, 307)


@router.get(f"{CDN}/{{account_sid}}/{{sid}}")
async def read_signed(account_sid: str, sid: str, request: Request) -> Response:
    """The file, for whoever has its signed address; credentials have no business here."""
    network, query = network_of(request), request.query_params
    expires, signature = query.get("Expires", ""), query.get("Signature", "")
    good = hmac.compare_digest(signature, network.media.signature(sid, expires))
    if not good or int(expires) < time.time() or "Authorization" in request.headers:
        return Response("Access denied", 403)
    media = network.media.get(sid)
    if media is None or account_sid != network.settings.account_sid:
        return Response("Not found", 404)
    return Response(media.new.content, media_type=media.new.content_type)


def _of_message(store: MediaStore, message_sid: str, sid: str) -> Media:
    media = store.get(sid)
    if media is None or media.parent != message_sid:
        raise ApiError(20404)
    return media
