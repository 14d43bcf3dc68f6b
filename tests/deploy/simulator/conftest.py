"""A running simulator, Twilio's own client for it, and somebody who hears what it calls back."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from deploy.simulator.server import SimulatorServer
from deploy.simulator.settings import SimulatorSettings
from tests.deploy.webhook_receiver import Call, WebhookReceiver

ACCOUNT = "AC" + "0" * 32
TOKEN = "a-token"
SERVICE = "MG" + "1" * 32
POOL = ("+13125550101", "+13125550102", "+13125550103")
OUR_NUMBER = "+12025550100"
PHONE = "+12025550143"


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
