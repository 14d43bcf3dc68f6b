"""Packages and the balance: what texts cost, where they come from, and when it runs low."""

from pathlib import Path

import pytest

from schemas.actors import Permission
from tests.support.office import POLITE, Office, activation, new_account, open_office
from tests.support.sayso import System, problem_of, running


@pytest.mark.parametrize(
    ("country", "currency", "price"),
    [("US", "USD", "75.00"), ("DE", "EUR", "75.00"), ("GB", "GBP", "65.00"), ("CH", "CHF", "72.00")],
)
def test_a_package_is_priced_in_the_accounts_currency(
    system: System, country: str, currency: str, price: str
) -> None:
    office = open_office(system, country=country, currency=currency)
    assert office.boss.accepted("buy-package") == {"balance": 1_050}
    line = office.statement()[0]
    assert (line["kind"], line["segments"], line["balance"]) == ("bought", 1_000, 1_050)
    assert (line["package"], line["price"], line["currency"]) == ("standard", price, currency)


def test_a_currency_without_a_price_is_refused_and_nothing_is_bought(system: System) -> None:
    office = open_office(system, country="JP", currency="JPY")
    problem = office.boss.problem("buy-package")
    assert (problem["code"], problem["status"]) == ("no_price", 422)
    assert "JPY" in problem["detail"]
    assert office.credits()["bought"] == 0


def test_a_package_that_is_not_on_sale_is_refused_with_those_that_are(office: Office) -> None:
    problem = office.boss.problem("buy-package", package="huge")
    assert problem["code"] == "no_such_package"
    assert "standard" in problem["detail"]


def test_the_price_table_is_a_setting(tmp_path: Path) -> None:
    packages = {"small": {"segments": 10, "prices": {"SEK": "99.50"}}}
    with running(tmp_path, packages=packages, free_segments=3) as system:
        account = new_account(system)
        assert account.boss.accepted("activate-texting", **activation("SE", "SEK")) == {"balance": 3}
        assert account.boss.accepted("buy-package", package="small") == {"balance": 13}
        line = account.statement()[0]
        assert (line["price"], line["currency"]) == ("99.50", "SEK")
        assert account.boss.refused("buy-package") == "no_such_package"


def test_when_all_texts_are_used_up_a_package_goes_on(office: Office) -> None:
    person = office.candidate()
    office.has_left(1)
    person.gets()
    answer = office.boss.command("send-text", **person.at, body="One more")
    problem = problem_of(answer)
    assert (problem["status"], problem["code"]) == (402, "insufficient_credit")
    assert person.preview("One more")["refusal"]["code"] == "insufficient_credit"
    office.boss.accepted("buy-package")
    person.gets("One more")
    assert office.balance == 999


def test_a_text_of_more_segments_than_are_left_is_refused_whole(office: Office) -> None:
    person = office.candidate()
    office.has_left(2)
    assert office.boss.refused("send-text", **person.at, body="x" * 400) == "insufficient_credit"
    assert office.balance == 2


def test_the_statement_has_every_debit_refund_and_purchase(office: Office) -> None:
    person = office.candidate()
    sent = person.gets()
    later = person.gets("x" * 200, send_at="2150-01-01T12:00:00Z", override_quiet_hours=True)
    office.boss.accepted("cancel-text", **person.at, text_id=later["text_id"])
    office.boss.accepted("buy-package")
    office.boss.accepted("adjust-segments", segments=-9, reason="Moved to another account")

    lines = office.statement()
    assert [(line["kind"], line["segments"], line["balance"]) for line in lines] == [
        ("adjusted", -9, 1_040),
        ("bought", 1_000, 1_049),
        ("refunded", 2, 49),
        ("debited", -2, 47),
        ("debited", -1, 49),
        ("free", 50, 50),
    ]
    assert [line["text_id"] for line in lines[2:5]] == [later["text_id"], later["text_id"], sent["text_id"]]
    assert lines[0]["reason"] == "Moved to another account"
    assert lines[2]["reason"] == "cancelled_by_member"
    assert {line["by"]["id"] for line in lines} == {"grace"}
    assert office.balance == 1_040


def test_the_statement_comes_in_pages(office: Office) -> None:
    for _ in range(4):
        office.boss.accepted("buy-package")
    seen, cursor = [], None
    while True:
        query = {"limit": 2} if cursor is None else {"limit": 2, "cursor": cursor}
        page = office.boss.get("/credits/statement", **query)
        seen += page["items"]
        if (cursor := page["next"]) is None:
            break
    assert seen == office.statement()
    assert len(seen) == 5


@pytest.mark.parametrize(("left", "warning"), [(50, None), (11, None), (10, "low"), (1, "low"), (0, "empty")])
def test_the_balance_warns_at_a_fifth_and_at_nothing(office: Office, left: int, warning: str | None) -> None:
    office.has_left(left)
    assert office.credits()["warning"] == warning


def test_a_purchase_ends_the_warning_and_moves_the_fifth(office: Office) -> None:
    office.has_left(0)
    office.boss.accepted("buy-package")
    assert office.credits()["warning"] is None
    office.has_left(201)
    assert office.credits()["warning"] is None
    office.has_left(200)
    assert office.credits()["warning"] == "low"


def test_buying_needs_the_permission_to_manage(office: Office) -> None:
    everything_else = tuple(one for one in Permission if one is not Permission.MANAGE)
    assert office.member(*everything_else).refused("buy-package") == "not_permitted"
    assert office.member(Permission.MANAGE).accepted("buy-package")["balance"] == 1_050


def test_the_carriers_own_count_is_what_is_paid_in_the_end(office: Office) -> None:
    person = office.candidate()
    person.phone.behaves(segments=3)
    sent = person.gets()
    person.phone.shows(POLITE)
    text = person.becomes(sent["text_id"], "delivered")
    assert text["segments"] == 3
    assert office.balance == 47
    assert office.statement()[0]["reason"] == "carrier_count"


@pytest.mark.parametrize(("ends", "balance"), [("failed", 50), ("undelivered", 49)])
def test_what_never_reached_the_network_is_refunded_and_what_did_is_not(
    office: Office, ends: str, balance: int
) -> None:
    person = office.candidate()
    person.phone.behaves(ends=ends, ends_with_code=30005)
    text = person.becomes(person.gets()["text_id"], ends)
    assert text["code"] == 30005
    assert office.balance == balance
