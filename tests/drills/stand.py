"""A Sayso under a drill: its processes, each with a fault prepared in it, its carrier, and the load on it."""

import base64
import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from twilio.request_validator import RequestValidator

from deploy import demo
from deploy.clock import utc_now
from deploy.settings import PREFIX, Settings
from deploy.simulator.settings import SimulatorSettings
from producers.http.auth import AuthSettings, issue
from schemas.actors import Permission
from tests.drills import reading
from tests.drills.carrier import Carrier
from tests.drills.checker import Finding
from tests.drills.evidence import Carried, Evidence
from tests.drills.load import Load, Mix, Producer
from tests.drills.nursery import Child, Nursery
from tests.drills.proxy import Proxy
from tests.drills.trial import Tally, Trial
from tests.drills.wishes import Reply, Wishes
from tests.support.sayso import eventually

INBOUND = "/v1/carriers/twilio/inbound"
READY_S_MAX = 240.0
SETTLED_S_MAX = 300.0
LOOK_EVERY_S = 0.2
SAYSO, CARRIER = "sayso", "carrier"
TOKEN_SECRET = "t" * 32


@dataclass(frozen=True)
class Part:
    """One of Sayso's processes: how it is started, and where it tells of its health."""

    command: Sequence[str]
    variables: Mapping[str, str]
    health: str


