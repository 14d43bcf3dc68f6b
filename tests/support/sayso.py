"""A real Sayso for tests: its own folder, a simulated carrier, real HTTP on loopback, a clock one can set."""

import base64
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx

from consumers.rates import SENDER_RATES
from deploy import demo
from deploy.clock import utc_now
from deploy.observability import Observability
from deploy.parts import auth_of
from deploy.serving import HttpServer
from deploy.settings import LOOPBACK, Settings
from deploy.simulator.server import SimulatorServer
from deploy.simulator.settings import SimulatorSettings
from deploy.wiring import Sayso
from producers.http.auth import issue
from producers.http.pages.demo_settings import DemoSettings
from producers.http.pages.site import add_pages
from schemas.actors import Permission

T = TypeVar("T")

ALL = tuple(Permission)
SENDER = demo.SENDERS["acme"]
CONNECTIONS_MAX = 300


class Clock:
    """The real time, moved by as much as a test wants."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self._ahead

    def set(self, moment: datetime) -> None:
        """It is `moment` now, and time goes on from there."""
        self._ahead = moment - utc_now()

    def move(self, by: timedelta) -> None:
        """Jump."""
        self._ahead += by


def _connections() -> httpx.HTTPTransport:
    limits = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX)
    return httpx.HTTPTransport(limits=limits, trust_env=False)


@dataclass(frozen=True)
class System:
    """What runs: Sayso behind `url`, the carrier and phones behind `phones_url`."""

    sayso: Sayso
    url: str
    phones_url: str
    clock: Clock
    connections: httpx.HTTPTransport = field(default_factory=_connections)
    """Shared by all who call, and closed with the system."""

    def token(
        self,
        *permissions: Permission,
        account: str = "acme",
        member: str = "rita",
        name: str | None = "Rita Recruiter",
        service: bool = False,
    ) -> str:
        """An access token; with every permission if none is named."""
        return issue(
            auth_of(self.sayso.settings),
            account,
            member,
            permissions or ALL,
            utc_now(),  # tokens are checked against the machine's clock
            timedelta(hours=1) + max(self.clock() - utc_now(), timedelta()),
            name,
            "service" if service else "member",
        )

    def wait(self, **time: float) -> None:
        """So much time passes, given as `timedelta` takes it."""
        self.clock.move(timedelta(**time))
        self.sayso.dispatcher.wake()  # it would look by itself, within a second

    def wait_until(self, moment: datetime) -> None:
        """Time passes until just after `moment`."""
        self.wait(seconds=(moment - self.clock()).total_seconds() + 1)

    def client(self, *permissions: Permission, account: str = "acme", **who: Any) -> "Client":
        """An ATS that talks to Sayso over HTTP."""
        token = self.token(*permissions, account=account, **who)
        return Client(self.url, account, token, self.connections, self.shown)

    def shown(self) -> None:
        """Wait until the views show all that was decided so far."""
        last = self.sayso.stores.ledger.last_notification()
        assert self.sayso.projector.wait_for(last, timeout_s=40), "the views do not follow"

    def http(self, **headers: str) -> httpx.Client:
        """Whoever calls Sayso, with these headers and no more."""
        return httpx.Client(base_url=self.url, headers=headers, timeout=20, transport=self.connections)


class Client:
    """Speaks to one account's interface, and keeps nothing."""

    def __init__(
        self,
        url: str,
        account: str,
        token: str,
        connections: httpx.HTTPTransport | None = None,
        shown: Callable[[], None] | None = None,
    ) -> None:
        """`shown` returns once the views show what was decided; without it, receipts are asked for."""
        self.account = account
        self._shown = shown
        self.url = f"{url}/v1/accounts/{account}"
        self.http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=20,
            transport=connections or _connections(),
        )

    def command(self, kind: str, command_id: UUID | None = None, **fields: Any) -> httpx.Response:
        """Post a command and wait for its receipt."""
        body = {"type": kind, "command_id": str(command_id or uuid4()), **fields}
        return self.http.post("/commands", json=body, headers={"Prefer": "wait=10"})

    def accepted(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Post a command that must be accepted; its result, once the views show what came of it."""
        answer = self.command(kind, **fields)
        assert answer.status_code == 200, answer.text
        receipt = answer.json()
        if self._shown is None:
            self.seen(receipt["command_id"])
        else:
            self._shown()
        result: dict[str, Any] = receipt["result"]
        return result

    def refused(self, kind: str, **fields: Any) -> str:
        """Post a command that must be refused; its code."""
        return str(self.problem(kind, **fields)["code"])

    def problem(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Post a command that must be refused; the problem, whole."""
        return problem_of(self.command(kind, **fields))

    def seen(self, command_id: str) -> dict[str, Any]:
        """A command's receipt, once the views hold it; all views show a command at the same moment."""
        receipt: dict[str, Any] = eventually(lambda: self._receipt(command_id))
        return receipt

    def _receipt(self, command_id: str) -> Any:
        answer = self.http.get(f"/receipts/{command_id}")
        return answer.json() if answer.status_code == 200 else None

    def get(self, path: str, **query: Any) -> Any:
        """What stands at `path`."""
        answer = self.http.get(self.url + path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """The problem that `answer` must be (RFC 9457), and one of the caller's making."""
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"/v1/problems/{problem['code']}"
    assert problem["title"]
    assert problem["detail"]
    return problem


def settings_for(folder: Path, **changed: Any) -> Settings:
    """Settings of a test's own; `changed` goes before."""
    given: dict[str, Any] = {
        "data_dir": folder,
        "master_key": base64.b64encode(b"m" * 32).decode(),
        "names_secret": base64.b64encode(b"n" * 32).decode(),
        "token_secret": "t" * 32,
        "twilio_account_sid": "AC" + "0" * 32,
        "twilio_auth_token": "f" * 32,
        "log_level": "error",
        "carrier_rate": 100_000,  # no test waits for tokens, but those of limits
        "sender_rates": dict.fromkeys(SENDER_RATES, 100_000),
        **changed,
    }
    return Settings(**given)


def reachable_settings(folder: Path, **changed: Any) -> Settings:
    """As `settings_for`, on a port that is free, where the carrier finds it too."""
    port = free_port()
    return settings_for(folder, port=port, public_url=f"http://{LOOPBACK}:{port}", **changed)


@contextmanager
def running(
    folder: Path,
    *,
    carrier: Callable[[SimulatorSettings], SimulatorSettings] = lambda settings: settings,
    observability: Observability | None = None,
    **changed: Any,
) -> Iterator[System]:
    """A whole system on free ports, with its demo accounts' senders assigned."""
    settings = reachable_settings(folder, **changed)
    with (
        SimulatorServer(carrier(demo.simulator_settings(settings))) as phones,
        serving(settings, phones.url, Clock(), observability) as system,
    ):
        yield system


@contextmanager
def serving(
    settings: Settings, phones_url: str, clock: Clock, observability: Observability | None = None
) -> Iterator[System]:
    """Sayso alone, beside a carrier that runs already."""
    settings = settings.model_copy(update={"twilio_url": phones_url})
    with Sayso(settings, clock, observability) as sayso:
        demo.assign_senders(sayso)
        add_pages(sayso.app, DemoSettings(auth_of(settings), "acme", phones_url))
        with HttpServer(sayso.app, LOOPBACK, settings.port, sayso.let_go) as server:
            system = System(sayso, server.url, phones_url, clock)
            try:
                yield system
            finally:
                system.connections.close()


def eventually(look: Callable[[], T], timeout_s: float = 40.0) -> T:
    """What `look` gives, once it is true; fails if it never is."""
    until = time.monotonic() + timeout_s
    while not (seen := look()):
        assert time.monotonic() < until, f"it never came: {seen!r}"
        time.sleep(0.01)
    return seen


def free_port() -> int:
    """A port of this machine that nobody uses just now."""
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
