"""Countries: who cannot be texted and why, what to know before, and how an account narrows it."""

import pytest

from schemas.actors import Permission
from tests.support.office import POLITE, Json, Office, open_office
from tests.support.sayso import System

FRENCH = "+33612345678"
NUMBERS = {
    "AE": "+971501234567", "AU": "+61412345678", "DE": "+4915112345678", "FI": "+358412345678",
    "GB": "+447400123456", "IN": "+918123456789", "NZ": "+64211234567", "RE": "+262692123456",
    "SE": "+46701234567", "UY": "+59894231234",
}  # fmt: skip


@pytest.mark.parametrize(("number", "region"), [(FRENCH, None), ("06 12 34 56 78", "FR")])
def test_french_numbers_are_refused_with_a_reason_of_their_own(
    office: Office, number: str, region: str | None
) -> None:
    office.boss.accepted("add-number", candidate="c-1", number=number, region=region)
    french = {"candidate": "c-1", "number": FRENCH}
    office.boss.accepted("add-consent", **french, **office.agreement())
    problem = office.boss.problem("send-text", **french, body=POLITE)
    assert (problem["status"], problem["code"]) == (422, "french_number")
    assert problem["detail"].startswith("French numbers (+33) cannot be texted")
    assert office.preview(**french, body=POLITE)["refusal"]["sentence"] == problem["detail"]
    assert office.balance == 50


def test_from_a_french_sender_they_are_refused_too(office: Office) -> None:
    office.member(Permission.OPERATE).accepted("assign-sender", sender="+33612340000")
    person = office.candidate(FRENCH)
    assert office.boss.refused("send-text", **person.at, body=POLITE) == "french_number"


def test_an_overseas_number_is_not_taken_for_a_french_one(office: Office) -> None:
    person = office.candidate(NUMBERS["RE"])
    assert person.thread()["region"] == "RE"
    assert person.preview()["refusal"] is None
    typed = {"candidate": "c-1", "number": "0692 12 34 56", "region": "FR"}
    assert office.boss.refused("add-number", **typed) in ("number_ambiguous", "number_invalid")


@pytest.mark.parametrize(
    ("region", "warnings"),
    [
        ("SE", []),
        ("DE", []),
        ("FI", ["sender_overwritten", "no_replies"]),
        ("GB", ["sender_unsupported", "no_replies"]),
        ("AE", ["sender_unsupported", "no_replies"]),
        ("NZ", ["sender_overwritten", "no_replies"]),
        ("UY", ["country_unlisted"]),
    ],
)
def test_the_composer_warns_before_the_send_and_the_receipt_repeats_it(
    office: Office, region: str, warnings: list[str]
) -> None:
    person = office.candidate(NUMBERS[region])
    assert set(person.preview()["warnings"]) == set(warnings)
    assert set(person.gets()["warnings"]) == set(warnings)


def test_what_is_warned_of_depends_on_the_sender(system: System) -> None:
    office = open_office(system, country="FI", currency="EUR")
    office.member(Permission.OPERATE).accepted("assign-sender", sender=NUMBERS["FI"])
    person = office.candidate("+358401234567")
    assert person.preview()["warnings"] == []


def test_an_account_can_block_a_country_and_open_it_again(office: Office) -> None:
    person = office.candidate()
    office.chooses(blocked_regions=["US", "SE"])
    problem = office.boss.problem("send-text", **person.at, body=POLITE)
    assert problem["code"] == "country_blocked"
    assert "French" not in problem["detail"]
    assert person.preview()["refusal"]["code"] == "country_blocked"
    office.chooses(blocked_regions=["SE"])
    person.gets()


@pytest.mark.parametrize("change", [{"blocked_regions": []}, {"blocked_regions": ["US"]}])
def test_an_account_cannot_open_what_the_policy_blocks(office: Office, change: Json) -> None:
    office.chooses(**change)
    person = office.candidate(FRENCH)
    assert office.boss.refused("send-text", **person.at, body=POLITE) == "french_number"


def test_there_is_no_setting_that_widens_the_policy(office: Office) -> None:
    for change in ({"allowed_regions": ["FR"]}, {"blocked_regions": None}, {"blocked_regions": ["France"]}):
        assert office.boss.refused("change-settings", change=change) == "invalid_command"


def test_a_blocked_country_costs_nothing(office: Office) -> None:
    person = office.candidate(FRENCH)
    office.boss.refused("send-text", **person.at, body=POLITE)
    assert (office.balance, person.messages()) == (50, [])
