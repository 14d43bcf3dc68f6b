"""Bytes that two readers could read differently, or none at all, are refused with a place to look."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from producers.http.problems import Problem
from producers.http.reading import json_object, pointer, refuse
from schemas import commands


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   ",
        b"{",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        rb'{"a": "\ud800"}',
        rb'{"a": "\udc00\ud800"}',
        rb'{"\ud800": 1}',
        b'{"a": 1, "a": 2}',
        b'{"b": {"a": 1, "a": 1}}',
        b'{"a":' + b"[" * 60_000,
        b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"a": ' + b"1" * 60_000 + b"}",
        b'{"a": 1e' + b"9" * 60_000 + b"}",
        b'{"a": 1e400}',
        b"[]",
        b"null",
        b'"text"',
        b"{}{}",
    ],
)
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(Problem) as caught:
        json_object(data)
    assert caught.value.code == "bad_json"
    assert len(caught.value.detail) <= 300


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with suppress(Problem):
        json_object(data)


def test_an_object_is_read() -> None:
    assert json_object('{"a": ["é", 1, null], "b": {}}'.encode()) == {"a": ["é", 1, None], "b": {}}


def test_pointers_escape_as_the_standard_says() -> None:
    assert pointer(("a/b", "c~d", 0)) == "#/a~1b/c~0d/0"
    assert pointer(()) == "#"


NAMED = ("#/command_id", "#/account", "#/actor")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (
            '{"type": "send-text"}',
            {"#/command_id", "#/account", "#/actor", "#/candidate", "#/number", "#/body"},
        ),
        ('{"type": "buy-package", "packet": 1}', {*NAMED, "#/packet"}),
        ('{"type": "fly"}', {"#/type"}),
        ('{"type": 7}', {"#/type"}),
        ("{}", {"#/type"}),
    ],
)
def test_each_wrong_field_is_pointed_at(body: str, wrong: set[str]) -> None:
    assert {fault["pointer"] for fault in faults(body.encode())} == wrong


def test_what_was_written_is_not_repeated() -> None:
    assert "secret" not in str(faults(b'{"type": "send-text", "body": {"secret words": 1}}'))


@pytest.mark.parametrize(
    ("body", "pointed", "said"),
    [
        ('{"type": "send-bulk", "recipients": []}', "#/recipients", "has too few items"),
        (
            '{"type": "assign-sender", "sender": "four one five"}',
            "#/sender",
            "is not written as it has to be",
        ),
        (
            '{"type": "change-settings", "change": {"keyword_packs": [%s]}}',
            "#/change/keyword_packs",
            "too many",
        ),
    ],
)
def test_what_is_wrong_is_said_in_no_words_of_python(body: str, pointed: str, said: str) -> None:
    packs = ", ".join(f'"{one}{other}"' for one in "abcdef" for other in "abcdef")
    (detail,) = [f["detail"] for f in faults(body.replace("%s", packs).encode()) if f["pointer"] == pointed]
    assert said in detail


def faults(body: bytes) -> list[dict[str, str]]:
    with pytest.raises(ValidationError) as found:
        commands.read(body)
    with pytest.raises(Problem) as caught:
        refuse("invalid_command", "No.", found.value, json_object(body).get("type"))
    errors: list[dict[str, str]] = caught.value.extra["errors"]
    return errors
