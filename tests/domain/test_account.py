"""The account: activation (3.1), packages and the statement (3.2), settings, corrections, a stop."""

from decimal import Decimal

import pytest
from babel import Locale

from domain import account as accounts
from domain.account import Account
from domain.policy import FREE_SEGMENTS, STANDARD, Package, Policy
from domain.refusals import Refused
from domain.senders import Sender
from schemas.account_settings import AccountSettings, QuietHours, SettingsChange
from schemas.events import NotificationsSet, PackageBought, SegmentsAdjusted, SendingResumed, ThreadRead
from tests.domain.facts import (
    activated,
    active,
    debited,
    granted,
    listening,
    refunded,
    settings,
    stopped,
)
from tests.domain.given import given
from tests.domain.people import SENDER, TEXT, activate, adjust, buy, change, notify, resume

SERVICE = "MG0123456789abcdef0123456789abcdef"

# --- 3.1 activation ---------------------------------------------------------------------------------


def test_the_first_activation_credits_fifty_free_texts() -> None:
    """3.1"""
    outcome = given().when(activate())
    outcome.then(activated(balance=50, free=50)).answering(balance=50)
    assert FREE_SEGMENTS == 50


def test_a_second_activation_credits_none() -> None:
    """3.1"""
    given(activated()).when(activate()).then(activated(balance=50, free=0)).answering(balance=50)


def test_free_texts_come_once_for_ever_even_when_they_are_used_up() -> None:
    """3.1"""
    given(activated(), debited(50, balance=0)).when(activate()).then(activated(balance=0, free=0))


def test_a_second_activation_may_correct_country_and_currency() -> None:
    """3.1"""
    outcome = given(activated()).when(activate(country="DE", currency="EUR"))
    outcome.then(activated(free=0, country="DE", currency="EUR"))


def test_activation_adds_to_what_the_operator_gave_before() -> None:
    """3.1"""
    given().when(adjust(5)).and_when(activate()).then(activated(balance=55, free=50))


def test_activation_can_name_the_company() -> None:
    """3.1"""
    given().when(activate(company="Acme")).then(activated(), settings(company="Acme"))


def test_the_operator_says_how_many_texts_are_free() -> None:
    """3.1"""
    given().under(Policy(free_segments=7)).when(activate()).then(activated(balance=7, free=7))


def test_activation_remembers_which_agreement_was_accepted() -> None:
    """3.1"""
    (event,) = given().when(activate()).events
    assert getattr(event.event, "agreement_version", None) == "2026-01"


def test_an_unknown_currency_is_refused() -> None:
    """3.1"""
    given().when(activate(currency="XYZ")).refused("currency_unknown", "XYZ")


@pytest.mark.parametrize("country", ["XQ", "ZZ", "EU", "UN", "XA", "XB", "EZ", "QO"])
def test_what_is_no_country_is_refused(country: str) -> None:
    """3.1: babel knows ZZ, EU and their like as territories."""
    given().when(activate(country=country)).refused("country_unknown", country)


@pytest.mark.parametrize("country", ["US", "DE", "GB", "RE", "CH", "IN"])
def test_countries_are_accepted(country: str) -> None:
    """3.1"""
    given().when(activate(country=country)).then(activated(country=country))


def test_every_currency_that_has_a_price_is_a_currency() -> None:
    """3.2"""
    assert set(STANDARD.prices) <= set(Locale("en").currencies)


# --- 3.2 packages and credit ------------------------------------------------------------------------


@pytest.mark.parametrize(("country", "currency"), [("US", "USD"), ("DE", "EUR")])
def test_a_package_costs_75_in_the_accounts_own_currency(country: str, currency: str) -> None:
    """3.2"""
    bought = PackageBought(
        package="standard", segments=1_000, price="75.00", currency=currency, balance=1_050
    )
    history = given(activated(country=country, currency=currency))
    history.when(buy()).then(bought).answering(balance=1_050)


def test_the_price_table_is_the_operators() -> None:
    """3.2"""
    policy = Policy(packages={"small": Package(10, {"SEK": Decimal("99.50")})})
    bought = PackageBought(package="small", segments=10, price="99.50", currency="SEK", balance=60)
    given(activated(currency="SEK")).under(policy).when(buy(package="small")).then(bought)


def test_bought_texts_add_to_what_is_left() -> None:
    """3.2"""
    assert given(activated(), debited(49, balance=1)).when(buy()).and_when(buy()).balance == 2_001


def test_a_currency_without_a_price_is_refused() -> None:
    """3.2"""
    given(activated(currency="JPY")).when(buy()).refused("no_price", "standard", "JPY")


def test_an_unknown_package_is_refused_with_those_there_are() -> None:
    """3.2"""
    given(activated()).when(buy(package="huge")).refused("no_such_package", "huge", "standard")


def test_nothing_can_be_bought_before_activation() -> None:
    """3.2"""
    given().when(buy()).refused("not_activated")


def test_a_debit_takes_no_more_than_there_is() -> None:
    """3.2"""
    assert accounts.debit(Account(balance=3), TEXT, 3) == [debited(3, balance=0)]
    with pytest.raises(Refused) as refusal:
        accounts.debit(Account(balance=2), TEXT, 3)
    assert refusal.value.code == "insufficient_credit"
    assert "3" in refusal.value.sentence
    assert "2" in refusal.value.sentence