class Process:
    """One part while it lives, and the plan of what is to go wrong in it."""

    def __init__(self, name: str, part: Part, nursery: Nursery, folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.child: Child | None = None
        self._part = part
        self._nursery = nursery
        self._plan = folder / f"{name}.plan"
        self._reached = folder / f"{name}.reached"

    def start(self) -> None:
        """Start it, with nothing wrong; it may not be ready yet."""
        if self.child is not None:
            self.child.close()
        self._write()
        self.child = self._nursery.start(self._plan, self._part.command, self.log, self._part.variables)

    def wait_until_ready(self) -> None:
        eventually(self._ready, READY_S_MAX)

    def arm(self, point: str, nth: int) -> None:
        """From now on it dies at the `nth` time that it comes to `point`."""
        self._tell(kill={"point": point, "nth": nth})

    def arm_to_stop(self, point: str, nth: int) -> None:
        """From now on it stands still at the `nth` time that it comes to `point`, until SIGCONT."""
        self._tell(stop={"point": point, "nth": nth})

    def plant(self, bug: str | None) -> None:
        """From now on it has this bug; or none, which takes out the one before."""
        self._tell(bug=bug)

    def slow(self, function: str, seconds: float) -> None:
        """From now on each call of that function takes so much longer."""
        self._tell(slow={"function": function, "s": seconds})

    def well(self) -> None:
        """Nothing is wrong with it any more."""
        self._tell()

    @property
    def memory_bytes(self) -> int:
        """What it holds in memory (man 5 proc, statm)."""
        pages = int(Path(f"/proc/{self.running.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def reached(self) -> str | None:
        """The point where it died, or the bug that bit, once that has happened."""
        return self._reached.read_text() if self._reached.exists() else None

    def dies(self, timeout_s: float) -> str | None:
        """Wait until it is dead; the point where it died, or None if it lives."""
        return self.reached if self.running.ended(timeout_s) else None

    def kill(self) -> None:
        """End it at once, wherever it is."""
        self.running.close()

    def terminate(self) -> None:
        """Ask it to end, and wait until it has."""
        self.running.send(signal.SIGTERM)
        assert self.running.ended(READY_S_MAX), f"{self.name} does not end"

    @property
    def running(self) -> Child:
        """Its process, as it was started last."""
        assert self.child is not None
        return self.child

    def _ready(self) -> bool:
        assert self.running.running, f"{self.name} ended by itself: {self.log.read_text()[-2_000:]}"
        try:
            return httpx.get(self._part.health, trust_env=False, timeout=10).status_code == 200
        except httpx.TransportError:
            return False

    def _tell(self, **more: Any) -> None:
        self._write(**more)
        self.running.send(signal.SIGUSR1)

    def _write(self, **more: Any) -> None:
        self._reached.unlink(missing_ok=True)
        partly = self._plan.with_suffix(".part")
        partly.write_text(json.dumps({"impatient": True, "reached": str(self._reached), **more}))
        partly.rename(self._plan)


class Stand:
    """What all forms of Sayso have in common under a drill. From entering to leaving the context.

    A form says which parts there are and which producers, and how to tell that all has settled.
    """

    settings: Settings
    load: Load
    processes: Mapping[str, Process]

    def __init__(
        self,
        nursery: Nursery,
        folder: Path,
        settings: Settings,
        wishes: Wishes,
        carrier: Callable[[SimulatorSettings], SimulatorSettings] = lambda usual: usual,
        *,
        linked: bool = False,
    ) -> None:
        """`carrier`: what is unusual about it. `linked`: it and Sayso reach each other through proxies."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.wishes = wishes
        self.tally = Tally()
        self._nursery = nursery
        self._open = ExitStack()
        self.carrier_links: dict[str, Proxy] = {}
        """By who calls: Sayso its carrier, and the carrier Sayso."""
        if linked:
            self.carrier_links[CARRIER] = calls = Proxy(settings.port)
            settings = settings.model_copy(update={"public_url": f"http://127.0.0.1:{calls.port}"})
        self.settings = settings
        usual = replace(demo.simulator_settings(settings), numbers=(), status_delay_s=0.01)
        self._carrier = Carrier(nursery, folder, carrier(usual))
        if linked:
            self.carrier_links[SAYSO] = Proxy(self._carrier.port)

    def prepare(
        self, parts: Mapping[str, Part], producers: Sequence[Producer], rate: float, mix: Mix
    ) -> None:
        """What a form is made of; `rate` is in commands a second, all producers together."""
        self.processes = {
            name: Process(name, part, self._nursery, self.folder) for name, part in parts.items()
        }
        self.load = Load(self.wishes, producers, rate, mix, self._reply)

    def start(self) -> None:
        """Start what does not run; returns when all of it is ready."""
        down = [one for one in self.processes.values() if one.child is None or not one.child.running]
        for process in down:
            process.start()
        for process in down:
            process.wait_until_ready()

    def settle(self, timeout_s: float = SETTLED_S_MAX) -> None:
        """Return when every text has ended and the views have caught up, or when it is too late for that."""
        self.load.insist()
        until = time.monotonic() + timeout_s
        while not self.settled() and time.monotonic() < until:
            time.sleep(LOOK_EVERY_S)

    def settled(self) -> bool:
        """Whether all that was asked for is decided, published, handed over and shown."""
        raise NotImplementedError

    def last(self) -> Sequence[int]:
        """The number of the last event in each ledger."""
        raise NotImplementedError

    def look(self) -> Evidence:
        """What is left, but for what was asked for and what the carrier has."""
        raise NotImplementedError

    def evidence(self) -> Evidence:
        """What is left, read at one moment: a late reply from a phone makes us read again."""
        while True:
            before, carried, seen = self.last(), self.carried(), self.look()
            if before == self.last():
                seen.carried, seen.sent = carried, self.load.sent
                return seen

    def trial(self, fault: str, *more: Finding) -> Trial:
        """Let everything settle, and hold what is left against the promises."""
        self.settle()
        return self.tally.trial(fault, self.evidence(), *more)

    def carried(self) -> list[Carried]:
        """What the carrier has."""
        return reading.carried(self._carrier.url, self.settings.twilio_account_sid, self.auth_token)

    @property
    def carrier_url(self) -> str:
        """Where it listens."""
        return self._carrier.url

    def __enter__(self) -> Self:
        self._open.enter_context(self._carrier)
        for link in self.carrier_links.values():
            self._open.enter_context(link)
        self._open.callback(self._stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _stop(self) -> None:
        self.load.stop()
        self.load.close()
        for process in self.processes.values():
            if process.child is not None:
                process.child.close()

    # --- the doors -------------------------------------------------------------------------------

    @property
    def auth_token(self) -> str:
        return self.settings.twilio_auth_token.get_secret_value()

    @property
    def master_key(self) -> bytes:
        return base64.b64decode(self.settings.master_key.get_secret_value())

    def tokens(self) -> dict[str, str]:
        """An access token for each account."""
        permissions = [one for one in Permission if one is not Permission.CARRIER]
        auth = AuthSettings(self.settings.token_issuer, self.settings.token_audience, TOKEN_SECRET)
        day = timedelta(days=1)
        return {
            account: issue(auth, account, "grace", permissions, utc_now(), day, "Grace Hopper")
            for account in self.wishes.accounts
        }

    def post_form(self, body: bytes) -> bool:
        """Post `body` signed, as the carrier would; whether it was taken."""
        url = self.settings.public_url + INBOUND
        form = dict(httpx.QueryParams(body.decode()))
        headers = {
            "X-Twilio-Signature": RequestValidator(self.auth_token).compute_signature(url, form),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        try:
            answer = httpx.post(url, content=body, headers=headers, trust_env=False, timeout=20)
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    def variables(self, **more: object) -> dict[str, str]:
        """The environment of one of the processes, without what is its own."""
        settings = self.settings
        given = {
            "DATA_DIR": settings.data_dir,
            "PUBLIC_URL": settings.public_url,
            "MASTER_KEY": settings.master_key.get_secret_value(),
            "NAMES_SECRET": settings.names_secret.get_secret_value(),
            "TOKEN_SECRET": TOKEN_SECRET,
            "TWILIO_ACCOUNT_SID": settings.twilio_account_sid,
            "TWILIO_AUTH_TOKEN": self.auth_token,
            "TWILIO_URL": self._carrier_url_of_sayso,
            "HAND_OVERS_MAX": settings.hand_overs_max,
            "LOG_LEVEL": "warning",
            "CARRIER_RATE": settings.carrier_rate,  # as all tests have it: so high that none waits for tokens
            "SENDER_RATES": json.dumps(settings.sender_rates),
            **more,
        }
        return {PREFIX + name: str(value) for name, value in given.items()}

    @property
    def _carrier_url_of_sayso(self) -> str:
        link = self.carrier_links.get(SAYSO)
        return self._carrier.url if link is None else f"http://127.0.0.1:{link.port}"

    def _reply(self, reply: Reply) -> None:
        """Somebody writes from their phone; if the carrier does not answer, it may have it or not."""
        message = {"body": reply.body, "to": reply.to}
        url = f"{self._carrier.url}/phones/{reply.number[1:]}/messages"
        with suppress(httpx.TransportError):
            httpx.post(url, json=message, trust_env=False, timeout=20).raise_for_status()
