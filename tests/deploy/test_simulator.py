"""The simulator against what Twilio documents, with Twilio's own client and validator."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from playwright.sync_api import Browser, expect, sync_playwright
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from deploy.simulator.segments import billed_segments
from deploy.simulator.server import SimulatorServer
from deploy.simulator.settings import OptOut, SimulatorSettings
from domain.segments import count
from tests.deploy.webhook_receiver import Call, WebhookReceiver

ACCOUNT = "AC" + "0" * 32
TOKEN = "a-token"
SERVICE = "MG" + "1" * 32
POOL = ("+13125550101", "+13125550102", "+13125550103")
OUR_NUMBER = "+12025550100"
PHONE = "+12025550143"

# Twilio's published description of the message resource (twilio-oai, api.v2010.account.message).
SID = {"type": "string", "pattern": "^SM[0-9a-f]{32}$"}
DATE = {"type": ["string", "null"], "pattern": r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$"}
TEXT_OR_NULL = {"type": ["string", "null"]}
RESOURCE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "account_sid": {"type": "string", "pattern": "^AC[0-9a-fA-F]{32}$"},
        "api_version": {"const": "2010-04-01"},
        "body": {"type": "string"},
        "date_created": DATE,
        "date_sent": DATE,
        "date_updated": DATE,
        "direction": {"enum": ["inbound", "outbound-api", "outbound-call", "outbound-reply"]},
        "error_code": {"type": ["integer", "null"]},
        "error_message": TEXT_OR_NULL,
        "from": TEXT_OR_NULL,
        "messaging_service_sid": {"type": ["string", "null"], "pattern": "^MG[0-9a-fA-F]{32}$"},
        "num_media": {"type": "string", "pattern": "^[0-9]+$"},
        "num_segments": {"type": "string", "pattern": "^[0-9]+$"},
        "price": TEXT_OR_NULL,
        "price_unit": TEXT_OR_NULL,
        "sid": SID,
        "status": {
            "enum": [
                *("accepted", "scheduled", "queued", "sending", "sent", "delivered", "undelivered"),
                *("failed", "canceled", "receiving", "received", "read", "partially_delivered"),
            ]
        },
        "subresource_uris": {"type": "object", "required": ["media"]},
        "to": TEXT_OR_NULL,
        "uri": {"type": "string"},
    },
}
RESOURCE["required"] = list(RESOURCE["properties"])  # type: ignore[call-overload]
PAGE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "messages": {"type": "array", "items": RESOURCE},
        "page": {"type": "integer"},
        "page_size": {"type": "integer"},
        "start": {"type": "integer"},
        "end": {"type": "integer"},
        "uri": {"type": "string"},
        "first_page_uri": {"type": "string"},
        "next_page_uri": TEXT_OR_NULL,
        "previous_page_uri": TEXT_OR_NULL,
    },
}


@pytest.fixture(scope="module")
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as server:
        yield server


@pytest.fixture
def sayso(receiver: WebhookReceiver) -> WebhookReceiver:
    """Whoever is called by the webhooks, with nothing left over from another test."""
    while not receiver.calls.empty():
        receiver.calls.get()
    return receiver


class Simulator:
    """A running simulator, as Twilio's client and as a phone see it."""

    def __init__(self, url: str, callback: str) -> None:
        self.url = url
        self._callback = callback
        self.client = Client(ACCOUNT, TOKEN)
        self.client.api.base_url = url
        self.http = httpx.Client(base_url=url, trust_env=False)

    def send(self, to: str = PHONE, body: str = "Hello", **sender: str) -> Any:
        return self.client.messages.create(
            to=to, body=body, status_callback=self._callback, **(sender or {"from_": OUR_NUMBER})
        )

    def answer(self, body: str, phone: str = PHONE, to: str | None = OUR_NUMBER) -> dict[str, Any]:
        answer = self.http.post(f"/phones/{phone}/messages", json={"body": body} | ({"to": to} if to else {}))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def on_phone(self, phone: str = PHONE) -> list[str]:
        return [bubble["body"] for bubble in self.http.get(f"/phones/{phone}").json()["bubbles"]]

    def behave(self, phone: str, **how: object) -> None:
        assert self.http.put(f"/phones/{phone}/behaviour", json=how).status_code == 200


