"""The published schemas: what is really written validates, and near misses do not."""

import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from functools import reduce
from operator import getitem
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import ValidationError

from schemas import codec, commands
from schemas.events import Event, event_classes
from schemas.json_schemas import command_classes, command_schemas, event_schemas
from schemas.sealing import SealingKey
from tests.schemas.strategies import events, models, recorded

SEQUENCE = 42
KINDS = sorted(command_classes())
CLASSES = sorted(event_classes(), key=lambda cls: cls.NAME)
FORMATS = FormatChecker(("uuid", "ipv4", "ipv6"))
SCHEMAS = {**command_schemas(), **event_schemas()}
VALIDATORS = {name: Draft202012Validator(schema, format_checker=FORMATS) for name, schema in SCHEMAS.items()}
few = settings(max_examples=settings().max_examples // 5)


class OneKey:
    def cipher(self, stream: str) -> SealingKey:
        return SealingKey(b"k" * 32, 1)


def on_the_topic(cls: type[Event]) -> st.SearchStrategy[dict[str, Any]]:
    """What a reader of the topic gets."""
    return recorded(events(cls)).map(lambda found: json.loads(codec.encode(found, OneKey(), SEQUENCE)))


def published(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """A command as a producer writes it."""
    return models(command_classes()[kind]).map(lambda command: json.loads(commands.write(command)))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each member, at any depth, stands."""
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, part in members:
        yield (*path, key)
        yield from places(part, (*path, key))


def texts(value: Any) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every text, at any depth, and where it stands."""
    for path in places(value):
        found = reduce(getitem, path, value)
        if isinstance(found, str):
            yield path, found


def changed(value: Any, path: tuple[Any, ...], to: Any) -> Any:
    """A copy of `value` that reads `to` at `path`; `...` takes the member away."""
    copy = deepcopy(value)
    place = copy
    for key in path[:-1]:
        place = place[key]
    if to is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return copy


def takes(data: dict[str, Any]) -> bool:
    """Whether Sayso would read this command."""
    try:
        commands.read(json.dumps(data).encode())
    except ValidationError:
        return False
    return True


WRONG: tuple[Any, ...] = (
    ...,
    None,
    5,
    -1,
    1.5,
    True,
    "",
    "5",
    "x" * 5_000,
    "nul\0",
    [],
    {},
    ["x"],
    {"x": 1},
    "2026-11-20T09:30:00",
)


# --- commands ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_validates_and_what_validates_is_read(kind: str) -> None:
    @few
    @given(published(kind), st.data())
    def holds(command: dict[str, Any], data: st.DataObject) -> None:
        VALIDATORS[kind].validate(command)
        path = data.draw(st.sampled_from([*places(command)]))
        missed = changed(command, path, data.draw(st.sampled_from(WRONG)))
        assert takes(missed) or not VALIDATORS[kind].is_valid(missed)

    holds()


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_that_is_read_holds_what_no_database_keeps(kind: str) -> None:
    @few
    @given(published(kind))
    def holds(command: dict[str, Any]) -> None:
        for path, text in texts(command):
            spoilt = json.dumps(changed(command, path, f"{text}\0")).encode()
            with suppress(ValidationError):
                assert "\\u0000" not in commands.write(commands.read(spoilt)).decode()

    holds()


@pytest.mark.parametrize("kind", KINDS)
def test_a_command_that_lacks_or_adds_a_member_does_not_validate(kind: str) -> None:
    @few
    @given(published(kind))
    def holds(command: dict[str, Any]) -> None:
        for name in SCHEMAS[kind]["required"]:
            assert not VALIDATORS[kind].is_valid(changed(command, (name,), ...))
        assert not VALIDATORS[kind].is_valid({**command, "sender": 1, "surplus": 1})
        other = next(one for one in KINDS if one != kind)
        assert not VALIDATORS[other].is_valid(command)

    holds()


def test_a_candidate_acts_without_a_name() -> None:
    command = {
        "type": "mark-read",
        "command_id": "01936f00-1111-7000-8000-000000000001",
        "account": "acme",
        "actor": {"kind": "candidate", "id": "c-1", "name": "Ada"},
        "candidate": "c-1",
        "number": "+14155552671",
    }
    assert not VALIDATORS["mark-read"].is_valid(command)
    assert VALIDATORS["mark-read"].is_valid(changed(command, ("actor", "name"), ...))


# --- events -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.NAME)
def test_every_event_on_the_topics_validates_and_near_misses_do_not(cls: type[Event]) -> None:
    validator = VALIDATORS[cls.NAME]

    @few
    @given(on_the_topic(cls))
    def holds(event: dict[str, Any]) -> None:
        validator.validate(event)
        for name in SCHEMAS[cls.NAME]["required"]:
            assert not validator.is_valid(changed(event, (name,), ...)), name
        for name in SCHEMAS[cls.NAME]["properties"]["data"]["required"]:
            assert not validator.is_valid(changed(event, ("data", name), ...)), name
        for name in cls.PERSONAL:
            assert not validator.is_valid(changed(event, ("data", name), "in the clear"))
        assert not validator.is_valid(changed(event, ("data", "surplus"), 1))
        assert validator.is_valid({**event, "later": "an attribute of a later version"})

    holds()


@pytest.mark.parametrize(
    ("attribute", "wrong"),
    [
        ("sequence", SEQUENCE),
        ("sequence", "0"),
        ("position", 7),
        ("streamversion", 0),
        ("id", "no-version"),
        ("type", "text-queued.v0"),
        ("time", "2026-11-20T09:30:00+01:00"),
        ("actorkind", "stranger"),
        ("commandid", "7"),
        ("source", "/acme"),
    ],
)
def test_a_wrong_attribute_does_not_validate(attribute: str, wrong: object) -> None:
    (cls,) = [cls for cls in CLASSES if cls.NAME == "text-delivered.v1"]

    @few
    @given(on_the_topic(cls))
    def holds(event: dict[str, Any]) -> None:
        assert not VALIDATORS[cls.NAME].is_valid({**event, attribute: wrong})

    holds()


@pytest.mark.parametrize(
    "box", ["", "c2hvcnQ=", "not base64 at all, though long enough to be a box of ours", 7]
)
def test_what_is_no_box_does_not_validate(box: object) -> None:
    (cls,) = [cls for cls in CLASSES if cls.NAME == "text-queued.v1"]

    @few
    @given(on_the_topic(cls))
    def holds(event: dict[str, Any]) -> None:
        assert not VALIDATORS[cls.NAME].is_valid(changed(event, ("data", "sealed"), box))

    holds()


def test_every_schema_is_one_and_says_what_it_is_about() -> None:
    assert len(SCHEMAS) == len(KINDS) + len(CLASSES)
    for name, schema in SCHEMAS.items():
        Draft202012Validator.check_schema(schema)
        assert schema["$id"].endswith(f":{name}")
        assert schema["description"]
