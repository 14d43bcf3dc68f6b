"""How an event is written, in the store and on the wire alike: as one CloudEvent in structured JSON.

    {"specversion": "1.0", "id": "<stream>.<version>", "type": "<stored name>", "subject": "<stream>",
     "streamversion": <version>, <the context's attributes>, "data": {<clear fields>, "sealed": "<base64>"}}

The personal fields are sealed together, under the key of the event's stream; the box is bound to the stream,
the version and the name, so that it opens nowhere else. Only this module writes these bytes, always in this
order and without spaces, and `decode` relies on it: an event is never re-serialised on its way.

Source: CloudEvents 1.0.2, JSON event format; RFC 3339 for the time.
"""

import re
from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, get_args, get_origin
from uuid import UUID

from pydantic import ValidationError, create_model
from pydantic.plugin._schema_validator import PluggableSchemaValidator
from pydantic_core import SchemaSerializer, SchemaValidator, from_json

from schemas.actors import Actor
from schemas.base import Message
from schemas.events import Context, Event, Recorded, event_class
from schemas.sealing import Keys, Unsealable

ERASED = "[erased]"
"""What stands where a person's words stood before their key was erased."""


class Unreadable(ValueError):
    """These bytes are no event that this version can read. The message names the event, never its content."""


class KeyMissing(LookupError):
    """A personal event cannot be written: its stream has no key."""


def encode(recorded: Recorded, keys: Keys) -> bytes:
    """`recorded` as a CloudEvent.

    Raises:
        KeyMissing: it says something about a person, and the stream has no key.
    """
    event, stream, version = recorded.event, recorded.stream, recorded.version
    form = _form_of(type(event))
    place = f"{stream}.{version}"
    head = (
        f'{{"specversion":"1.0","id":"{place}","type":"{event.NAME}",'
        f'"subject":"{stream}","streamversion":{version},'
    ).encode()
    if form.personal and _says_something(event, form):
        data = _sealed(event, form, stream, place, keys)
    else:
        data = form.serializer.to_json(event)
    return b'%b%b,"data":%b}' % (head, recorded.context.attributes, data)


def decode(data: bytes, keys: Keys) -> Recorded:
    """The event that `encode` wrote as `data`, brought up to today's version of its class.

    Where the person's key was erased, personal texts read `ERASED`, and what else is personal is missing.

    Raises:
        Unreadable: not an event of ours, one of a later version, or one whose seal is broken.
    """
    head, at = _head_of(data)
    stream, version, name = head.stream, head.version, head.name
    start = data.index(b',"data":', at)
    try:
        event = _event(name, data[start + 8 : -1], f"{stream}.{version}", stream, keys)
        return Recorded(stream, version, event, _context(data[at:start]))
    except (ValidationError, Unsealable, NotBase64) as error:
        reason = error.title if isinstance(error, ValidationError) else str(error)
        raise Unreadable(f"{name} at {stream}.{version}: {reason}") from None


@dataclass(frozen=True, slots=True)
class Head:
    """What an event's first bytes tell: enough to route or skip it without reading on."""

    name: str
    stream: str
    version: int


def peek(data: bytes) -> Head:
    """The head of an encoded event, without opening or checking the rest.

    Raises:
        Unreadable: not an event of ours.
    """
    return _head_of(data)[0]


# --- writing --------------------------------------------------------------------------------------


def _says_something(event: Event, form: "_Form") -> bool:
    return any(getattr(event, name) for name in form.personal)


def _sealed(event: Event, form: "_Form", stream: str, place: str, keys: Keys) -> bytes:
    key = keys.cipher(stream)
    if key is None:
        raise KeyMissing(f"{event.NAME} at {place}")
    clear = form.serializer.to_json(event, exclude=form.personal)
    box = key.seal(form.serializer.to_json(event, include=form.personal), _bond(event.NAME, place))
    comma = b"," if len(clear) > len(b"{}") else b""
    return b'%b%b"sealed":"%b"}' % (clear[:-1], comma, b2a_base64(box, newline=False))