@pytest.fixture
def start(sayso: WebhookReceiver) -> Iterator[Any]:
    """A simulator with an empty memory and the settings asked for."""
    opened: list[tuple[SimulatorServer, Simulator]] = []

    def one(**settings: Any) -> Simulator:
        chosen: dict[str, Any] = {
            "numbers": (OUR_NUMBER,),
            "services": {SERVICE: POOL},
            "inbound_url": f"{sayso.url}/inbound?shard=1",
            "status_delay_s": 0.0,
        } | settings
        server = SimulatorServer(SimulatorSettings(ACCOUNT, TOKEN, **chosen))
        server.__enter__()
        opened.append((server, Simulator(server.url, f"{sayso.url}/status?text=42&x=%C3%A9")))
        return opened[-1][1]

    yield one
    for server, simulator in opened:
        simulator.http.close()
        simulator.client.http_client.session.close()
        server.__exit__(None, None, None)


@pytest.fixture
def simulator(start: Any) -> Simulator:
    made: Simulator = start()
    return made


def is_signed(call: Call) -> bool:
    validator = RequestValidator(TOKEN)
    return bool(validator.validate(call.url, call.form, call.headers["x-twilio-signature"]))


def refused(code: int) -> Any:
    return pytest.raises(TwilioRestException, check=lambda error: error.code == code)


# --- the messages API -----------------------------------------------------------------------------


def test_its_answers_are_those_of_the_published_description(
    simulator: Simulator, sayso: WebhookReceiver
) -> None:
    auth, path = (ACCOUNT, TOKEN), f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    sent = simulator.http.post(path, auth=auth, data={"To": PHONE, "From": OUR_NUMBER, "Body": "Hi"})
    assert sent.status_code == 201
    simulator.send(messaging_service_sid=SERVICE)
    simulator.answer("an answer")
    sayso.take(4)
    one = simulator.http.get(sent.json()["uri"], auth=auth).json()
    Draft202012Validator(RESOURCE).validate(sent.json())
    Draft202012Validator(RESOURCE).validate(one)
    listed = simulator.http.get(path, auth=auth, params={"PageSize": 2}).json()
    Draft202012Validator(PAGE).validate(listed)
    assert (len(listed["messages"]), listed["next_page_uri"] is not None) == (2, True)


def test_its_errors_have_twilios_four_fields(simulator: Simulator) -> None:
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    answer = simulator.http.post(path, auth=(ACCOUNT, TOKEN), data={"From": OUR_NUMBER, "Body": "x"})
    assert answer.status_code == 400
    assert answer.json() == {
        "code": 21604,
        "message": "A 'To' phone number is required.",
        "more_info": "https://www.twilio.com/docs/errors/21604",
        "status": 400,
    }


