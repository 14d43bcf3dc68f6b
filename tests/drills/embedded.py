"""The embedded form under a drill: one process on SQLite files, which dies and is started again."""

import json
import logging
import signal
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from twilio.request_validator import RequestValidator

from deploy import demo
from deploy.clock import utc_now
from deploy.settings import PREFIX, Settings
from deploy.simulator.server import SimulatorServer
from deploy.wiring import LEDGER_FILE, auth_of, raw
from producers.http.auth import issue
from schemas.actors import Permission
from tests.drills import reading
from tests.drills.evidence import Evidence
from tests.drills.load import USUAL, Load, Mix, OverHttp
from tests.drills.nursery import Child, Nursery
from tests.drills.trial import Tally
from tests.drills.wishes import Reply, Wishes
from tests.support.sayso import eventually, reachable_settings

INBOUND = "/v1/carriers/twilio/inbound"
READY_S_MAX = 60.0
SETTLED_S_MAX = 60.0
LOOK_EVERY_S = 0.2


class Embedded:
    """Sayso in a child process, its carrier in this one, and a load on it over HTTP."""

    def __init__(
        self,
        nursery: Nursery,
        folder: Path,
        seed: int,
        *,
        per_second: float = 150,
        producers: int = 3,
        mix: Mix = USUAL,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.settings = reachable_settings(folder / "data", hand_overs_max=8)
        self.wishes = Wishes(seed, accounts=2, forms=True)
        self._carrier = SimulatorServer(
            replace(demo.simulator_settings(self.settings), numbers=(), status_delay_s=0.01)
        )
        self.load = Load(
            self.wishes,
            [OverHttp(self.settings.public_url, self._tokens(), self._poison) for _ in range(producers)],
            per_second,
            mix,
            self._reply,
        )
        self.tally = Tally()
        self.process: Child | None = None
        self.log = folder / "sayso.log"
        self._nursery = nursery
        self._plan = folder / "plan.json"
        self._reached = folder / "reached"

    # --- the process -----------------------------------------------------------------------------

    def start(self) -> None:
        """Start Sayso; returns when it is ready."""
        self._write_plan()
        self.process = self._nursery.start(
            self._plan, ["serve"], self.log, _variables(self.settings, self._carrier.url)
        )
        eventually(self._ready, READY_S_MAX)

    def arm(self, point: str, nth: int) -> None:
        """From now on it dies at the `nth` time that it comes to `point`."""
        self._tell(kill={"point": point, "nth": nth})

    def plant(self, bug: str | None) -> None:
        """From now on it has this bug; or none, which takes out the one before."""
        self._tell(bug=bug)

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

    @property
    def running(self) -> Child:
        """The process that was started last."""
        assert self.process is not None
        return self.process

    def __enter__(self) -> Self:
        _SERVER_LOG.addFilter(_quiet)
        self._carrier.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.load.stop()
        self.load.close()
        if self.process is not None:
            self.process.close()
        self._carrier.__exit__(kind, error, trace)
        _SERVER_LOG.removeFilter(_quiet)

    def _ready(self) -> bool:
        assert self.running.running, f"Sayso ended by itself: {self.log.read_text()[-2_000:]}"
        try:
            return httpx.get(f"{self.settings.public_url}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def _tell(self, **more: Any) -> None:
        self._write_plan(**more)
        self.running.send(signal.SIGUSR1)

    def _write_plan(self, **more: Any) -> None:
        self._reached.unlink(missing_ok=True)
        plan = {"impatient": True, "reached": str(self._reached), **more}
        partly = self._plan.with_suffix(".part")
        partly.write_text(json.dumps(plan))
        partly.rename(self._plan)

    # --- what is left ----------------------------------------------------------------------------

    def settle(self, timeout_s: float = SETTLED_S_MAX) -> None:
        """Return when every text has ended and the views have caught up, or when it is too late for that."""
        self.load.insist()
        until = time.monotonic() + timeout_s
        while not self._settled() and time.monotonic() < until:
            time.sleep(LOOK_EVERY_S)

    def evidence(self) -> Evidence:
        """What is left, read at one moment: a late reply from a phone makes us read again."""
        while True:
            ledger = self._ledger()
            views = reading.views(self._views)
            carried = reading.carried(self._carrier.url, self.settings.twilio_account_sid, self._auth_token())
            if len(self._ledger()) == len(ledger):
                break
        key = raw(self.settings.master_key)
        letters = reading.sealed_letters(reading.Sqlite(self.settings.data_dir / "dead-letters.db"), key)
        return Evidence({0: ledger}, views, carried, letters, self.load.sent)

    def _ledger(self) -> list[tuple[int, bytes]]:
        return reading.sqlite_ledger(self.settings.data_dir / LEDGER_FILE)

    @property
    def _views(self) -> reading.Sqlite:
        return reading.Sqlite(self.settings.data_dir / "views.db")

    def _settled(self) -> bool:
        ledger = reading.Sqlite(self.settings.data_dir / LEDGER_FILE)
        ((last,),) = ledger.query("SELECT max(rowid) FROM stored_events")
        return reading.settled(self._views, last)

    # --- the doors -------------------------------------------------------------------------------

    def _tokens(self) -> dict[str, str]:
        permissions = [one for one in Permission if one is not Permission.CARRIER]
        auth, day = auth_of(self.settings), timedelta(days=1)
        return {
            account: issue(auth, account, "grace", permissions, utc_now(), day, "Grace Hopper")
            for account in self.wishes.accounts
        }

    def _poison(self, body: bytes) -> bool:
        """Post `body` signed, as the carrier would; whether it was taken."""
        url = self.settings.public_url + INBOUND
        form = dict(httpx.QueryParams(body.decode()))
        headers = {
            "X-Twilio-Signature": RequestValidator(self._auth_token()).compute_signature(url, form),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        try:
            answer = httpx.post(url, content=body, headers=headers, trust_env=False)
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    def _reply(self, reply: Reply) -> None:
        """Somebody writes from their phone."""
        message = {"body": reply.body, "to": reply.to}
        httpx.post(
            f"{self._carrier.url}/phones/{reply.number[1:]}/messages", json=message, trust_env=False
        ).raise_for_status()

    def _auth_token(self) -> str:
        return self.settings.twilio_auth_token.get_secret_value()


_SERVER_LOG = logging.getLogger("uvicorn.error")


def _quiet(_: logging.LogRecord) -> bool:
    """The carrier would tell of every caller that died in the middle of a word."""
    return False


def _variables(settings: Settings, carrier_url: str) -> dict[str, str]:
    given = {
        "DATA_DIR": settings.data_dir,
        "PORT": settings.port,
        "PUBLIC_URL": settings.public_url,
        "MASTER_KEY": settings.master_key.get_secret_value(),
        "NAMES_SECRET": settings.names_secret.get_secret_value(),
        "TOKEN_SECRET": "t" * 32,
        "TWILIO_ACCOUNT_SID": settings.twilio_account_sid,
        "TWILIO_AUTH_TOKEN": settings.twilio_auth_token.get_secret_value(),
        "TWILIO_URL": carrier_url,
        "HAND_OVERS_MAX": settings.hand_overs_max,
        "LOG_LEVEL": "error",
    }
    return {PREFIX + name: str(value) for name, value in given.items()}
