"""Senders: several of an account, and a second carrier that takes over from the first, but never in doubt."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from twilio.request_validator import RequestValidator, get_signature_algorithm

from deploy import demo
from deploy.clock import utc_now
from deploy.settings import CarrierSettings
from deploy.simulator.server import SimulatorServer
from tests.support.office import (
    POLITE,
    Office,
    Person,
    Phone,
    carrier_posts,
    fresh_number,
    office_hours,
    open_office,
    quick,
)
from tests.support.sayso import Clock, System, eventually, reachable_settings, serving

LATER = f"{POLITE} Are you free at ten?"
BACKUP_SID, BACKUP_TOKEN = "AC" + "1" * 32, "b" * 32
FIRST_KEY, BACKUP_KEY = "the first carrier's key", "the second carrier's key"
NEWER = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"


@dataclass(frozen=True)
class Stand:
    """An account with a number at each of two carriers."""

    office: Office
    backup: str
    first: ExitStack
    """Closing it takes the first carrier down."""
    backup_url: str

    @property
    def system(self) -> System:
        return self.office.system

    def at_backup(self, person: Person) -> Phone:
        """The candidate's phone, as the second carrier knows it."""
        return Phone(replace(self.system, phones_url=self.backup_url), person.number)


@contextmanager
def two_carriers(folder: Path) -> Iterator[Stand]:
    settings = reachable_settings(folder, twilio_shared_keys=FIRST_KEY)
    carrier = quick(demo.simulator_settings(settings))
    with (
        SimulatorServer(replace(carrier, account_sid=BACKUP_SID, auth_token=BACKUP_TOKEN)) as second,
        ExitStack() as first,
    ):
        url = first.enter_context(SimulatorServer(carrier)).url
        backup = CarrierSettings(
            account_sid=BACKUP_SID,
            auth_token=SecretStr(BACKUP_TOKEN),
            shared_keys=SecretStr(f"{BACKUP_KEY}, and the next"),
            url=second.url,
        )
        settings = settings.model_copy(update={"carriers": {"backup": backup}})
        clock = Clock()
        clock.set(office_hours(utc_now()))
        with serving(settings, url, clock) as system:
            office = open_office(system)
            number = fresh_number("+1628")
            office.boss.accepted("assign-sender", sender=number, carrier="backup")
            yield Stand(office, number, first, second.url)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with two_carriers(tmp_path) as stand:
        yield stand


def test_when_the_first_carrier_goes_down_texts_go_on_over_the_second_and_replies_come_back(
    stand: Stand,
) -> None:
    ada = stand.office.candidate()
    ada.becomes(ada.gets()["text_id"], "delivered")
    ada.phone.shows(POLITE)
    assert stand.at_backup(ada).inbox() == []

    stand.first.close()
    people = [ada, *(stand.office.candidate() for _ in range(5))]
    for person in people:
        person.becomes(person.gets(LATER)["text_id"], "delivered")
    for person in people:
        assert len(stand.at_backup(person).inbox()) == 1
        assert person.thread()["sender"] == stand.backup
    sid = stand.at_backup(ada).writes("STOP", stand.backup)
    eventually(lambda: ada.message(sid))
    assert ada.office.boss.problem("send-text", **ada.at, body=POLITE)["code"] == "revoked_by_keyword"


def test_a_text_in_doubt_at_the_first_carrier_is_never_sent_by_the_second(stand: Stand) -> None:
    """P3"""
    ada, grace = stand.office.candidate(), stand.office.candidate()
    ada.phone.behaves(fault="error_after", callbacks="lost")
    doubted = ada.gets()["text_id"]
    ada.becomes(doubted, "in_doubt")
    stand.first.close()
    for _ in range(3):
        stand.system.wait(minutes=10)
        grace.becomes(grace.gets(f"{POLITE} {stand.system.clock()}")["text_id"], "delivered")
    assert ada.message(doubted)["status"] == "in_doubt"
    stand.system.wait(hours=73)
    ada.becomes(doubted, "unknown")
    assert stand.at_backup(ada).inbox() == []