def test_a_refund_brings_the_segments_back() -> None:
    """3.2"""
    assert accounts.refund(Account(balance=2), TEXT, 3, "failed") == [refunded(3, 5, "failed")]


@pytest.mark.parametrize("segments", [-50, -1, 1, 1_000_000])
def test_the_operator_corrects_the_balance(segments: int) -> None:
    """3.2"""
    outcome = given(activated()).when(adjust(segments, "A mistake."))
    outcome.then(SegmentsAdjusted(segments=segments, reason="A mistake.", balance=50 + segments))
    outcome.answering(balance=50 + segments)


def test_a_correction_never_takes_the_balance_below_zero() -> None:
    """3.2"""
    given(activated()).when(adjust(-51)).refused("balance_would_be_negative", "50")


@pytest.mark.parametrize(
    ("balance", "paid", "billed", "difference"),
    [(50, 2, 2, 0), (50, 2, 1, 1), (50, 1, 3, -2), (1, 1, 3, -1), (0, 1, 3, 0), (0, 3, 1, 2)],
)
def test_the_carriers_count_is_followed_but_never_below_zero(
    balance: int, paid: int, billed: int, difference: int
) -> None:
    """3.16"""
    events = accounts.follow_carrier_count(Account(balance=balance), TEXT, paid, billed)
    assert [event.segments for event in events] == ([difference] if difference else [])
    assert [event.balance for event in events] == ([balance + difference] if difference else [])


# --- settings, notifications ----------------------------------------------------------------


def test_a_change_leaves_the_other_settings_as_they_are() -> None:
    """3.17"""
    history = given(active(), settings(company="Acme", first_text="require"))
    history.when(change(language="fr")).then(settings(company="Acme", first_text="require", language="fr"))


def test_settings_that_stand_already_change_nothing() -> None:
    given(active(), settings(company="Acme")).when(change(company="Acme", language="en")).then()


def test_null_clears_what_may_be_empty() -> None:
    own = QuietHours(quiet_from="18:00", quiet_until="09:00")
    given(settings(quiet_hours=own, company="Acme")).when(change(quiet_hours=None)).then(
        settings(company="Acme")
    )


def test_settings_can_be_chosen_before_activation() -> None:
    given().when(change(language="de")).then(settings(language="de"))


def test_settings_are_kept_as_settings_and_not_as_a_change() -> None:
    """Else an event would lose what the change did not name."""
    changed = SettingsChange(language="de").applied_to(AccountSettings(company="Acme"))
    assert type(changed) is AccountSettings
    assert changed.company == "Acme"


def test_a_keyword_pack_that_does_not_exist_is_refused() -> None:
    """3.8: whoever chooses one must not believe that its words work."""
    given().when(change(keyword_packs={"fr", "xx"})).refused("no_such_keyword_pack", "xx", "en, es, fr")


def test_a_pack_that_existed_once_does_not_stand_in_the_way_of_other_changes() -> None:
    """3.8"""
    given(settings(keyword_packs={"xx"})).when(change(company="Acme")).then(
        settings(keyword_packs={"xx"}, company="Acme")
    )


def test_french_and_german_keywords_can_be_chosen() -> None:
    """3.8"""
    given().when(change(keyword_packs={"fr", "de"})).then(settings(keyword_packs={"fr", "de"}))


def test_a_member_switches_notifications_on_and_off() -> None:
    """3.13"""
    given().when(notify(on=True)).then(NotificationsSet(member="grace", profile_actions=True))
    given(listening("grace")).when(notify(on=False)).then(
        NotificationsSet(member="grace", profile_actions=False)
    )


@pytest.mark.parametrize("on", [True, False])
def test_notifications_that_are_so_already_change_nothing(on: bool) -> None:
    """3.13"""
    given(listening("grace") if on else []).when(notify(on=on)).then()


def test_one_members_notifications_leave_the_others_alone() -> None:
    """3.13"""
    outcome = given(listening("grace", "ada")).when(notify(on=False))
    assert outcome.history.account().listening == {"ada"}


# --- a stop by the carrier --------------------------------------------------------------------------


def test_the_operator_resumes_what_the_carrier_stopped() -> None:
    given(active(), stopped()).when(resume()).then(SendingResumed())


def test_what_is_not_stopped_cannot_be_resumed() -> None:
    given(active()).when(resume()).refused("sending_not_stopped")


def test_a_stop_is_said_once() -> None:
    assert accounts.stop_sending(Account(), 30034, "Not registered.") == [stopped("Not registered.")]
    assert accounts.stop_sending(Account(stopped="Not registered."), 30002, "Suspended.") == []


def test_sending_needs_activation_first_then_no_stop_then_a_sender() -> None:
    """3.10"""
    for state, code in [
        (Account(stopped="Suspended."), "not_activated"),
        (Account(country="US", stopped="Suspended."), "sending_stopped"),
        (Account(country="US"), "no_sender"),
    ]:
        with pytest.raises(Refused) as refusal:
            accounts.require_sending(state)
        assert refusal.value.code == code
    accounts.require_sending(Account(country="US", senders=(Sender(SENDER),)))


def test_an_event_of_another_stream_leaves_the_account_as_it_is() -> None:
    for event in (ThreadRead(), granted()):
        assert accounts.evolve(Account(balance=3), event) == Account(balance=3)