def _bond(name: str, place: str) -> bytes:
    return f"{name} {place}".encode()


# --- reading --------------------------------------------------------------------------------------

_HEAD = re.compile(
    rb'\{"specversion":"1\.0","id":"([^"]+)\.(\d+)","type":"([^"]+)","subject":"\1","streamversion":\2,'
)
_SEALED = b'"sealed":"'  # unescaped quotes: never part of a value


def _head_of(data: bytes) -> tuple[Head, int]:
    match = _HEAD.match(data)
    if match is None:
        raise Unreadable("not an event of ours")
    stream, version, name = match.groups()
    return Head(name.decode(), stream.decode(), int(version)), match.end()


def _event(name: str, data: bytes, place: str, stream: str, keys: Keys) -> Event:
    try:
        cls = event_class(name)
    except KeyError:
        raise Unreadable(f"no event is known as {name}") from None
    form = _form_of(cls)
    seal = data.rfind(_SEALED) if form.personal else -1
    if seal < 0:
        return form.read(name, data)
    key = keys.cipher(stream)
    box = a2b_base64(data[seal + len(_SEALED) : -2])
    plain = None if key is None else key.open(box, _bond(name, place))
    if plain is None:
        return form.read_erased(name, data[:seal].rstrip(b",") + b"}")
    return form.read(name, data[:seal] + plain[1:])


@lru_cache(maxsize=1_024)  # the events of one command follow each other and share it
def _context(attributes: bytes) -> Context:
    values = from_json(b"{%b}" % attributes)
    return Context(
        account=values["account"],
        actor=_actor(values["actorkind"], values["actorid"], values.get("actorname")),
        at=datetime.fromisoformat(values["time"]),
        command_id=UUID(values["commandid"]),
        shard=values["shard"],
        position=values["position"],
        traceparent=values.get("traceparent"),
    )


@lru_cache(maxsize=4_096)
def _actor(kind: Any, id: str, name: str | None) -> Actor:
    return Actor(kind=kind, id=id, name=name)


# --- what each class of events needs, prepared once --------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Form:
    cls: type[Event]
    serializer: SchemaSerializer
    validator: SchemaValidator | PluggableSchemaValidator
    personal: set[str]  # a set: the serializer copies a frozenset each time
    clear: type[Message]
    """The class without its personal fields: what can still be read of an erased person."""
    erased: dict[str, Any]

    def read(self, name: str, data: bytes) -> Event:
        if name == self.cls.NAME:
            event: Event = self.validator.validate_json(data)
            return event
        return self.cls.model_validate(self.cls.OLD_NAMES[name](from_json(data)))

    def read_erased(self, name: str, data: bytes) -> Event:
        if name != self.cls.NAME:
            upcast = self.cls.OLD_NAMES[name](from_json(data))
            clear = self.clear.model_validate({k: v for k, v in upcast.items() if k not in self.personal})
        else:
            clear = self.clear.model_validate_json(data)
        return self.cls.model_construct(**dict(clear), **self.erased)


@cache
def _form_of(cls: type[Event]) -> _Form:
    clear: dict[str, Any] = {
        name: (field.rebuild_annotation(), field)
        for name, field in cls.model_fields.items()
        if name not in cls.PERSONAL
    }
    return _Form(
        cls=cls,
        serializer=cls.__pydantic_serializer__,
        validator=cls.__pydantic_validator__,
        personal=set(cls.PERSONAL),
        clear=create_model(f"{cls.__name__}Erased", __base__=Message, **clear),
        erased={name: _without(cls.model_fields[name].annotation) for name in cls.PERSONAL},
    )


def _without(annotation: Any) -> str | tuple[()] | None:
    """What a personal field of this type holds once the person was erased."""
    if type(None) in get_args(annotation):
        return None
    if get_origin(annotation) is tuple:
        return ()
    if annotation is str:
        return ERASED
    raise TypeError(f"a personal field must be a text, a tuple or optional, not {annotation}")
