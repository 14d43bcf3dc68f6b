"""The language for everybody else: a JSON Schema (draft 2020-12) of each command and each event.

They say what a schema can say about what `schemas.commands.read` takes and `schemas.codec.encode` writes. The
attributes around an event may grow, so readers should pass over those they do not know; commands and the data
of events never hold more than is said here.
"""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from schemas.account_settings import SettingsChange
from schemas.actors import CANDIDATE_ID, Actor, ActorKind
from schemas.base import Message, in_utc, near, without_nul
from schemas.commands import AnyCommand, Command
from schemas.events import Event, event_classes

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = "#/$defs/{model}"
BOX_BYTES_MIN = 2 + 12 + 2 + 16  # generation, nonce, at least `{}`, tag
_MOMENT = r"-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$"  # RFC 3339, 5.6

Schema = dict[str, Any]


def command_classes() -> Mapping[str, type[Command]]:
    """Every command by its type."""
    return {str(cls.model_fields["type"].default): cls for cls in get_args(get_args(AnyCommand)[0])}


def command_schemas() -> dict[str, Schema]:
    """By type: the whole schema of each command."""
    return {name: _whole(f"command:{name}", command_schema(cls)) for name, cls in command_classes().items()}


def event_schemas() -> dict[str, Schema]:
    """By stored name: the whole schema of each event, as one CloudEvent."""
    return {cls.NAME: _whole(f"event:{cls.NAME}", _event_schema(cls)) for cls in event_classes()}


def command_schema(cls: type[Command], reference: str = REFERENCE) -> Schema:
    """The schema of a command; what it refers to stands under `$defs`, referred to as `reference` says."""
    schema = _schema_of(cls, reference)
    schema["required"] = ["type", *schema["required"]]  # as the one member that is filled in for Python alone
    return schema


def data_schema(cls: type[Event], reference: str = REFERENCE) -> Schema:
    """The schema of an event's `data`: its clear fields, and the box with the personal ones."""
    schema = _schema_of(cls, reference)
    properties = schema.setdefault("properties", {})
    required = schema.pop("required", [])
    for name in cls.PERSONAL:
        del properties[name]
    required = [name for name in required if name not in cls.PERSONAL]
    if cls.PERSONAL:
        properties["sealed"] = _sealed(cls)
        required.append("sealed")
    schema["required"] = required
    return _pruned(schema, reference)


def envelope_schema() -> Schema:
    """The schema of the attributes that every event has."""
    return {
        "type": "object",
        "properties": {name: dict(schema) for name, schema in ATTRIBUTES.items()},
        "required": [*(name for name in ATTRIBUTES if name not in _OPTIONAL_ATTRIBUTES), "data"],
    }


_STREAM = r"^[A-Za-z0-9_-]+$"
_POSITIVE = r"^[1-9][0-9]*$"
_ACCOUNT = r"[a-z0-9][a-z0-9_-]{0,62}$"

ATTRIBUTES: Mapping[str, Schema] = MappingProxyType(
    {
        "specversion": {"const": "1.0", "description": "Of CloudEvents."},
        "id": {
            "type": "string",
            "pattern": r"^[A-Za-z0-9_-]+\.[1-9][0-9]*$",
            "description": "`<subject>.<streamversion>`: two events never share it.",
        },
        "type": {"type": "string", "description": "The stored name."},
        "subject": {"type": "string", "pattern": _STREAM, "description": "The event's stream, a keyed hash."},
        "streamversion": {
            "type": "integer",
            "minimum": 1,
            "description": "Its place in its stream: 1, 2, 3 ...",
        },
        "sequence": {
            "type": "string",
            "pattern": _POSITIVE,
            "description": "Its number in its shard's ledger: 1, 2, 3 ... without a gap, over one partition "
            "of all event topics together.",
        },
        "source": {"type": "string", "pattern": f"^/accounts/{_ACCOUNT}"},
        "time": {
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?\+00:00$",
            "description": "When it was decided, in UTC.",
        },
        "account": {
            "type": "string",
            "pattern": f"^{_ACCOUNT}",
            "description": "Whose it is; the record's key.",
        },
        "actorkind": {"enum": [*get_args(ActorKind)], "description": "What kind of actor caused it."},
        "actorid": {"type": "string", "minLength": 1, "maxLength": 128, "description": "Who caused it."},
        "actorname": {"type": "string", "minLength": 1, "maxLength": 200},
        "commandid": {"type": "string", "format": "uuid", "description": "Of the command that caused it."},
        "shard": {"type": "integer", "minimum": 0, "description": "The partition of its command."},
        "position": {
            "type": "string",
            "pattern": r"^[0-9]+$",
            "description": "The command's place in its shard.",
        },
        "traceparent": {"type": "string", "description": "W3C trace context."},
    }
)
"""The attributes of an event, in the order in which they are written."""
_OPTIONAL_ATTRIBUTES = frozenset({"actorname", "traceparent"})


