"""The dispatcher against a carrier that loses answers: each text arrives once, and its end becomes known.

Everything is real: the client, the connections, the ledger, the views. Only the clock is moved.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from consumers.carriers.twilio_carrier import TwilioAccount
from consumers.settling import Patience
from schemas.commands import Command, StartDispatch
from schemas.door import Busy, CommandDoor
from schemas.receipts import Answer
from tests.support.sayso import Client, System, eventually, running

NUMBER = "+4520123456"
PHONE = NUMBER.removeprefix("+")
ASKED = Patience().doubt_asked_after + timedelta(seconds=5)
LOST = {"fault": "reset_after", "callbacks": "lost"}
NEVER_ARRIVED = {"fault": "reset_before"}
WELL: dict[str, str] = {}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with running(tmp_path) as system:
        yield system


@pytest.fixture
def ats(system: System) -> Client:
    """An ATS whose candidate may be texted."""
    return texting(system)


def texting(system: System) -> Client:
    ats = system.client()
    agreement = {"accepted": True, "version": "1"}
    ats.accepted("activate-texting", country="DK", currency="EUR", agreement=agreement, company="Acme")
    ats.accepted("add-number", candidate="ann", number=NUMBER)
    obtained = {"obtained_at": "2026-01-01T00:00:00Z", "evidence": {"how": "by_hand", "method": "call"}}
    ats.accepted("add-consent", candidate="ann", number=NUMBER, **obtained)
    return ats


def carrier_does(system: System, behaviour: Mapping[str, object]) -> None:
    httpx.put(f"{system.phones_url}/phones/{PHONE}/behaviour", json=behaviour).raise_for_status()


def text(ats: Client, body: str = "Hello") -> str:
    return str(ats.accepted("send-text", candidate="ann", number=NUMBER, body=body)["text_id"])


def statuses(ats: Client) -> dict[str, str]:
    items: list[dict[str, Any]] = ats.get(f"/candidates/ann/threads/{NUMBER}")["items"]
    return {item["id"]: item["status"] for item in items}


def arrived(system: System) -> int:
    """How many texts the carrier took for the phone."""
    return len(httpx.get(f"{system.phones_url}/taken").text.splitlines())


def test_what_the_carrier_took_without_an_answer_is_found_and_not_sent_again(
    system: System, ats: Client
) -> None:
    """P3"""
    carrier_does(system, LOST)
    lost = text(ats)
    eventually(lambda: statuses(ats)[lost] == "in_doubt")
    carrier_does(system, WELL)

    system.clock.move(ASKED)

    eventually(lambda: statuses(ats)[lost] in {"sent", "delivered"})
    assert arrived(system) == 1


def test_what_a_text_costs_is_asked_for_where_it_ended_before_the_carrier_said_so(
    system: System, ats: Client
) -> None:
    """P4: its answer was lost, and its reports carry no count; of a service's texts no answer ever does."""
    carrier_does(system, {"fault": "reset_after", "segments": 3})
    one = text(ats)
    eventually(lambda: statuses(ats)[one] == "delivered")
    assert ats.get("/credits")["balance"] == 49
    assert arrived(system) == 1

    system.clock.move(Patience().count_asked_after + timedelta(seconds=5))

    eventually(lambda: ats.get("/credits")["balance"] == 47)
    (item,) = ats.get(f"/candidates/ann/threads/{NUMBER}")["items"]
    assert (item["segments"], item["status"]) == (3, "delivered")


def test_a_hand_over_has_ended_before_it_counts_as_abandoned() -> None:
    """P3: else two workers could hand the same text over, if the first one was stopped for a while."""
    patience, account = Patience(), TwilioAccount("AC", "token")
    calls = timedelta(seconds=account.connect_timeout_s + account.read_timeout_s)
    assert patience.sent_within + calls < patience.abandoned_after


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=1)])
def test_nothing_is_sent_again_because_our_clock_is_ahead_of_the_carriers(
    system: System, ats: Client, ahead: timedelta
) -> None:
    """P3"""
    system.clock.move(ahead)
    carrier_does(system, LOST)
    lost = text(ats)
    eventually(lambda: statuses(ats)[lost] == "in_doubt")
    carrier_does(system, WELL)

    system.clock.move(ASKED)

    eventually(lambda: statuses(ats)[lost] in {"sent", "delivered"})
    assert arrived(system) == 1


