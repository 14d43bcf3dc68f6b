"""The phones' page and the JSON behind it."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Self

import phonenumbers
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from deploy.simulator.api import network_of
from deploy.simulator.behaviour import ORDINARY, Behaviour
from deploy.simulator.media import MEDIA_MAX, NewMedia
from deploy.simulator.network import Network
from deploy.simulator.new_message import BODY_MAX, is_number
from deploy.simulator.taken import as_line
from deploy.simulator.view import bubble, display, phone_view
from deploy.simulator.weather import Weather

# The page loads nothing but its own style and script.
CONTENT_POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:"
SHOWN_MAX = 24  # phones on the page; any other can be opened by its number

router = APIRouter()
_templates = Jinja2Templates(Path(__file__).parent / "pages")
_templates.env.filters["display"] = display

Net = Annotated[Network, Depends(network_of)]


class NewPhone(BaseModel):
    """A number to open a phone for, as a person writes it, with its country code."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[str, StringConstraints(max_length=32)]


class NewAnswer(BaseModel):
    """What the candidate writes or sends along; without `to` it goes to whoever wrote last."""

    model_config = ConfigDict(extra="forbid")

    body: Annotated[str, StringConstraints(max_length=BODY_MAX)] = ""
    to: str | None = None
    media: Annotated[tuple[NewMedia, ...], Field(max_length=MEDIA_MAX)] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.body and not self.media:
            raise ValueError("write something, or send something along")
        return self


def number_in_path(number: str) -> str:
    """E.164 from a path, with or without its `+`. Raises 404."""
    full = f"+{number.removeprefix('+')}"
    if not is_number(full):
        raise HTTPException(404, "This is not a phone number.")
    return full


Number = Annotated[str, Depends(number_in_path)]


@router.get("/", response_class=HTMLResponse)
async def page(request: Request, network: Net) -> Response:
    """Every phone, with what was said on it."""
    numbers = network.store.phones()
    context = {
        "phones": [phone_view(network, number) for number in numbers[:SHOWN_MAX]],
        "hidden": max(0, len(numbers) - SHOWN_MAX),
        "version": network.store.version,
    }
    headers = {"Content-Security-Policy": CONTENT_POLICY}
    return _templates.TemplateResponse(request, "phones.html", context, headers=headers)


@router.get("/changes", response_class=EventSourceResponse)
async def changes(network: Net, since: int) -> AsyncIterator[ServerSentEvent]:
    """The numbers whose phones changed, as server-sent events."""
    while numbers := await network.store.changed_since(since):
        since = network.store.version
        yield ServerSentEvent(data=numbers, id=str(since))


@router.get("/phones")
async def phones(network: Net) -> dict[str, Any]:
    """Every phone, the most recently active first, without what was said."""
    views = [asdict(phone_view(network, number)) for number in network.store.phones()]
    for view in views:
        view["messages"] = len(view.pop("bubbles"))
    return {"version": network.store.version, "phones": views}


@router.post("/phones", status_code=201)
async def open_phone(new: NewPhone, network: Net) -> dict[str, Any]:
    """A phone for a number that has received nothing yet."""
    number = _parsed(new.number)
    network.store.open_phone(number)
    return asdict(phone_view(network, number))


@router.get("/phones/{number}")
async def phone(number: Number, network: Net) -> dict[str, Any]:
    """One phone with what was said on it, oldest first."""
    return asdict(phone_view(network, _known(number, network)))


@router.get("/phones/{number}/card", response_class=HTMLResponse)
async def card(request: Request, number: Number, network: Net) -> Response:
    """One phone as it stands on the page."""
    context = {"phone": phone_view(network, _known(number, network))}
    return _templates.TemplateResponse(request, "phone.html", context)


@router.post("/phones/{number}/messages", status_code=201)
async def write(number: Number, new: NewAnswer, network: Net) -> dict[str, Any]:
    """The candidate writes from this phone."""
    to = new.to or phone_view(network, number).reply_to
    if to is None:
        raise HTTPException(422, "Say which number to write to: nobody has written to this phone yet.")
    if not is_number(to):
        raise HTTPException(422, "The number to write to is not a phone number.")
    return asdict(bubble(network.answer(number, to, new.body, new.media)))


@router.get("/phones/{number}/behaviour")
async def behaviour(number: Number, network: Net) -> Behaviour:
    """How texts to this number are treated."""
    return network.store.behaviour(number) or ORDINARY


@router.put("/phones/{number}/behaviour")
async def behave(number: Number, how: Behaviour, network: Net) -> Behaviour:
    """Treat texts to this number so from now on."""
    network.store.behave(number, how)
    return how


@router.get("/weather")
async def weather(network: Net) -> Weather:
    """What befalls texts to all other numbers."""
    return network.weather


@router.put("/weather")
async def change_weather(new: Weather, network: Net) -> Weather:
    """Let this befall texts to all other numbers from now on."""
    network.weather = new
    return new


@router.get("/taken")
async def taken(network: Net, after: int = 0) -> Response:
    """Every text that was ever taken, but for the `after` first ones: JSON, a line for each."""
    store = network.store
    lines = [as_line(number, one, store.get(one.sid)) for number, one in store.taken.lines(after)]
    return Response("".join(lines), media_type="application/x-ndjson")


def _known(number: str, network: Network) -> str:
    if not network.store.has_phone(number):
        raise HTTPException(404, "There is no phone with this number. Open it first.")
    return number


def _parsed(text: str) -> str:
    try:
        parsed = phonenumbers.parse(text)
    except phonenumbers.NumberParseException as error:
        sentence = "Write the number with + and its country code, such as +1 202 555 0143."
        raise HTTPException(422, sentence) from error
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if not is_number(number):
        raise HTTPException(422, "This number is too short or too long for its country.")
    return number
