"""How an event is written, in the store and on the wire alike: as one CloudEvent in structured JSON.

    {"specversion": "1.0", "id": "<stream>.<version>", "type": "<stored name>", "subject": "<stream>",
     "streamversion": <version>, "sequence": "<number>", <the context's attributes>,
     "data": {<clear fields>, "sealed": "<base64>"}}

The personal fields are sealed together, under the key of the event's stream. The box is bound to every byte
before it, so that it opens nowhere else, and nobody can change who, when or what around it. Only this module
writes these bytes, always in this order and without spaces, and `decode` relies on it: an event is never
serialised anew on its way.

`sequence` is the event's number in its shard's ledger: 1, 2, 3 ... without a gap. Whoever reads the topics of
a shard puts them back into that order by it, and sees at once if one is missing or there twice.

Source: CloudEvents 1.0.2, JSON event format, and its extension "sequence"; RFC 3339 for the time.
"""

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple, get_args, get_origin
from uuid import UUID

from pydantic import ValidationError, create_model
from pydantic.plugin._schema_validator import PluggableSchemaValidator
from pydantic_core import SchemaValidator, from_json

from schemas.actors import Actor
from schemas.base import Message
from schemas.events import Context, Event, Recorded, event_class
from schemas.sealing import Keys, SealingKey
from schemas.topics import Topic

ERASED = "[erased]"
"""What stands where a person's words stood before their key was erased."""


class Unreadable(ValueError):
    """These bytes are no event that this version can read. The message names the event, never its content."""


class KeyMissing(LookupError):
    """A personal event cannot be written: its stream has no key."""


def encode(recorded: Recorded, keys: Keys, sequence: int) -> bytes:
    """`recorded` as a CloudEvent, the `sequence`th of its shard's ledger.

    Its stream's name consists of letters, digits, `-` and `_`.

    Raises:
        KeyMissing: it says something about a person, and the stream has no key.
    """
    return _encoded(recorded, recorded.context.attributes, keys.cipher, sequence)


def encode_all(batch: Sequence[Recorded], keys: Keys, first: int) -> list[bytes]:
    """Each of `batch` as `encode` writes it, the first as number `first`.

    The events of one command follow each other and share its context, which is written once.

    Raises:
        KeyMissing: as `encode` does.
    """
    context, attributes, cipher, written = None, b"", keys.cipher, list[bytes]()
    for sequence, recorded in enumerate(batch, first):
        if recorded.context is not context:
            context = recorded.context
            attributes = context.attributes
        written.append(_encoded(recorded, attributes, cipher, sequence))
    return written


def _encoded(
    recorded: Recorded, attributes: bytes, cipher: Callable[[str], SealingKey | None], sequence: int
) -> bytes:
    stream, version, event, _ = recorded
    form = _form_of(type(event))
    head = (
        f'{{"specversion":"1.0","id":"{stream}.{version}",{form.named}'
        f'"subject":"{stream}","streamversion":{version},"sequence":"{sequence}",'
    ).encode()
    if not form.personal:
        return b"".join((head, attributes, _DATA, form.to_json(event), b"}"))
    key = cipher(stream)
    if key is None:
        raise KeyMissing(f"{event.NAME} at {stream}.{version}")
    clear = form.to_json(event, exclude=form.personal)[:-1]
    before = b"".join((head, attributes, _DATA, clear, _COMMA_SEALED if len(clear) > 1 else _SEALED))
    box = key.seal(form.to_json(event, include=form.personal), before)
    return b"".join((before, b2a_base64(box, newline=False), _END))


def decode(data: bytes, keys: Keys) -> Recorded:
    """The event that `encode` wrote as `data`, brought up to today's version of its class.

    Where the person's key was erased, personal texts read `ERASED`, and what else is personal is missing.

    Raises:
        Unreadable: not an event of ours, one of a later version, or one whose seal is broken.
    """
    head, at = _head_of(data)
    stream, version, name = head.stream, head.version, head.name
    try:
        start = data.index(_DATA, at)
        event = _event(name, data, start + len(_DATA), stream, keys)
        return Recorded(stream, version, event, _context(data[at:start]))
    except ValidationError as error:
        fields = sorted({".".join(map(str, e["loc"])) for e in error.errors(include_input=False)})
        raise Unreadable(f"{name} at {stream}.{version}: wrong in {fields}") from None
    except (ValueError, KeyError) as error:
        raise Unreadable(f"{name} at {stream}.{version}: {error}") from error


class Head(NamedTuple):
    """What an event's first bytes tell: enough to route or skip it without reading on."""

    stream: str
    version: int
    name: str
    sequence: int


def peek(data: bytes) -> Head:
    """The head of an encoded event, without opening or checking the rest.

    Raises:
        Unreadable: not an event of ours.
    """
    head, _ = _head_of(data)
    return head


class Route(NamedTuple):
    """Where an event belongs among the others."""

    topic: Topic
    sequence: int
    account: bytes
    """In UTF-8."""


