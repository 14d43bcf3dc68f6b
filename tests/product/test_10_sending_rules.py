"""What a text must pass, in a fixed order: the first rule that fails is the refusal."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from schemas.actors import Permission
from tests.support.office import (
    POLITE,
    RECRUITER,
    Json,
    Office,
    Person,
    activation,
    fresh_number,
    new_account,
)
from tests.support.sayso import System, eventually, problem_of

FAR = "2150-01-01T12:00:00Z"
PAST = "2020-01-01T12:00:00Z"
OPEN_TEXTS_MAX = 100


class Attempt:
    """A text that breaks every rule there is; each rule is put right in its turn."""

    def __init__(self, system: System) -> None:
        self.office = new_account(system)
        self.person = Person(self.office, "c-1", fresh_number())
        self.who = self.office.member(Permission.VIEW)
        self.text: Json = {"candidate": "c-1", "number": "+1 415 000", "body": " \u200b\n", "send_at": PAST}

    def code(self) -> str | None:
        """The code with which the text is refused; its preview must say the same."""
        answer = self.who.command("send-text", **self.text)
        code = None if answer.is_success else str(problem_of(answer)["code"])
        refusal = self.who.http.post("/texts/preview", json=self.text).json()["refusal"]
        assert code == (None if refusal is None else refusal["code"])
        return code

    # --- putting it right, rule by rule ---------------------------------------------------------------

    def permit(self) -> None:
        self.who = self.office.member(*RECRUITER)

    def activate(self) -> None:
        self.office.boss.accepted("activate-texting", **activation(), company="Acme Robotics")
        self.office.has_left(0)
        self.office.chooses(first_text="require", blocked_regions=["US"])

    def assign_a_sender(self) -> None:
        self.office.boss.accepted("assign-sender", sender=self.office.sender)

    def write_the_number(self) -> None:
        self.text["number"] = self.person.number

    def add_the_number(self) -> None:
        self.office.boss.accepted("add-number", **self.person.at)

    def allow_the_country(self) -> None:
        self.office.chooses(blocked_regions=[])

    def get_consent(self) -> None:
        self.person.agrees()
        self.person.writes("please stop texting me")

    def review(self) -> None:
        self.office.boss.accepted("review-stop-request", **self.person.at, wants_to_stop=False)

    def write_too_much(self) -> None:
        self.text["body"] = "x" * 1_401

    def write_less(self) -> None:
        self.text["body"] = "Are you free on Tuesday?"

    def introduce(self) -> None:
        self.text["body"] = POLITE

    def choose_a_time(self) -> None:
        self.text["send_at"] = FAR

    def buy(self) -> None:
        self.office.boss.accepted("buy-package")


ORDER: list[tuple[str, Callable[[Attempt], None]]] = [
    ("not_permitted", Attempt.permit),
    ("not_activated", Attempt.activate),
    ("no_sender", Attempt.assign_a_sender),
    ("number_invalid", Attempt.write_the_number),
    ("number_unknown", Attempt.add_the_number),
    ("country_blocked", Attempt.allow_the_country),
    ("consent_not_given", Attempt.get_consent),
    ("under_review", Attempt.review),
    ("body_empty", Attempt.write_too_much),
    ("body_too_long", Attempt.write_less),
    ("first_text_incomplete", Attempt.introduce),
    ("send_at_past", Attempt.choose_a_time),
    ("insufficient_credit", Attempt.buy),
]


def test_the_first_rule_that_fails_is_the_refusal(system: System) -> None:
    attempt = Attempt(system)
    for code, put_right in ORDER:
        assert attempt.code() == code
        put_right(attempt)
    assert attempt.code() is None
    assert [line["kind"] for line in attempt.office.statement()] == ["debited", "bought", "adjusted", "free"]


def test_a_text_that_passes_them_all_arrives(office: Office) -> None:
    person = office.candidate()
    text = person.gets()
    assert (text["segments"], text["balance"], text["advice"], text["warnings"]) == (1, 49, [], [])
    person.phone.shows(POLITE)
    message = person.becomes(text["text_id"], "delivered")
    assert (message["body"], message["segments"], message["candidate"]) == (POLITE, 1, person.candidate)
    assert message["by"] == {"kind": "member", "id": "grace", "name": "Grace Hopper"}


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("0692 12 34 56", "number_region_needed"),
        ("+1 415 555", "number_invalid"),
        ("+44 7700 900123", "number_invalid"),
        ("+999 123 456 789", "number_invalid"),
        ("not a number", "number_invalid"),
        ("+44 909 879 0000", "number_cannot_be_texted"),
    ],
)
def test_what_is_no_valid_mobile_number_is_refused(office: Office, number: str, code: str) -> None:
    assert office.boss.refused("add-number", candidate="c-1", number=number) == code
    send = {"candidate": "c-1", "number": number, "body": POLITE}
    assert office.boss.refused("send-text", **send) == code
    assert office.preview(**send)["refusal"]["code"] == code


@pytest.mark.parametrize("body", ["", " ", "\n\t ", "\u200b\u2060\ufeff"])
def test_a_text_in_which_nothing_can_be_seen_is_empty(office: Office, body: str) -> None:
    person = office.candidate()
    assert office.boss.refused("send-text", **person.at, body=body) == "body_empty"


def test_no_more_than_a_hundred_texts_wait_for_one_number(office: Office) -> None:
    person = office.candidate()
    office.boss.accepted("buy-package")

    def schedule(number: int) -> int:
        body = f"Text {number}"
        return office.boss.command("send-text", **person.at, body=body, send_at=FAR).status_code

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(schedule, range(OPEN_TEXTS_MAX))) == [200] * OPEN_TEXTS_MAX
    assert office.boss.refused("send-text", **person.at, body="One more") == "too_many_open_texts"
    other = office.candidate()
    other.gets()


def test_when_the_carrier_refuses_the_account_nothing_goes_until_the_operator_resumes(
    office: Office,
) -> None:
    person, other = office.candidate(), office.candidate()
    person.phone.behaves(error_code=30032)  # an unverified toll-free number: nothing of this account goes
    failed = person.becomes(person.gets()["text_id"], "failed")
    assert (failed["code"], office.balance) == (30032, 50)
    assert office.boss.get("")["stopped"]["code"] == 30032
    assert stopped_accounts(office) == 1
    refusal = office.boss.command("send-text", **other.at, body=POLITE).json()
    assert refusal["code"] == "sending_stopped"
    assert refusal["detail"] == (
        "The carrier refuses this account's texts. Our toll-free number is not verified. "
        "Sending is stopped for this account until whoever runs Sayso has repaired it."
    )
    assert other.preview()["refusal"]["code"] == "sending_stopped"
    assert office.member(Permission.MANAGE).refused("resume-sending") == "not_permitted"
    office.member(Permission.OPERATE).accepted("resume-sending")
    other.gets()
    other.phone.shows(POLITE)
    eventually(lambda: stopped_accounts(office) == 0)


def stopped_accounts(office: Office) -> float:
    """As the operator's monitoring sees it."""
    lines = office.system.http().get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("sayso_accounts_stopped "))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"candidate": "c/../1"}, "invalid_command"),
        ({"number": ""}, "invalid_command"),
        ({"number": "1" * 65}, "invalid_command"),
        ({"body": "x" * 10_001}, "invalid_command"),
        ({"body": None}, "invalid_command"),
        ({"send_at": "soon"}, "invalid_command"),
        ({"override_quiet_hours": "perhaps"}, "invalid_command"),
        ({"candidate": "c-unknown"}, "number_unknown"),
    ],
)
def test_a_send_that_makes_no_sense_is_refused(office: Office, fields: dict[str, Any], code: str) -> None:
    person = office.candidate()
    assert office.boss.refused("send-text", **{**person.at, "body": POLITE, **fields}) == code
    assert office.balance == 50