@pytest.mark.parametrize("auth", [("", ""), (ACCOUNT, "wrong"), ("wrong", TOKEN), (ACCOUNT, "é")])
def test_nobody_gets_in_without_the_token(simulator: Simulator, auth: tuple[str, str]) -> None:
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    for answer in (
        simulator.http.get(path, auth=auth),
        simulator.http.post(path, auth=auth, data={"Body": "x"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)


def test_another_account_and_another_message_are_not_found(simulator: Simulator) -> None:
    with refused(20404):
        simulator.client.api.accounts("AC" + "9" * 32).messages("SM" + "9" * 32).fetch()
    with refused(20404):
        simulator.client.messages("SM" + "9" * 32).fetch()


def test_a_sender_is_asked_for(simulator: Simulator) -> None:
    with refused(21603):
        simulator.client.messages.create(to=PHONE, body="x")
    with refused(21212):
        simulator.send(from_="Acme")
    with refused(21609):
        simulator.client.messages.create(to=PHONE, body="x", from_=OUR_NUMBER, status_callback="nowhere")


def test_a_list_by_number_and_by_day(simulator: Simulator, sayso: WebhookReceiver) -> None:
    for number in range(3):
        simulator.send(body=f"text {number}")
    simulator.send(to="+12025550144", body="to another phone")
    sayso.take(8)
    found = simulator.client.messages.list
    assert [one.body for one in found(to=PHONE)] == ["text 2", "text 1", "text 0"]
    assert [one.body for one in found(to=PHONE, page_size=1, limit=2)] == ["text 2", "text 1"]
    assert len(found(from_=OUR_NUMBER)) == 4
    today = datetime.now(UTC)
    assert len(found(to=PHONE, date_sent=found(to=PHONE)[0].date_sent.date())) == 3
    assert len(found(to=PHONE, date_sent_after=today - timedelta(minutes=1))) == 3
    assert found(to=PHONE, date_sent_after=today + timedelta(minutes=1)) == []
    assert found(to=PHONE, date_sent_before=date(2026, 1, 1)) == []


def test_a_date_that_cannot_be_read_is_refused(simulator: Simulator) -> None:
    path, auth = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", (ACCOUNT, TOKEN)
    dates = [("DateSent", "soon"), ("DateSent>", "2026-13-01"), ("DateSent<", "9999-12-31")]
    for name, value in [*dates, ("PageSize", "-1"), ("PageSize", "0"), ("Page", "²")]:
        assert simulator.http.get(path, auth=auth, params={name: value}).json()["code"] == 20001


# --- callbacks ------------------------------------------------------------------------------------


def test_statuses_are_called_back_in_order_and_signed(simulator: Simulator, sayso: WebhookReceiver) -> None:
    sent = simulator.send()
    calls = sayso.take(2)
    assert [call.form["MessageStatus"] for call in calls] == ["sent", "delivered"]
    assert {call.form["MessageSid"] for call in calls} == {sent.sid}
    assert {call.url for call in calls} == {f"{sayso.url}/status?text=42&x=%C3%A9"}
    assert all(is_signed(call) for call in calls)
    assert simulator.client.messages(sent.sid).fetch().status == "delivered"


def test_a_messaging_service_gives_a_recipient_always_the_same_number(
    simulator: Simulator, sayso: WebhookReceiver
) -> None:
    sent = [simulator.send(messaging_service_sid=SERVICE) for _ in range(2)]
    assert [(one.status, one.from_, one.num_segments) for one in sent] == [("accepted", None, "0")] * 2
    calls = sayso.take(6)
    assert {call.form["MessagingServiceSid"] for call in calls} == {SERVICE}
    assert len({call.form["From"] for call in calls} & set(POOL)) == 1
    fetched = simulator.client.messages(sent[0].sid).fetch()
    assert (fetched.from_ in POOL, fetched.num_segments) == (True, "1")


def test_the_newer_signature_names_its_algorithm(start: Any, sayso: WebhookReceiver) -> None:
    start(signing="HMAC_SHA256").send()
    (call, _) = sayso.take(2)
    assert not is_signed(call)
    assert call.headers["x-twilio-webhooks-signature-settings"] == "key=simulator,algorithm=HMAC_SHA256"
    made = call.headers["x-twilio-signature"]
    assert RequestValidator(TOKEN).validate(call.url, call.form, made, "HMAC_SHA256")


@pytest.mark.parametrize(
    ("behaviour", "reported"),
    [
        ({"ends": "undelivered", "ends_with_code": 30005}, ["sent", "undelivered"]),
        ({"ends": "failed", "ends_with_code": 30001}, ["failed"]),
        ({"ends": "sent"}, ["sent"]),
        ({"callbacks": "twice"}, ["sent", "sent", "delivered", "delivered"]),
        ({"callbacks": "reversed"}, ["delivered", "sent"]),
    ],
)
def test_a_number_can_be_told_how_to_behave(
    simulator: Simulator, sayso: WebhookReceiver, behaviour: dict[str, object], reported: list[str]
) -> None:
    simulator.behave(PHONE, **behaviour)
    simulator.send()
    calls = sayso.take(len(reported))
    assert [call.form["MessageStatus"] for call in calls] == reported
    assert calls[-1].form.get("ErrorCode") == (str(behaviour.get("ends_with_code", "")) or None)


def test_lost_callbacks_leave_the_message_as_it_is(simulator: Simulator, sayso: WebhookReceiver) -> None:
    simulator.behave(PHONE, callbacks="lost", segments=3)
    sent = simulator.send()
    assert sent.num_segments == "3"
    simulator.send(to="+12025550145")  # whose callbacks come after those of the first would have
    assert {call.form["To"] for call in sayso.take(2)} == {"+12025550145"}
    assert simulator.client.messages(sent.sid).fetch().status == "delivered"


def test_a_behaviour_that_makes_no_sense_is_refused(simulator: Simulator) -> None:
    for nonsense in ({"ends": "well"}, {"answer_after_s": -1}, {"unknown": 1}):
        assert simulator.http.put(f"/phones/{PHONE}/behaviour", json=nonsense).status_code == 422


# --- the phones -----------------------------------------------------------------------------------


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


# --- the page -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.browser
def test_a_person_reads_and_answers_on_the_page(
    simulator: Simulator, sayso: WebhookReceiver, browser: Browser
) -> None:
    page = browser.new_page()
    page.goto(simulator.url)
    expect(page.get_by_test_id("live")).to_have_text("Live")
    simulator.send(body="Are you free on <b>Tuesday</b>?")
    phone = page.get_by_test_id("phone-12025550143")
    expect(phone.get_by_test_id("bubble-body")).to_have_text(["Are you free on <b>Tuesday</b>?"])
    phone.get_by_test_id("phone-input").fill("Yes, I am")
    phone.get_by_test_id("phone-input").press("Enter")
    expect(phone.get_by_test_id("bubble-body")).to_have_count(2)
    expect(phone.get_by_test_id("phone-input")).to_have_value("")
    phone.get_by_test_id("quick-STOP").click()
    expect(phone.get_by_test_id("opted-out")).to_contain_text("Opted out of +1 202-555-0100")
    expect(phone.get_by_test_id("bubble-body").last).to_have_text(OptOut().stopped)
    inbound = [call.form["Body"] for call in sayso.take(4) if "Body" in call.form]
    assert inbound == ["Yes, I am", "STOP"]
    page.close()


@pytest.mark.browser
def test_a_person_opens_a_phone_on_the_page(start: Any, browser: Browser) -> None:
    simulator = start(numbers=(), services={})
    page = browser.new_page()
    page.goto(simulator.url)
    page.get_by_test_id("open-number").fill("0151 23456789")
    page.get_by_test_id("open-phone").click()
    expect(page.get_by_role("alert").first).to_contain_text("country code")
    page.get_by_test_id("open-number").fill("+49 1512 3456789")
    page.get_by_test_id("open-phone").click()
    phone = page.get_by_test_id("phone-4915123456789")
    phone.get_by_test_id("phone-to").fill(OUR_NUMBER)
    phone.get_by_test_id("phone-input").fill("Hello, is the job still open?")
    phone.get_by_test_id("phone-send").click()
    expect(phone.get_by_test_id("bubble-body")).to_have_text(["Hello, is the job still open?"])
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(start: Any, browser: Browser, scheme: Any) -> None:
    simulator = start(inbound_url=None, opt_out=OptOut(stopped="Stopped."))
    simulator.behave("+12025550144", ends="failed", ends_with_code=30001)
    simulator.send(to="+12025550144", body=str(uuid4()))
    simulator.answer("STOP")
    page = browser.new_page(color_scheme=scheme)
    page.goto(simulator.url)
    expect(page.get_by_test_id("bubble")).to_have_count(3)
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    page.close()
