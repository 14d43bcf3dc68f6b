"""The topics as an AsyncAPI document, for whoever publishes commands or reads events in any language.

Schemas of messages are those of `schemas.json_schemas`, told in the part of JSON Schema that AsyncAPI shares
(draft 07): definitions stand under `components`.

Source: AsyncAPI 3.0.0; Kafka bindings 0.5.0; CloudEvents 1.0.2, Kafka protocol binding.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from schemas import letters, records
from schemas.commands import BULK_BYTES_MAX, COMMAND_BYTES_MAX, LARGE_TYPE, Command
from schemas.events import Event, event_classes
from schemas.json_schemas import Schema, command_classes, command_schema, data_schema, envelope_schema
from schemas.topics import EVENT_TOPICS, STANDARD_PREFIX, TOPICS, Topic

ASYNCAPI_VERSION = "3.0.0"
KAFKA_BINDING = "0.5.0"
_SCHEMAS = "#/components/schemas/"
_ENVELOPE = "CloudEvent"

_DESCRIPTION = """\
Texts to candidates, with their say-so. Whoever wants something publishes a command; Sayso decides it, and
publishes what happened as events, each a CloudEvent in structured mode. Among them is one receipt for every
command. The operations are Sayso's: an ATS sends what Sayso receives.

Records are keyed by account. All of an account is in one partition, of the same number in every topic, so it
is decided and told in order. Publish with the partitioner of Java's clients (murmur2); a command in another
partition is forwarded to its own, once. A command's id makes retries harmless: when in doubt, publish again.

