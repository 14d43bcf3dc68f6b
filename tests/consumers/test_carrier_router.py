"""Several carriers as one: each text by its own, each doubt to whom it was handed, and who fails is known."""

import math
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from consumers.carriers.carrier import Accepted, Found, Outcome, OutgoingText, Rejected, Unknown, Unreachable
from consumers.carriers.router import FAILURES_MAX, LEFT_ALONE, CarrierRouter

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TAKEN = Accepted("SM1", "queued", 1, None)
NO_SUCH_NUMBER = Rejected(21211, 400, "no", None)
NOT_LET_IN = Rejected(20003, 401, "no", None)
NOT_OURS = Rejected(21659, 400, "no", None)


class Told:
    """A carrier that answers what it is told to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answer: Outcome = TAKEN
        self.got = 0

    def send(self, _: OutgoingText) -> Outcome:
        self.got += 1
        return self.answer

    def find(self, to: str, since: datetime) -> tuple[Found, ...] | Unknown:
        return Unknown(f"{self.name} {to} {since}")


class Stand:
    """Two carriers behind a router, and a clock."""

    def __init__(self) -> None:
        self.now = NOON
        self.first, self.second = Told("twilio"), Told("backup")
        self.router = CarrierRouter({"twilio": self.first, "backup": self.second}, lambda: self.now)

    def send(
        self, carrier: str, answer: Outcome = TAKEN, times: int = 1, until_s: float = math.inf
    ) -> Outcome:
        self.first.answer = self.second.answer = answer
        text = OutgoingText(
            uuid4(), "+14155552671", "Hi", "+12025550142", "http://x.example", None, until_s, carrier
        )
        return [self.router.send(text) for _ in range(times)][-1]


@pytest.fixture
def stand() -> Stand:
    return Stand()


def test_a_text_goes_through_its_own_carrier(stand: Stand) -> None:
    assert stand.send("backup") == TAKEN
    assert (stand.first.got, stand.second.got) == (0, 1)


def test_who_is_asked_for_a_text_is_who_it_was_handed_to(stand: Stand) -> None:
    """P3"""
    assert stand.router.find("backup", "+1", NOON) == Unknown(f"backup +1 {NOON}")


def test_a_carrier_that_is_no_longer_configured_takes_nothing_and_proves_nothing(stand: Stand) -> None:
    assert isinstance(stand.send("gone"), Unreachable)
    assert isinstance(stand.router.find("gone", "+1", NOON), Unknown)


@pytest.mark.parametrize("answer", [Unreachable("refused"), Unknown("HTTP 503"), NOT_LET_IN])
def test_a_carrier_that_gives_no_usable_answer_several_times_is_left_alone(
    stand: Stand, answer: Outcome
) -> None:
    stand.send("twilio", answer, FAILURES_MAX - 1)
    assert stand.router.failing() == frozenset()
    with capture_logs() as logs:
        stand.send("twilio", answer)
    assert stand.router.failing() == {"twilio"}
    assert ("carrier_fails", "twilio") in [(line["event"], line["carrier"]) for line in logs]


@pytest.mark.parametrize("answer", [NO_SUCH_NUMBER, NOT_OURS, Rejected(20429, 429, "slow down", 1.0)])
def test_a_no_to_one_text_says_nothing_of_the_carrier(stand: Stand, answer: Outcome) -> None:
    stand.send("twilio", answer, 2 * FAILURES_MAX)
    assert stand.router.failing() == frozenset()


def test_one_answer_between_failures_starts_the_count_again(stand: Stand) -> None:
    for _ in range(FAILURES_MAX):
        stand.send("twilio", Unreachable("refused"), FAILURES_MAX - 1)
        stand.send("twilio")
    assert stand.router.failing() == frozenset()


def test_it_is_tried_again_after_a_while_and_left_alone_anew_or_taken_back(stand: Stand) -> None:
    stand.send("twilio", Unreachable("refused"), FAILURES_MAX)
    stand.now += LEFT_ALONE
    assert stand.router.failing() == frozenset()
    stand.send("twilio", Unreachable("refused"))
    assert stand.router.failing() == {"twilio"}
    stand.now += LEFT_ALONE - timedelta(seconds=1)
    with capture_logs() as logs:
        stand.send("twilio")
    assert stand.router.failing() == frozenset()
    assert [line["event"] for line in logs] == ["carrier_answers_again"]


@pytest.mark.parametrize("answer", [NOT_LET_IN, NOT_OURS])
def test_what_only_the_operator_can_put_right_is_logged(stand: Stand, answer: Rejected) -> None:
    with capture_logs() as logs:
        stand.send("twilio", answer)
    assert logs[0] == {
        "event": "carrier_refuses",
        "log_level": "warning",
        "carrier": "twilio",
        "code": answer.code,
        "http": answer.http_status,
    }


def test_what_was_sent_too_late_says_nothing_of_the_carrier(stand: Stand) -> None:
    """P3: a worker that slept through its time must not send, whoever the carrier is."""
    stand.send("twilio", Unreachable("it was too late to send it"), FAILURES_MAX, until_s=0.0)
    assert stand.router.failing() == frozenset()