def test_a_doubt_is_settled_by_the_carrier_that_the_text_was_handed_to(stand: Stand) -> None:
    """P3"""
    ada = stand.office.candidate()
    ada.phone.behaves(fault="error_after", callbacks="lost")
    doubted = ada.gets()["text_id"]
    ada.becomes(doubted, "in_doubt")
    stand.system.wait(minutes=2)
    eventually(lambda: ada.message(doubted)["status"] in ("sent", "delivered"))
    assert len(ada.phone.inbox()) == 1
    assert stand.at_backup(ada).inbox() == []


def test_each_carriers_calls_are_signed_with_its_own_token(stand: Stand) -> None:
    ada = stand.office.candidate()
    form = {"MessageSid": "SM" + "4" * 32, "From": ada.number, "To": stand.backup, "Body": "Hello"}
    theirs = {**form, "AccountSid": BACKUP_SID}
    assert carrier_posts(stand.system, "inbound", theirs).status_code == 403
    assert signed(stand, theirs, BACKUP_TOKEN).status_code == 200
    ours = {**form, "AccountSid": stand.system.sayso.settings.twilio_account_sid}
    for token in (BACKUP_TOKEN, FIRST_KEY, BACKUP_KEY):
        assert signed(stand, ours, token).status_code == 403
    for token in (BACKUP_TOKEN, stand.system.sayso.settings.twilio_auth_token.get_secret_value()):
        assert signed(stand, {**form, "AccountSid": "AC" + "2" * 32}, token).status_code == 403


def test_each_carriers_shared_keys_sign_its_own_calls_and_no_others(stand: Stand) -> None:
    """The one carrier must not be able to tell what a phone said to the other's number: a START, say."""
    ada = stand.office.candidate()
    form = {"MessageSid": "SM" + "5" * 32, "From": ada.number, "To": stand.backup, "Body": "Hello"}
    first = stand.system.sayso.settings.twilio_account_sid
    unknown = "AC" + "2" * 32
    for sid, key in ((first, BACKUP_KEY), (BACKUP_SID, FIRST_KEY), (unknown, FIRST_KEY), ("", BACKUP_KEY)):
        assert signed(stand, {**form, "AccountSid": sid}, key, NEWER).status_code == 403
    ada.phone.writes("Marker", stand.office.sender)
    eventually(lambda: [one["body"] for one in ada.messages() if one["kind"] == "reply"] == ["Marker"])
    for n, (sid, key) in enumerate(((first, FIRST_KEY), (BACKUP_SID, BACKUP_KEY), ("", FIRST_KEY))):
        one = {**form, "AccountSid": sid, "MessageSid": f"SM{n}" + "6" * 31}
        assert signed(stand, one, key, NEWER).status_code == 200


def signed(stand: Stand, form: dict[str, str], secret: str, settings: str | None = None) -> httpx.Response:
    """The answer to a call signed with that secret, in the newer form where `settings` name an algorithm."""
    path = "/v1/carriers/twilio/inbound"
    address = stand.system.sayso.settings.public_url + path
    algorithm = get_signature_algorithm(settings)
    headers = {"X-Twilio-Signature": RequestValidator(secret).compute_signature(address, form, algorithm)}
    if settings is not None:
        headers["X-Twilio-Webhooks-Signature-Settings"] = settings
    return stand.system.http(**headers).post(path, data=form)


def test_a_reply_goes_out_from_the_number_that_the_candidate_texted(stand: Stand) -> None:
    ada = stand.office.candidate()
    sid = stand.at_backup(ada).writes("Hello, I saw your notice", stand.backup)
    eventually(lambda: ada.message(sid))
    ada.becomes(ada.gets()["text_id"], "delivered")
    assert stand.at_backup(ada).inbox() == [POLITE]


def test_the_operator_sees_an_accounts_senders_and_takes_one_away(stand: Stand) -> None:
    boss = stand.office.boss
    assert [(one["sender"], one["carrier"]) for one in boss.get("")["senders"]] == [
        (stand.office.sender, "twilio"),
        (stand.backup, "backup"),
    ]
    boss.accepted("withdraw-sender", sender=stand.office.sender)
    assert [one["sender"] for one in boss.get("")["senders"]] == [stand.backup]
    assert boss.refused("withdraw-sender", sender=stand.office.sender) == "sender_unknown"
    assert boss.refused("assign-sender", sender=fresh_number(), carrier="gone") == "carrier_unknown"
