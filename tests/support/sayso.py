"""A real Sayso for tests: its own folder, a simulated carrier, real HTTP on loopback, a clock one can set."""

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from deploy import demo
from deploy.clock import utc_now
from deploy.logs import configure_logs
from deploy.serving import HttpServer
from deploy.settings import LOOPBACK, Settings
from deploy.simulator.server import SimulatorServer
from deploy.wiring import Sayso, auth_of
from producers.http.auth import issue
from producers.http.pages.demo_settings import DemoSettings
from producers.http.pages.site import add_pages
from schemas.actors import Permission

ALL = tuple(Permission)
SENDER = demo.SENDERS["acme"]


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


@dataclass(frozen=True)
class System:
    """What runs: Sayso behind `url`, the carrier and phones behind `phones_url`."""

    sayso: Sayso
    url: str
    phones_url: str
    clock: Clock

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
            utc_now(),
            timedelta(hours=1),
            name,
            "service" if service else "member",
        )

    def client(self, *permissions: Permission, account: str = "acme", **who: Any) -> "Client":
        """An ATS that talks to Sayso over HTTP."""
        return Client(self.url, account, self.token(*permissions, account=account, **who))


class Client:
    """Speaks to one account's interface, and keeps nothing."""

    def __init__(self, url: str, account: str, token: str) -> None:
        self.account = account
        self.http = httpx.Client(
            base_url=f"{url}/v1/accounts/{account}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=20,
            trust_env=False,
        )

    def command(self, kind: str, command_id: UUID | None = None, **fields: Any) -> httpx.Response:
        """Post a command and wait for its receipt."""
        body = {"type": kind, "command_id": str(command_id or uuid4()), **fields}
        return self.http.post("/commands", json=body, headers={"Prefer": "wait=10"})

    def accepted(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Post a command that must be accepted; its result."""
        answer = self.command(kind, **fields)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()["result"]
        return result

    def get(self, path: str, **query: Any) -> Any:
        """What stands at `path`."""
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


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
        **changed,
    }
    return Settings(**given)


@contextmanager
def running(folder: Path, **changed: Any) -> Iterator[System]:
    """A whole system on free ports, with its demo accounts' senders assigned."""
    configure_logs("error")
    clock = Clock()
    port = _free_port()
    settings = settings_for(folder, port=port, public_url=f"http://{LOOPBACK}:{port}", **changed)
    with SimulatorServer(demo.simulator_settings(settings)) as phones:
        settings = settings.model_copy(update={"twilio_url": phones.url})
        with Sayso(settings, clock) as sayso:
            demo.assign_senders(sayso)
            add_pages(sayso.app, DemoSettings(auth_of(settings), "acme", phones.url))
            with HttpServer(sayso.app, LOOPBACK, port) as server:
                yield System(sayso, server.url, phones.url, clock)


def eventually(look: Callable[[], Any], timeout_s: float = 10.0) -> Any:
    """What `look` gives, once it is true; fails if it never is."""
    until = time.monotonic() + timeout_s
    while not (seen := look()):
        assert time.monotonic() < until, f"it never came: {seen!r}"
        time.sleep(0.02)
    return seen


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
