"""The weather: faults by lot, the same ones for the same texts, and each of them as it is meant."""

import json
from collections import Counter
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.simulator.behaviour import ORDINARY, Callbacks, Fault, Reports, plan
from deploy.simulator.lots import Lots
from deploy.simulator.networks import overwritten
from deploy.simulator.weather import Weather
from tests.deploy.simulator.conftest import OUR_NUMBER, PHONE, Simulator
from tests.deploy.webhook_receiver import WebhookReceiver

STORM = Weather(
    seed=7,
    answer_after_s=(0.0, 0.3),
    refusals={21614: 0.1, 20429: 0.2},
    retry_after_s=(1, 3),
    problem_details=0.5,
    server_errors={500: 0.05, 503: 0.05},
    faults={Fault.RESET_BEFORE: 0.1, Fault.RESET_AFTER: 0.1, Fault.TIMEOUT_AFTER: 0.1},
    early=0.1,
    late=0.2,
    late_s=(1, 5),
    callbacks={Callbacks.LOST: 0.2, Callbacks.TWICE: 0.2, Callbacks.SHUFFLED: 0.2},
    failed={30001: 0.1},
    undelivered={30003: 0.1, 30005: 0.1},
    silent=0.1,
    recounted=0.2,
    overwritten=0.5,
    replies={"STOP": 0.1, "START": 0.1},
)
MANY = 3_000


def test_the_same_texts_meet_the_same_faults_in_whatever_order() -> None:
    texts = [(f"+1415200{n:04}", nth) for n in range(50) for nth in (1, 2, 3)]
    forwards = {text: STORM.behaviour(*text) for text in texts}
    assert forwards == {text: STORM.behaviour(*text) for text in reversed(texts)}
    assert forwards != {text: STORM.with_seed(8).behaviour(*text) for text in texts}


def test_another_fault_moves_none_of_those_that_were_there() -> None:
    rougher = STORM.model_copy(update={"early": 0.9})
    for nth in range(100):
        before, after = STORM.behaviour(PHONE, nth), rougher.behaviour(PHONE, nth)
        assert before == after.model_copy(update={"reports_first": before.reports_first})


def test_shares_are_kept() -> None:
    drawn = [STORM.behaviour(PHONE, nth) for nth in range(MANY)]
    shares = {
        "429": sum(one.error_code == 20429 for one in drawn),
        "ends": sum(one.ends_with_code == 30003 for one in drawn),
        "reset": sum(one.fault is Fault.RESET_AFTER for one in drawn),
        "lost": sum(one.callbacks is Callbacks.LOST for one in drawn),
        "stop": sum(one.reply == "STOP" for one in drawn),
    }
    wanted = {"429": 0.2, "ends": 0.1, "reset": 0.1 * 0.9, "lost": 0.2, "stop": 0.1}
    assert {name: pytest.approx(share * MANY, abs=90) for name, share in wanted.items()} == shares
    assert all(0 <= one.answer_after_s < 0.3 for one in drawn)
    assert all((one.retry_after_s in {1, 2, 3}) == (one.error_code == 20429) for one in drawn)


def test_fair_weather_is_nothing_at_all() -> None:
    assert Weather(seed=3).behaviour(PHONE, 1) is ORDINARY


