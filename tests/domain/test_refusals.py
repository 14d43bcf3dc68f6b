"""Refusals: a stable code for machines, a sentence for people that says what to do next."""

import ast
import re
from pathlib import Path

import pytest

import domain
from domain.refusals import REFUSALS, Refused

ROOMS = Path(domain.__file__).resolve().parent.parent
STABLE = {
    "bulk_cancelled", "bulk_finished", "bulk_not_paused", "bulk_paused", "bulk_unknown",
    "recipient_repeated", "too_many_alike",
    "already_dispatched", "already_following", "already_granted", "balance_would_be_negative",
    "body_empty", "body_too_long", "carrier_unknown", "command_id_reused", "consent_not_given",
    "consent_withdrawn", "country_blocked", "country_unknown", "currency_unknown",
    "first_text_incomplete", "french_number", "insufficient_credit", "internal_error", "missed",
    "never_open", "no_price", "no_sender", "no_such_keyword_pack", "no_such_package", "not_activated",
    "not_due", "not_following", "not_granted", "not_permitted", "nothing_to_review", "number_ambiguous",
    "number_cannot_be_texted", "number_invalid", "number_present", "number_region_needed",
    "number_unknown", "obtained_in_future", "revoked_by_keyword", "send_at_past", "sender_kind_wrong",
    "sender_region_needed", "sender_unknown", "sending_not_stopped", "sending_stopped", "stale",
    "text_not_unknown", "text_unknown", "time_zone_unknown", "too_many_candidates", "too_many_followers",
    "too_many_numbers", "too_many_open_texts", "too_many_senders", "under_review",
}  # fmt: skip


def test_codes_are_stable() -> None:
    """3.19: machines rely on them. A new one may be added here; none may be renamed or taken away."""
    assert set(REFUSALS) == STABLE


@pytest.mark.parametrize("code", REFUSALS)
def test_each_sentence_is_one_and_says_enough(code: str) -> None:
    """3.19"""
    sentence = REFUSALS[code]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
    assert sentence == "{sentence}" or (sentence[0].isupper() or sentence[0] == "{")
    assert sentence[-1] in ".}"


def test_a_refusal_fills_in_what_it_is_told() -> None:
    """3.19"""
    refusal = Refused("insufficient_credit", needed=3, balance=2)
    assert refusal.code == "insufficient_credit"
    assert refusal.sentence == "This text needs 3, the balance is 2. Buy a package to go on."
    assert str(refusal) == f"insufficient_credit: {refusal.sentence}"


def test_a_code_that_does_not_exist_cannot_be_refused_with() -> None:
    with pytest.raises(KeyError):
        Refused("because")


def test_every_refusal_that_the_code_names_exists_with_its_details() -> None:
    named = list(_named())
    assert len(named) > 40
    for code, details in named:
        assert set(re.findall(r"{(\w+)}", REFUSALS[code])) == details, code


def test_every_code_is_used() -> None:
    from_numbers = {"number_invalid", "number_ambiguous", "number_region_needed", "number_cannot_be_texted"}
    from_countries = {"country_blocked", "french_number"}
    said_elsewhere = {"command_id_reused"}  # by whoever answers for a receipt that is another command's
    named = {code for code, _ in _named()}
    assert named | from_numbers | from_countries | said_elsewhere == set(REFUSALS)


def _named() -> list[tuple[str, set[str]]]:
    """Each `Refused("code", detail=...)` of the decisions and their workers."""
    files = [*(ROOMS / "domain").glob("*.py"), *(ROOMS / "consumers").glob("*.py")]
    return [
        (node.args[0].value, {str(keyword.arg) for keyword in node.keywords})
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Refused"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]
