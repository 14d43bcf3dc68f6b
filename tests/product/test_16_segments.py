"""Segments: what a text costs, shown while it is written, and one text to whoever reads it."""

import pytest

from tests.support.office import Office, Person
from tests.support.sayso import problem_of

EMOJI = "\U0001f600"  # two UTF-16 units


@pytest.fixture
def ada(office: Office) -> Person:
    """Somebody who was texted before, so that no first text is advised upon."""
    person = office.candidate()
    person.gets()
    return person


@pytest.mark.parametrize(
    ("body", "encoding", "units", "segments"),
    [
        ("x", "GSM-7", 1, 1),
        ("x" * 160, "GSM-7", 160, 1),
        ("x" * 161, "GSM-7", 161, 2),
        ("x" * 306, "GSM-7", 306, 2),
        ("x" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        ("x" * 1_400, "GSM-7", 1_400, 10),
        ("ж" * 70, "UCS-2", 70, 1),
        ("ж" * 71, "UCS-2", 71, 2),
        ("ж" * 1_400, "UCS-2", 1_400, 21),
        (EMOJI * 35, "UCS-2", 70, 1),
        (EMOJI * 36, "UCS-2", 72, 2),
        ("Françoise", "UCS-2", 9, 1),
    ],
)
def test_each_segment_is_one_credit_and_the_preview_says_so_before(
    ada: Person, body: str, encoding: str, units: int, segments: int
) -> None:
    seen = ada.preview(body)
    assert (seen["encoding"], seen["units"], seen["segments"], seen["credits"]) == (
        encoding,
        units,
        segments,
        segments,
    )
    assert seen["text_units_left"] == 1_400 - units
    assert seen["refusal"] is None
    text = ada.gets(body)
    assert (text["encoding"], text["segments"], text["balance"]) == (encoding, segments, 49 - segments)
    assert ada.office.balance == 49 - segments


@pytest.mark.parametrize("body", ["x" * 1_401, "ж" * 1_401, "€" * 701, EMOJI * 701])
def test_more_than_the_limit_is_refused(ada: Person, body: str) -> None:
    problem = problem_of(ada.office.boss.command("send-text", **ada.at, body=body))
    assert (problem["status"], problem["code"]) == (422, "body_too_long")
    assert "1400" in problem["detail"].replace(",", "")
    seen = ada.preview(body)
    assert seen["refusal"]["code"] == "body_too_long"
    assert seen["text_units_left"] < 0
    assert ada.office.balance == 49


def test_a_long_text_is_one_text_to_everybody_who_reads_it(ada: Person) -> None:
    body = "Dear Ada, " + "we would like to meet you again. " * 20
    text = ada.gets(body)
    assert text["segments"] > 1
    ada.phone.shows(body)
    message = ada.becomes(text["text_id"], "delivered")
    assert (message["body"], message["segments"]) == (body, text["segments"])
    assert len(ada.messages()) == 2


def test_the_units_left_are_counted_to_the_next_segment_and_to_the_end(ada: Person) -> None:
    seen = ada.preview("x" * 150)
    assert (seen["segment_units_left"], seen["text_units_left"]) == (10, 1_250)
    seen = ada.preview("x" * 170)
    assert (seen["segment_units_left"], seen["text_units_left"]) == (2 * 153 - 170, 1_230)


def test_it_says_which_characters_force_the_dearer_encoding_and_what_swapping_saves(ada: Person) -> None:
    body = "It’s on Tuesday – “bring” your laptop" + " please" * 10
    seen = ada.preview(body)
    assert (seen["encoding"], seen["segments"]) == ("UCS-2", 2)
    assert [(one["character"], one["swap"]) for one in seen["forcing"]] == [
        ("’", "'"),
        ("–", "-"),
        ("“", '"'),
        ("”", '"'),
    ]
    assert seen["forcing"][0]["positions"] == [2]
    assert seen["forcing"][0]["name"] == "RIGHT SINGLE QUOTATION MARK"
    assert (seen["swapped"]["encoding"], seen["swapped"]["segments"], seen["swapped"]["saved"]) == (
        "GSM-7",
        1,
        1,
    )
    again = ada.preview(seen["swapped"]["body"])
    assert (again["encoding"], again["forcing"], again["swapped"]) == ("GSM-7", [], None)


def test_what_cannot_be_swapped_is_named_all_the_same(ada: Person) -> None:
    seen = ada.preview(f"See you {EMOJI}")
    assert [(one["character"], one["swap"]) for one in seen["forcing"]] == [(EMOJI, None)]
    assert seen["swapped"] is None


def test_an_empty_text_is_counted_too(ada: Person) -> None:
    seen = ada.preview("")
    assert (seen["units"], seen["segments"], seen["credits"]) == (0, 0, 0)
    assert seen["refusal"]["code"] == "body_empty"


def test_a_preview_changes_nothing(office: Office) -> None:
    person = office.candidate()
    before = (office.credits(), person.messages(), person.consent())
    person.preview("Hello")
    assert (office.credits(), person.messages(), person.consent()) == before
