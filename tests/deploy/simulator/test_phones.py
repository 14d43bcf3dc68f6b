"""The phones: what is answered from them, and what the carrier does about keywords by itself."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.simulator.segments import billed_segments
from deploy.simulator.server import SimulatorServer
from deploy.simulator.settings import OptOut, SimulatorSettings
from domain.segments import count
from tests.deploy.simulator.conftest import (
    ACCOUNT,
    OUR_NUMBER,
    PHONE,
    POOL,
    SERVICE,
    TOKEN,
    Simulator,
    is_signed,
    refused,
)
from tests.deploy.webhook_receiver import WebhookReceiver


def test_an_answer_is_passed_on_signed(simulator: Simulator, sayso: WebhookReceiver) -> None:
    written = simulator.answer("Oui, ça va 🙂")
    (call,) = sayso.take()
    assert is_signed(call)
    assert call.url == f"{sayso.url}/inbound?shard=1"
    assert (
        call.form
        | {
            "MessageSid": written["sid"],
            "AccountSid": ACCOUNT,
            "From": PHONE,
            "To": OUR_NUMBER,
            "Body": "Oui, ça va 🙂",
            "NumSegments": "1",
            "NumMedia": "0",
            "FromCountry": "US",
            "FromCity": "",
        }
        == call.form
    )
    assert "OptOutType" not in call.form


def test_an_answer_goes_to_whoever_wrote_last(simulator: Simulator, sayso: WebhookReceiver) -> None:
    simulator.send(messaging_service_sid=SERVICE)
    *_, delivered = sayso.take(3)
    simulator.answer("Hello back", to=None)
    (call,) = sayso.take()
    assert (call.form["To"], call.form["MessagingServiceSid"]) == (delivered.form["From"], SERVICE)


def test_stop_blocks_the_pair_and_start_lifts_it(simulator: Simulator, sayso: WebhookReceiver) -> None:
    simulator.answer(" stop ")
    with refused(21610):
        simulator.send()
    assert simulator.send(messaging_service_sid=SERVICE).sid
    assert simulator.send(to="+12025550144").sid
    assert simulator.http.get(f"/phones/{PHONE}").json()["opted_out_of"] == [OUR_NUMBER]
    simulator.answer("Unstop")
    assert simulator.send().sid
    assert [call.form["Body"] for call in sayso.take(9) if "Body" in call.form] == [" stop ", "Unstop"]


def test_stop_to_one_number_of_a_service_blocks_the_whole_service(simulator: Simulator) -> None:
    simulator.answer("QUIT", to=POOL[1])
    with refused(21610):
        simulator.send(messaging_service_sid=SERVICE)
    assert simulator.send().sid


def test_the_carrier_answers_keywords_by_itself(simulator: Simulator) -> None:
    for word in ("YES", "HELP", "STOP", "START", "please stop"):
        simulator.answer(word)
    texts = OptOut()
    assert simulator.on_phone() == [
        *("YES", "HELP", texts.helped, "STOP", texts.stopped, "START", texts.started, "please stop")
    ]


def test_the_carrier_can_leave_keywords_to_sayso(start: Any, sayso: WebhookReceiver) -> None:
    simulator = start(opt_out=OptOut(enabled=False))
    simulator.answer("STOP")
    assert simulator.on_phone() == ["STOP"]
    assert simulator.send().sid


def test_advanced_opt_out_says_which_keyword_it_was(start: Any, sayso: WebhookReceiver) -> None:
    simulator = start(opt_out=OptOut(advanced=True, answers=False))
    simulator.answer("info")
    (call,) = sayso.take()
    assert call.form["OptOutType"] == "HELP"
    assert is_signed(call)
    assert simulator.on_phone() == ["info"]


def test_a_phone_can_be_opened_before_anything_arrived(simulator: Simulator) -> None:
    opened = simulator.http.post("/phones", json={"number": "+44 7400 123456"})
    assert opened.status_code == 201
    phone = simulator.http.get("/phones/447400123456").json()
    assert (phone["number"], phone["country"], phone["bubbles"]) == ("+447400123456", "United Kingdom", [])
    assert [one["number"] for one in simulator.http.get("/phones").json()["phones"]] == ["+447400123456"]


def test_a_number_that_is_none_gets_a_sentence(simulator: Simulator) -> None:
    for number in ("07400 123456", "+44", "hello"):
        answer = simulator.http.post("/phones", json={"number": number})
        assert (answer.status_code, answer.json()["detail"][-1]) == (422, ".")
    assert simulator.http.get("/phones/12").status_code == 404
    assert simulator.http.get(f"/phones/{PHONE}").status_code == 404


def test_the_oldest_is_forgotten_when_memory_is_full(start: Any) -> None:
    simulator = start(messages_max=4, phones_max=2, opt_out=OptOut(answers=False), inbound_url=None)
    for digit in range(3):
        simulator.answer("STOP", phone=f"+1202555015{digit}")
    for digit in range(4):
        simulator.answer(f"text {digit}", phone="+12025550159")
    assert [one["number"] for one in simulator.http.get("/phones").json()["phones"]] == [
        "+12025550159",
        "+12025550152",
    ]
    assert simulator.on_phone("+12025550159") == ["text 0", "text 1", "text 2", "text 3"]
    assert simulator.on_phone("+12025550152") == []
    with refused(21610):  # a block is not forgotten
        simulator.send(to="+12025550150")


def test_a_webhook_that_fails_is_shown_on_the_phone(start: Any) -> None:
    with WebhookReceiver(answer=403) as door:
        simulator = start(inbound_url=door.url)
        simulator.answer("Hello?")
        door.take()
        notes = [json.loads(line) for line in _events(simulator, until="403")]
        assert "Not passed on: Sayso answered 403" in str(notes)


def test_a_connection_that_fails_is_tried_once_more(start: Any) -> None:
    simulator = start(inbound_url="http://127.0.0.1:1/inbound")
    simulator.answer("Hello?")
    assert "could not be reached (ConnectError)" in str(_events(simulator, until="ConnectError"))


def _events(simulator: Simulator, until: str) -> list[str]:
    """Phones as they change, until one says `until`."""
    seen: list[str] = []
    with simulator.http.stream("GET", "/changes?since=0", timeout=5) as stream:
        for line in stream.iter_lines():
            if line.startswith("data:"):
                seen.append(simulator.http.get(f"/phones/{PHONE}").text)
                if until in seen[-1]:
                    return seen
    pytest.fail(f"never said {until}")


def test_open_pages_do_not_hold_up_the_end() -> None:
    with SimulatorServer(SimulatorSettings(ACCOUNT, TOKEN)) as server:
        client = httpx.Client(base_url=server.url, trust_env=False)
        with client, client.stream("GET", "/changes?since=0") as stream:
            assert stream.status_code == 200
            begun = datetime.now(UTC)
            server.__exit__(None, None, None)
            assert datetime.now(UTC) - begun < timedelta(seconds=3)


def test_a_taken_port_is_said_at_once() -> None:
    with SimulatorServer(SimulatorSettings(ACCOUNT, TOKEN)) as server, pytest.raises(OSError, match="in use"):
        SimulatorServer(SimulatorSettings(ACCOUNT, TOKEN), port=int(server.url.rsplit(":", 1)[1]))


# --- segments -------------------------------------------------------------------------------------

characters = st.sampled_from("aé€[^ç\n\r🙂Ω`{ÇZ\t ")


@given(st.one_of(st.text(characters, min_size=1, max_size=400), st.text(min_size=1, max_size=200)))
def test_the_carrier_and_the_product_count_the_same_apart_from_each_other(body: str) -> None:
    assert billed_segments(body) == count(body).segments