def _event_schema(cls: type[Event]) -> Schema:
    schema, data = envelope_schema(), data_schema(cls)
    definitions, title = data.pop("$defs", {}), data.pop("title")
    schema["properties"] |= {
        "type": {"const": cls.NAME, "description": ATTRIBUTES["type"]["description"]},
        "data": data,
    }
    whole = {"title": title, "description": data.pop("description"), "x-topic": cls.TOPIC.value, **schema}
    return {**whole, "$defs": definitions} if definitions else whole


def _whole(name: str, schema: Schema) -> Schema:
    """`schema` as a document of its own, in the order in which a person reads it."""
    rest = {key: value for key, value in schema.items() if key not in _FIRST and key != "$defs"}
    last = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    first = {key: schema[key] for key in _FIRST if key in schema}
    return {"$schema": DIALECT, "$id": f"urn:sayso:{name}", **first, **rest, **last}


_FIRST = ("title", "description", "x-topic", "type", "properties", "required")


def _sealed(cls: type[Event]) -> Schema:
    names = ", ".join(f"`{name}`" for name in cls.model_fields if name in cls.PERSONAL)
    return {
        "type": "string",
        "contentEncoding": "base64",
        "pattern": r"^[A-Za-z0-9+/]+={0,2}$",
        "minLength": -(-BOX_BYTES_MIN // 3) * 4,
        "description": f"What says something about a person: {names}, as one JSON object under the key of "
        "the stream: AES-256-GCM; 2 bytes of key generation, 12 of nonce, ciphertext, 16 of tag.",
    }


# --- from pydantic ----------------------------------------------------------------------------------


def _schema_of(cls: type[BaseModel], reference: str) -> Schema:
    found = cls.model_json_schema(ref_template=reference, schema_generator=_Generator)
    for place in _places(found, "format"):
        if place["format"] == "ipvanyaddress":  # Pydantic's own
            place["anyOf"] = [{"format": "ipv4"}, {"format": "ipv6"}]
            del place["format"]
    return found


_BY_VALIDATOR: Mapping[Callable[..., Any], Schema] = {
    without_nul: {"pattern": r"^[^\u0000]*$"},
    near: {"pattern": rf"^2[01]\d\d{_MOMENT}"},
    in_utc: {"pattern": rf"^\d{{4}}{_MOMENT}"},
}
"""What our own validators ask for, as far as a schema can say it."""
_BY_CLASS: Mapping[type[BaseModel], Schema] = {
    Actor: {
        "if": {"properties": {"kind": {"const": "candidate"}}},
        "then": {"properties": {"id": {"pattern": CANDIDATE_ID}, "name": {"type": "null"}}},
    }
}


class _Generator(GenerateJsonSchema):
    """Pydantic's schemas, with the words beneath the fields, and without what is only true in Python."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        cls = schema["cls"]
        for name, member in found.get("properties", {}).items():
            if name in (said := _words_beneath(cls)):
                member["description"] = said[name]
            if cls is SettingsChange or member.get("default", "") is None or "const" in member:
                member.pop("default", None)  # what is left out of a change stays
        return found | _BY_CLASS.get(cls, {})

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        found = super().tagged_union_schema(schema)
        tag = found.pop("discriminator")["propertyName"]  # OpenAPI's word, and no JSON Schema's
        return {**found, "required": [tag]}

    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> JsonSchemaValue:
        found = super().function_after_schema(schema)
        return found | _BY_VALIDATOR.get(schema["function"]["function"], {})


def _words_beneath(cls: Any) -> Mapping[str, str]:
    """The docstrings that stand beneath the fields of `cls` and of what it inherits from."""
    words: dict[str, str] = {}
    for parent in reversed(cls.__mro__):
        if issubclass(parent, Message):
            words.update(_words_in(parent.__module__).get(parent.__name__, {}))
    return words


@cache
def _words_in(module: str) -> Mapping[str, Mapping[str, str]]:
    """By class: the docstrings beneath the fields of the classes of `module`."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {node.name: dict(_words_of(node)) for node in classes}


def _words_of(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, beneath in zip(node.body, node.body[1:], strict=False):
        match field, beneath:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                yield name, inspect.cleandoc(said)
            case _:
                pass


def _pruned(schema: Schema, reference: str) -> Schema:
    """`schema` without definitions that nothing refers to."""
    definitions = schema.pop("$defs", {})
    prefix = reference.removesuffix("{model}")
    needed: dict[str, Any] = {}
    left = [*_references(schema)]
    while left:
        name = left.pop().removeprefix(prefix)
        if name not in needed:
            needed[name] = definitions[name]
            left.extend(_references(definitions[name]))
    return {**schema, "$defs": dict(sorted(needed.items()))} if needed else schema


def _references(schema: Any) -> Iterator[str]:
    return (place["$ref"] for place in _places(schema, "$ref"))


def _places(value: Any, key: str) -> list[dict[str, Any]]:
    """Every schema within `value` that says something about `key`."""
    if isinstance(value, list):
        return [place for part in value for place in _places(part, key)]
    if not isinstance(value, dict):
        return []
    here = [value] if isinstance(value.get(key), str) else []
    return here + [place for part in value.values() for place in _places(part, key)]