Events are published in transactions: read with `isolation.level=read_committed`. `sequence` counts the events
of a partition over all event topics, without gaps, so that they can be merged again into the order in which
they were decided. What an event says about a person is sealed (`sealed`); events are kept for ever."""

_LETTER: Schema = {
    "name": "dead-letter",
    "title": "Dead letter",
    "summary": "What came in and could not be used: the record's own value, byte for byte.",
    "contentType": records.LETTER_TYPE,
    "headers": {
        "type": "object",
        "properties": {
            letters.REASON: {"enum": [*letters.Reason], "description": "Why it could not be used."},
            letters.ORIGIN: {
                "type": "string",
                "description": "Where it was: `<topic>/<partition>/<offset>`.",
            },
        },
        "required": [letters.REASON, letters.ORIGIN],
    },
    "payload": {"description": "Any bytes."},
}


def document(
    version: str,
    *,
    prefix: str = STANDARD_PREFIX,
    partitions: int = 8,
    replication: int = 3,
    examples: Mapping[str, Schema] = MappingProxyType({}),
) -> dict[str, Any]:
    """The document, as what JSON or YAML may be written of.

    Args:
        version: Sayso's.
        prefix: what the topics' names begin with.
        partitions: of each topic.
        replication: copies of each topic.
        examples: commands by type, shown with their messages.
    """
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "id": "urn:sayso",
        "info": {
            "title": "Sayso",
            "version": version,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
            "tags": [{"name": "commands"}, {"name": "events"}],
        },
        "defaultContentType": records.EVENT_TYPE,
        "servers": _servers(),
        "channels": {_key(topic): _channel(topic, prefix, partitions, replication) for topic in Topic},
        "operations": _operations(),
        "components": {
            "messages": _messages(examples),
            "schemas": _schemas(),
            "securitySchemes": _security_schemes(),
        },
    }


# --- where ------------------------------------------------------------------------------------------


def _servers() -> Schema:
    schemes = ("scramSha512", "scramSha256", "plain", "mutualTls")
    return {
        "production": {
            "host": "{host}:{port}",
            "protocol": "kafka-secure",
            "description": "TLS, and one principal for each role: see docs/security.md.",
            "variables": {"host": {"default": "kafka.example.com"}, "port": {"default": "9093"}},
            "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in schemes],
        },
        "local": {
            "host": "127.0.0.1:9092",
            "protocol": "kafka",
            "description": "A developer's own broker: neither TLS nor a password.",
        },
    }


def _security_schemes() -> Schema:
    return {
        "scramSha512": {"type": "scramSha512", "description": "SASL_SSL with SCRAM-SHA-512."},
        "scramSha256": {"type": "scramSha256", "description": "SASL_SSL with SCRAM-SHA-256."},
        "plain": {"type": "plain", "description": "SASL_SSL with PLAIN: never without TLS."},
        "mutualTls": {"type": "X509", "description": "SSL: the client shows a certificate of its own."},
    }


def _channel(topic: Topic, prefix: str, partitions: int, replication: int) -> Schema:
    spec = TOPICS[topic]
    settings = spec.settings(replication)
    return {
        "address": topic.on(prefix),
        "title": _key(topic).capitalize(),
        "description": f"{spec.holds} {spec.why_so_long}",
        "messages": {
            name: {"$ref": f"#/components/messages/{name}"} for name in _names_of_messages_on(topic)
        },
        "bindings": {
            "kafka": {
                "topic": topic.on(prefix),
                "partitions": partitions,
                "replicas": replication,
                "topicConfiguration": {name: _typed(name, value) for name, value in settings.items()},
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _typed(name: str, value: str) -> Any:
    if name == "cleanup.policy":
        return value.split(",")
    if value in ("true", "false"):
        return value == "true"
    return int(value) if value.lstrip("-").isdecimal() else value


def _operations() -> Schema:
    receive = {
        "receiveCommands": {
            "action": "receive",
            "channel": {"$ref": "#/channels/commands"},
            "title": "Take a command in",
            "description": "An ATS publishes here. Every command that can be read gets one receipt; what "
            "cannot be read becomes a dead letter.",
            "tags": [{"name": "commands"}],
            "reply": {"channel": {"$ref": "#/channels/receipts"}},
        }
    }
    send = {
        f"send{_key(topic)[0].upper()}{_key(topic)[1:]}": {
            "action": "send",
            "channel": {"$ref": f"#/channels/{_key(topic)}"},
            "title": f"Publish to {_key(topic)}",
            "description": TOPICS[topic].holds,
            "tags": [{"name": "events" if topic in EVENT_TOPICS else "commands"}],
        }
        for topic in Topic
        if topic != Topic.COMMANDS
    }
    return receive | send


def _key(topic: Topic) -> str:
    return {Topic.DEAD_LETTERS: "deadLetters"}.get(topic, topic.on(""))


# --- what -------------------------------------------------------------------------------------------


def _names_of_messages_on(topic: Topic) -> list[str]:
    if topic == Topic.COMMANDS:
        return [*command_classes()]
    if topic == Topic.DEAD_LETTERS:
        return [_LETTER["name"]]
    return [cls.NAME for cls in event_classes() if topic == cls.TOPIC]


def _messages(examples: Mapping[str, Schema]) -> Schema:
    commands = {
        name: _command_message(name, cls, examples.get(name)) for name, cls in command_classes().items()
    }
    events = {cls.NAME: _event_message(cls) for cls in event_classes()}
    return {**commands, **events, _LETTER["name"]: _LETTER}


def _command_message(name: str, cls: type[Command], example: Schema | None) -> Schema:
    message = _message(name, cls) | {
        "contentType": records.COMMAND_TYPE,
        "correlationId": {"location": "$message.payload#/command_id"},
        "headers": {"$ref": f"{_SCHEMAS}CommandHeaders"},
    }
    return message if example is None else message | {"examples": [{"name": name, "payload": example}]}


def _event_message(cls: type[Event]) -> Schema:
    return _message(cls.NAME, cls) | {
        "contentType": records.EVENT_TYPE,
        "correlationId": {"location": "$message.payload#/commandid"},
        "headers": {"$ref": f"{_SCHEMAS}EventHeaders"},
    }


def _message(name: str, cls: type[Command] | type[Event]) -> Schema:
    return {
        "name": name,
        "title": cls.__name__,
        "summary": (cls.__doc__ or "").splitlines()[0],
        "payload": {"$ref": _SCHEMAS + cls.__name__},
        "bindings": {"kafka": {"key": {"$ref": f"{_SCHEMAS}Key"}, "bindingVersion": KAFKA_BINDING}},
    }


def _schemas() -> Schema:
    """Every schema that a message refers to, by the name of its class."""
    found: Schema = {
        "Key": {**envelope_schema()["properties"]["account"], "description": "The account, in UTF-8."},
        "CommandHeaders": _command_headers(),
        "EventHeaders": {
            "type": "object",
            "properties": {records.CONTENT_TYPE: {"const": records.EVENT_TYPE}},
            "required": [records.CONTENT_TYPE],
        },
        _ENVELOPE: envelope_schema(),
    }
    for cls in command_classes().values():
        _add(found, cls.__name__, command_schema(cls, _SCHEMAS + "{model}"))
    for event in event_classes():
        data = data_schema(event, _SCHEMAS + "{model}")
        own = {"type": "object", "properties": {"type": {"const": event.NAME}, "data": data}}
        told = {
            "title": event.__name__,
            "description": data.pop("description"),
            "$defs": data.pop("$defs", {}),
        }
        del data["title"]
        _add(found, event.__name__, {**told, "allOf": [{"$ref": _SCHEMAS + _ENVELOPE}, own]})
    return found


def _command_headers() -> Schema:
    return {
        "type": "object",
        "description": f"A command has {COMMAND_BYTES_MAX} bytes at most, a {LARGE_TYPE} {BULK_BYTES_MAX}. "
        "Its headers are optional.",
        "properties": {
            records.TRACEPARENT: {"type": "string", "description": "W3C trace context."},
            records.SEAL: {
                "type": "string",
                "pattern": "^[0-9a-f]{64}$",
                "description": "Of Sayso's own doors: without it, nobody is believed to be the carrier.",
            },
        },
    }


def _add(schemas: Schema, name: str, schema: Schema) -> None:
    for key, found in {**schema.pop("$defs", {}), name: schema}.items():
        if schemas.setdefault(key, found) != found:
            raise TypeError(f"two schemas are called {key}")