def test_what_the_carrier_never_got_is_sent_again(system: System, ats: Client) -> None:
    """P3"""
    carrier_does(system, NEVER_ARRIVED)
    missing = text(ats)
    eventually(lambda: statuses(ats)[missing] == "in_doubt")
    assert arrived(system) == 0
    carrier_does(system, WELL)

    system.clock.move(ASKED)

    eventually(lambda: statuses(ats)[missing] == "delivered")
    assert arrived(system) == 1


def test_of_two_texts_in_doubt_with_the_same_words_one_is_sent_again(system: System, ats: Client) -> None:
    """P3"""
    carrier_does(system, LOST)
    taken = text(ats, "The same")
    eventually(lambda: statuses(ats)[taken] == "in_doubt")
    carrier_does(system, NEVER_ARRIVED)
    missing = text(ats, "The same")
    eventually(lambda: statuses(ats)[missing] == "in_doubt")
    carrier_does(system, WELL)

    system.clock.move(ASKED)

    # Nobody can tell which of the two it was that arrived, and it does not matter: one more is sent.
    eventually(lambda: set(statuses(ats).values()) <= {"sent", "delivered"} and arrived(system) == 2)


def test_a_report_settles_a_doubt_before_anybody_asks(system: System, ats: Client) -> None:
    """P3"""
    carrier_does(system, {"fault": "error_after"})

    doubted = text(ats)

    eventually(lambda: statuses(ats)[doubted] == "delivered")
    assert arrived(system) == 1


def test_too_many_requests_slow_sayso_down_and_fail_nothing(system: System, ats: Client) -> None:
    """5.5"""
    full = system.sayso.dispatcher.carrier_rate
    carrier_does(system, {"error_code": 20429, "retry_after_s": 1})
    turned_down = text(ats)
    eventually(lambda: statuses(ats)[turned_down] == "scheduled")
    assert system.sayso.dispatcher.carrier_rate < full
    carrier_does(system, WELL)

    system.clock.move(timedelta(seconds=5))

    eventually(lambda: statuses(ats)[turned_down] == "delivered")
    assert arrived(system) == 1


class BusyOnce:
    """A door that takes no last look at first."""

    def __init__(self, door: CommandDoor) -> None:
        self._door = door
        self.busy = 0

    async def submit(self, command: Command, wait_s: float) -> Answer | None:
        return await self._door.submit(command, wait_s)

    def put(self, command: Command) -> "Future[Answer]":
        if isinstance(command, StartDispatch) and not self.busy:
            self.busy += 1
            raise Busy
        return self._door.put(command)


def test_a_text_that_could_not_begin_gives_its_tokens_back(tmp_path: Path) -> None:
    """5.5: its sender's next one would come in a quarter of an hour."""
    with running(tmp_path, sender_rates={"us_long_code": 0.001}) as system:
        dispatcher = system.sayso.dispatcher
        door = BusyOnce(dispatcher._door)
        dispatcher._door = door
        ats = texting(system)
        one = text(ats)
        eventually(lambda: statuses(ats)[one] == "delivered")
        assert door.busy == 1


def test_what_a_senders_limit_holds_up_waits_and_can_still_be_called_back(tmp_path: Path) -> None:
    """5.5"""
    with running(tmp_path, sender_rates={"us_long_code": 0.001}) as system:
        ats = texting(system)
        first, second = text(ats, "One"), text(ats, "Two")
        eventually(lambda: statuses(ats)[first] == "delivered")
        eventually(lambda: system.sayso.dispatcher.held_up == 1)
        assert statuses(ats)[second] == "queued"

        ats.accepted("cancel-text", candidate="ann", number=NUMBER, text_id=second)

        eventually(lambda: system.sayso.dispatcher.held_up == 0)
        assert arrived(system) == 1