@pytest.mark.parametrize(
    "nonsense",
    [{"early": 1.1}, {"refusals": {21614: 0.6, 21610: 0.6}}, {"late_s": (2, 1)}, {"faults": {"flood": 0.1}}],
)
def test_weather_that_makes_no_sense_is_refused(nonsense: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Weather.model_validate(nonsense)


@given(st.integers(0, 2**32), st.integers(1, 1_000))
def test_what_is_chosen_is_one_of_them(seed: int, nth: int) -> None:
    lots = Lots(seed, PHONE, nth)
    assert lots.chosen("it", {"a": 0.5, "b": 0.5}) in {"a", "b"}
    assert lots.chosen("it", {"a": 0.0}) is None
    assert lots.happens("it", 1.0)
    assert not lots.happens("it", 0.0)


def test_shuffled_callbacks_tell_of_everything_some_of_it_twice() -> None:
    orders = set()
    for order in range(200):
        how = ORDINARY.model_copy(update={"callbacks": Callbacks.SHUFFLED, "order": order})
        told = tuple(step.status for step in plan(how, "accepted") if isinstance(step, Reports))
        assert set(told) == {"queued", "sent", "delivered"}
        assert set(Counter(told).values()) <= {1, 2, 3, 4}
        orders.add(told)
    assert len(orders) > 50


def test_networks_overwrite_senders_where_they_are_known_to() -> None:
    assert overwritten("+12025550100", "+12025550143") is None
    assert overwritten("+12025550100", "+4915123456789") is None
    abroad = overwritten("+12025550100", "+351912345678")
    assert abroad is None or abroad.isdigit()
    assert {overwritten("+12025550100", number) is not None for number in ABROAD} == {True, False}


ABROAD = ("+4520123456", "+31612345678", "+34612345678", "+48512345678", "+351912345678", "+5511912345678")

# --- on the wire ------------------------------------------------------------------------------------


def test_the_weather_is_changed_while_it_runs(simulator: Simulator) -> None:
    assert Weather.model_validate(simulator.http.get("/weather").json()) == Weather()
    stormy = simulator.http.put("/weather", json=STORM.model_dump(mode="json"))
    assert Weather.model_validate(stormy.json()) == STORM
    assert simulator.http.put("/weather", json={"early": 2}).status_code == 422


def test_a_number_that_was_told_how_to_behave_has_its_own_weather(start: Any) -> None:
    simulator: Simulator = start(weather=Weather(server_errors={503: 1.0}))
    with pytest.raises(Exception, match="503"):
        simulator.send()
    simulator.behave(PHONE)
    assert simulator.send().sid


def test_callbacks_overtake_the_answer(start: Any, sayso: WebhookReceiver) -> None:
    simulator: Simulator = start(weather=Weather(early=1.0))
    sent = simulator.send()
    assert sayso.calls.qsize() == 2
    assert {call.form["MessageSid"] for call in sayso.take(2)} == {sent.sid}


def test_late_callbacks_come_after_all(start: Any, sayso: WebhookReceiver) -> None:
    simulator: Simulator = start(weather=Weather(late=1.0, late_s=(0.05, 0.05)))
    simulator.send()
    assert {call.form["MessageStatus"] for call in sayso.take(2)} == {"sent", "delivered"}


@pytest.mark.parametrize("fault", [Fault.TIMEOUT_AFTER, Fault.RESET_AFTER, Fault.RESET_BEFORE])
def test_an_answer_that_never_comes(start: Any, fault: Fault) -> None:
    simulator: Simulator = start(weather=Weather(faults={fault: 1.0}))
    simulator.client.http_client.timeout = 0.3
    with pytest.raises(requests.RequestException):
        simulator.send()
    taken = taken_by(simulator)
    assert [(one["to"], one["answered"]) for one in taken] == [(PHONE, False)] * (
        fault is not Fault.RESET_BEFORE
    )


def test_phones_answer_by_themselves(start: Any, sayso: WebhookReceiver) -> None:
    simulator: Simulator = start(weather=Weather(replies={"STOP": 1.0}))
    simulator.send()
    bodies = [call.form["Body"] for call in sayso.take(3) if "Body" in call.form]
    assert bodies == ["STOP"]


def test_another_count_is_billed(start: Any) -> None:
    simulator: Simulator = start(weather=Weather(recounted=1.0))
    counts = {simulator.send(to=f"+1202555{n:04}").num_segments for n in range(100, 120)}
    assert counts == {"1", "2"}


def test_a_phone_shows_whom_the_network_names(start: Any, sayso: WebhookReceiver) -> None:
    simulator: Simulator = start(weather=Weather(overwritten=1.0))
    number = next(number for number in ABROAD if overwritten(OUR_NUMBER, number))
    simulator.send(to=number)
    sayso.take(2)
    (bubble,) = simulator.http.get(f"/phones/{number}").json()["bubbles"]
    assert bubble["other"] == overwritten(OUR_NUMBER, number)


def test_every_text_that_was_taken_is_told(start: Any) -> None:
    simulator: Simulator = start(messages_max=5)
    sids = [simulator.send(body=f"text {n}").sid for n in range(10)]
    taken = taken_by(simulator)
    assert [one["sid"] for one in taken] == sids
    assert [one["body"] for one in taken_by(simulator, after=8)] == ["text 8", "text 9"]
    assert {one["answered"] for one in taken} == {True}
    assert "text=42" in taken[0]["callback"]
    assert (taken[0]["segments"], taken[-1]["segments"]) == (None, 1)


def taken_by(simulator: Simulator, after: int = 0) -> list[dict[str, Any]]:
    answer = simulator.http.get("/taken", params={"after": after})
    return [json.loads(line) for line in answer.text.splitlines()]
