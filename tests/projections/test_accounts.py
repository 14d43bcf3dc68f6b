"""Given events of an account, then what the queries answer about it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from projections import catalog
from projections.shapes import Sender, Stopped, Who
from schemas.account_settings import AccountSettings
from schemas.actors import CARRIER
from schemas.events import (
    CommandAccepted,
    CommandRefused,
    NotificationsSet,
    SenderAssigned,
    SenderWithdrawn,
    SendingResumed,
    SendingStopped,
    SettingsChanged,
    TextingActivated,
)
from schemas.receipts import Answer
from tests.projections.history import ACME, NOON, History
from tests.projections.views import Views

ACCOUNT = f"account-{ACME}"
ACTIVATED = TextingActivated(
    country="US", currency="USD", agreement_version="2", free_segments=50, balance=50
)
SENDER, SECOND = "+14155550100", "+14155550101"


def test_an_account_nobody_ever_heard_of_is_none(views: Views) -> None:
    assert views.ask.account("nobody") is None
    assert views.ask.credits("nobody") is None


def test_an_activated_account_shows_who_activated_it_where_and_on_which_terms(
    views: Views, history: History
) -> None:
    views.given(history.happened(ACCOUNT, ACTIVATED))
    account = views.ask.account(ACME)
    assert account is not None
    assert (account.country, account.currency, account.agreement_version) == ("US", "USD", "2")
    assert account.activated_at == history.now
    assert account.activated_by == Who("member", "ada", "Ada L.")
    assert account.settings == AccountSettings()
    assert account.balance == 50
    assert account.sender is None


def test_settings_are_those_of_the_last_event(views: Views, history: History) -> None:
    settings = AccountSettings(company="Acme", language="fr", keyword_packs=frozenset({"fr", "de"}))
    history.happened(ACCOUNT, SettingsChanged(settings=AccountSettings(company="Old")))
    history.happened(ACCOUNT, SettingsChanged(settings=settings))
    account = views.given(history).ask.account(ACME)
    assert account is not None
    assert account.settings == settings
    assert account.activated_at is None


def test_an_account_has_the_senders_that_it_was_given_in_that_order(views: Views, history: History) -> None:
    history.happened(ACCOUNT, SenderAssigned(sender=SENDER, region="US"))
    history.happened(ACCOUNT, SenderAssigned(sender=SECOND, region="US", carrier="backup"))
    history.happened(ACCOUNT, SenderAssigned(sender=SENDER, region="US", kind="toll_free"))
    account = views.given(history).ask.account(ACME)
    assert account is not None
    first, second = Sender(SENDER, "US", "toll_free", "twilio"), Sender(SECOND, "US", "long_code", "backup")
    assert account.senders == (first, second)
    assert (account.sender, account.sender_region) == (SENDER, "US")
    assert account.activated_at is None

    history.happened(ACCOUNT, SenderWithdrawn(sender=SENDER))
    account = views.given(history).ask.account(ACME)
    assert account is not None
    assert account.senders == (second,)
    history.happened(ACCOUNT, SenderAssigned(sender=SENDER, region="US", kind="toll_free"))
    account = views.given(history).ask.account(ACME)
    assert account is not None
    assert account.senders == (second, first)


def test_in_old_histories_a_sender_took_the_place_of_the_one_before(views: Views, history: History) -> None:
    for sender in (SENDER, SECOND, SENDER):
        history.happened(ACCOUNT, SenderAssigned(sender=sender, region="US", replaces=True))
    account = views.given(history).ask.account(ACME)
    assert account is not None
    assert account.senders == (Sender(SENDER, "US", "long_code", "twilio"),)
    assert views.ask.sender_account(SECOND) == ACME


def test_sending_is_stopped_until_it_is_resumed(views: Views, history: History) -> None:
    views.given(history.happened(ACCOUNT, SendingStopped(code=30002, reason="suspended")))
    stopped = views.ask.account(ACME)
    assert stopped is not None
    assert stopped.stopped == Stopped(30002, "suspended", history.now)
    resumed = views.given(history.happened(ACCOUNT, SendingResumed())).ask.account(ACME)
    assert resumed is not None
    assert resumed.stopped is None


def test_members_choose_their_notifications_one_by_one(views: Views, history: History) -> None:
    history.happened(ACCOUNT, NotificationsSet(member="ada", profile_actions=True))
    history.happened(ACCOUNT, NotificationsSet(member="bob", profile_actions=True))
    history.happened(ACCOUNT, NotificationsSet(member="bob", profile_actions=False))
    views.given(history)
    assert views.ask.wants_notifications(ACME, "ada")
    assert not views.ask.wants_notifications(ACME, "bob")
    assert not views.ask.wants_notifications(ACME, "cleo")
    assert not views.ask.wants_notifications("other", "ada")


def test_what_comes_in_at_a_former_sender_still_reaches_the_account(views: Views, history: History) -> None:
    history.happened(ACCOUNT, SenderAssigned(sender=SENDER, region="US"))
    history.happened(ACCOUNT, SenderAssigned(sender="+14155550101", region="US"))
    views.given(history)
    assert views.ask.sender_account(SENDER) == ACME
    assert views.ask.sender_account("+14155550101") == ACME
    assert views.ask.sender_account("+14155550109") is None


def test_a_sender_stays_with_its_first_account_and_a_second_claim_is_logged(
    views: Views, history: History
) -> None:
    history.happened(ACCOUNT, SenderAssigned(sender=SENDER, region="US"))
    history.happened("account-other", SenderAssigned(sender=SENDER, region="US"), account="other")
    with capture_logs() as logs:
        views.given(history)
    assert views.ask.sender_account(SENDER) == ACME
    assert [(entry["log_level"], entry["account"], entry["owner"]) for entry in logs] == [
        ("warning", "other", ACME)
    ]


def test_a_receipt_says_what_came_of_a_command(views: Views, history: History) -> None:
    accepted, refused = uuid4(), uuid4()
    yes = CommandAccepted(command_type="send-text", fingerprint="f", result={"balance": 3, "advice": ["x"]})
    no = CommandRefused(command_type="send-text", fingerprint="f", code="not_active", sentence="Activate.")
    history.happened("receipt-1", yes, command=accepted).happened("receipt-2", no, command=refused)
    views.given(history)
    good, bad = views.ask.receipt(ACME, accepted), views.ask.receipt(ACME, refused)
    assert good is not None
    assert bad is not None
    assert (good.accepted, good.result, good.code) == (True, {"balance": 3, "advice": ["x"]}, None)
    assert (bad.accepted, bad.code, bad.sentence, bad.result) == (False, "not_active", "Activate.", {})
    assert (bad.command_id, bad.command_type, bad.at) == (refused, "send-text", history.now)
    assert bad.by == Who("member", "ada", "Ada L.")
    assert views.ask.receipt("other", accepted) is None
    assert views.ask.receipt(ACME, uuid4()) is None


def test_a_receipt_answers_as_its_shard_did(views: Views, history: History) -> None:
    accepted, refused, within = uuid4(), uuid4(), uuid4()
    yes = CommandAccepted(command_type="send-text", fingerprint="f", result={"balance": 3, "advice": ["x"]})
    no = CommandRefused(command_type="send-text", fingerprint="g", code="not_active", sentence="Activate.")
    history.happened("receipt-1", yes, command=accepted).happened("receipt-2", no, command=refused)
    history.happened("receipt-3", yes, command=within, by=CARRIER)
    views.given(history)
    good, bad = views.ask.receipt_answer(ACME, accepted), views.ask.receipt_answer(ACME, refused)
    assert good == Answer(yes, history.recorded[0].context)
    assert bad == Answer(no, history.recorded[1].context)
    assert bad.receipt.fingerprint == "g"
    assert views.ask.receipt_answer("other", accepted) is None
    assert views.ask.receipt_answer(ACME, within) is None


@pytest.mark.parametrize("order", [(ACME, "other"), ("other", ACME)])
def test_a_sender_belongs_to_the_first_account_whichever_shard_is_shown_first(
    views: Views, order: tuple[str, str]
) -> None:
    claim = SenderAssigned(sender=SENDER, region="US")
    sources = {ACME: "shard-0", "other": "shard-1"}
    catalog.prepare(views.engine, sources.values())
    with capture_logs() as logs:
        for account in order:
            at = NOON + timedelta(seconds=len(account))  # the shorter name came first
            views.given(History(account).happened("account", claim, at=at), source=sources[account])
    assert views.ask.sender_account(SENDER) == ACME
    assert len(logs) == (order[1] == "other")
