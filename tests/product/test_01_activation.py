"""Activation: 50 free texts, once for ever, for whoever may manage and has agreed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from schemas.actors import Permission
from tests.support.office import Json, activation, new_account
from tests.support.sayso import System


def test_the_first_activation_credits_fifty_free_texts(system: System) -> None:
    account = new_account(system)
    assert account.boss.accepted("activate-texting", **activation()) == {"balance": 50}
    made_of = account.credits()
    assert (made_of["balance"], made_of["free"], made_of["bought"]) == (50, 50, 0)
    assert [(line["kind"], line["segments"]) for line in account.statement()] == [("free", 50)]


def test_a_second_activation_credits_none(system: System) -> None:
    account = new_account(system)
    account.boss.accepted("activate-texting", **activation())
    assert account.boss.accepted("activate-texting", **activation()) == {"balance": 50}
    assert len(account.statement()) == 1


def test_an_activation_after_all_free_texts_are_gone_credits_none(system: System) -> None:
    account = new_account(system)
    account.boss.accepted("activate-texting", **activation())
    account.has_left(0)
    assert account.boss.accepted("activate-texting", **activation("DE", "EUR")) == {"balance": 0}
    assert account.credits()["free"] == 50


def test_many_activations_at_once_credit_once(system: System) -> None:
    account = new_account(system)
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda _: account.boss.command("activate-texting", **activation()), range(40))
        )
    assert [answer.status_code for answer in answers] == [200] * 40
    account.boss.seen(answers[-1].json()["command_id"])
    assert account.balance == 50


def test_activation_records_country_currency_and_the_agreement(system: System) -> None:
    account = new_account(system)
    account.boss.accepted("activate-texting", **activation("DE", "EUR"), company="Acme")
    found = account.boss.get("")
    assert (found["country"], found["currency"], found["agreement_version"]) == ("DE", "EUR", "2026-01")
    assert found["activated_by"] == {"kind": "member", "id": "grace", "name": "Grace Hopper"}
    assert found["settings"]["company"] == "Acme"


def test_activation_needs_the_permission_to_manage(system: System) -> None:
    account = new_account(system)
    everything_else = tuple(one for one in Permission if one is not Permission.MANAGE)
    assert account.member(*everything_else).refused("activate-texting", **activation()) == "not_permitted"
    manager = account.member(Permission.MANAGE)
    assert manager.accepted("activate-texting", **activation()) == {"balance": 50}


@pytest.mark.parametrize("missing", ["country", "currency", "agreement"])
def test_activation_needs_country_currency_and_agreement(system: System, missing: str) -> None:
    fields = {name: value for name, value in activation().items() if name != missing}
    problem = new_account(system).boss.problem("activate-texting", **fields)
    assert problem["code"] == "invalid_command"
    assert [error["pointer"] for error in problem["errors"]] == [f"#/{missing}"]


@pytest.mark.parametrize(
    "agreement", [{"accepted": False, "version": "1"}, {"accepted": True}, {"version": "1"}, True, None]
)
def test_activation_needs_an_agreement_that_was_given(system: System, agreement: Json | bool | None) -> None:
    fields = {**activation(), "agreement": agreement}
    assert new_account(system).boss.refused("activate-texting", **fields) == "invalid_command"


@pytest.mark.parametrize(
    ("country", "currency", "code"),
    [
        ("ZZ", "USD", "country_unknown"),
        ("US", "ZZZ", "currency_unknown"),
        ("USA", "USD", "invalid_command"),
        ("US", "usd", "invalid_command"),
    ],
)
def test_a_country_or_currency_that_does_not_exist_is_refused(
    system: System, country: str, currency: str, code: str
) -> None:
    account = new_account(system)
    assert account.boss.refused("activate-texting", **activation(country, currency)) == code


def test_before_activation_nothing_is_sent_or_bought(system: System) -> None:
    account = new_account(system)
    account.boss.accepted("assign-sender", sender=account.sender)
    person = account.candidate()
    assert account.boss.refused("send-text", **person.at, body="Hi") == "not_activated"
    assert account.boss.refused("buy-package") == "not_activated"
    assert person.preview()["refusal"]["code"] == "not_activated"