def route(data: bytes) -> Route:
    """Where an encoded event belongs, at the cost of one look at its first bytes.

    Raises:
        Unreadable: not an event of ours, or one of a later version.
    """
    match = _ROUTE.match(data)
    if match is None:
        raise Unreadable("not an event of ours")
    name, sequence, account = match.groups()
    topic = _TOPICS.get(name)
    if topic is None:
        topic = _TOPICS[name] = _topic_of(name.decode())
    return Route(topic, int(sequence), account)


def sequence_of(data: bytes) -> int:
    """The number of an encoded event, at a fifth of what `peek` costs.

    Raises:
        Unreadable: not an event of ours.
    """
    try:
        start = data.index(_SEQUENCE) + len(_SEQUENCE)
        return int(data[start : data.index(b'"', start)])
    except ValueError:
        raise Unreadable("not an event of ours") from None


def time_of(data: bytes) -> datetime:
    """When the event happened, without opening the rest.

    Raises:
        Unreadable: not an event of ours.
    """
    match = _TIME.search(data)
    if match is None:
        raise Unreadable("not an event of ours")
    return datetime.fromisoformat(match[1].decode())


def position_of(data: bytes) -> int:
    """The place of the event's command in its shard, without opening the rest.

    Raises:
        Unreadable: not an event of ours.
    """
    match = _POSITION.search(data)
    if match is None:
        raise Unreadable("not an event of ours")
    return int(match[1])


# --- reading --------------------------------------------------------------------------------------

_HEAD = re.compile(
    rb'\{"specversion":"1\.0","id":"([\w-]+)\.(\d+)","type":"([a-z0-9.-]+)","subject":"\1","streamversion":\2,'
    rb'"sequence":"(\d+)",'
)
_ROUTE = re.compile(
    rb'\{"specversion":"1\.0","id":"[^"]+","type":"([^"]+)","subject":"[^"]+","streamversion":\d+,'
    rb'"sequence":"(\d+)","source":"/accounts/([^"]*)",'
)
_SEQUENCE = b'"sequence":"'
_TIME = re.compile(rb'"time":"([^"]+)"')  # the first that is written; what people wrote comes later
_POSITION = re.compile(rb'"position":"(\d+)"')
_TOPICS: dict[bytes, Topic] = {}
"""By stored name, old ones included, as they are met."""
_DATA = b',"data":'  # unescaped quotes, so never within a value
_SEALED = b'"sealed":"'
_COMMA_SEALED = b"," + _SEALED
_END = b'"}}'


def _topic_of(name: str) -> Topic:
    try:
        return event_class(name).TOPIC
    except KeyError:
        raise Unreadable(f"no event is known as {name}") from None


def _head_of(data: bytes) -> tuple[Head, int]:
    """The head, and where it ends."""
    match = _HEAD.match(data)
    if match is None:
        raise Unreadable("not an event of ours")
    stream, version, name, sequence = match.groups()
    return Head(stream.decode(), int(version), name.decode(), int(sequence)), match.end()


def _event(name: str, data: bytes, start: int, stream: str, keys: Keys) -> Event:
    try:
        form = _form_of(event_class(name))
    except KeyError:
        raise Unreadable(f"no event is known as {name}") from None
    seal = data.rfind(_SEALED, start) if form.personal else -1
    if seal < 0:
        return form.read(name, data[start:-1])
    key = keys.cipher(stream)
    at = seal + len(_SEALED)
    box = a2b_base64(data[at : -len(_END)], strict_mode=True) if data.endswith(_END) else b""
    plain = None if key is None else key.open(box, data[:at])
    if plain is None:
        return form.read_erased(name, data[start:seal].rstrip(b",") + b"}")
    return form.read(name, data[start:seal] + plain[1:])


@lru_cache(maxsize=1_024)  # the events of one command follow each other and share it
def _context(attributes: bytes) -> Context:
    values = from_json(b"{%b}" % attributes)
    return Context(
        account=values["account"],
        actor=_actor(values["actorkind"], values["actorid"], values.get("actorname")),
        at=datetime.fromisoformat(values["time"]),
        command_id=UUID(values["commandid"]),
        shard=values["shard"],
        position=int(values["position"]),
        traceparent=values.get("traceparent"),
    )


@lru_cache(maxsize=4_096)
def _actor(kind: Any, id: str, name: str | None) -> Actor:
    return Actor(kind=kind, id=id, name=name)


# --- what each class of events needs, prepared once --------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Form:
    cls: type[Event]
    named: str
    """The stored name, as a member of the event's JSON."""
    to_json: Callable[..., bytes]
    validator: SchemaValidator | PluggableSchemaValidator
    personal: set[str]  # not a frozenset, which the serializer would copy each time
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
        named=f'"type":"{cls.NAME}",',
        to_json=cls.__pydantic_serializer__.to_json,
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
