"""A real embedded Sayso behind its HTTP door, and people with access tokens who call it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
from fastapi import FastAPI
from twilio.request_validator import RequestValidator

from deploy.parts import auth_of
from deploy.serving import HttpServer
from deploy.wiring import Sayso
from producers.http.auth import issue
from schemas.actors import Permission
from tests.support.sayso import eventually, settings_for

Json = dict[str, Any]

PUBLIC_URL = "https://texts.example.com"
TWILIO_TOKEN = "the carrier's token"
EVERYTHING = tuple(permission for permission in Permission if permission is not Permission.CARRIER)
RECRUITER = (Permission.VIEW, Permission.SEND)
NOBODY_LISTENS = "http://127.0.0.1:9"
NO_HEADERS: Mapping[str, str] = {}
_numbers = count(5550101)  # 5550100 is the one in the document's examples


@contextmanager
def running(folder: Path) -> Iterator["World"]:
    """Sayso in `folder`, for as long as the context lasts."""
    settings = settings_for(
        folder, public_url=PUBLIC_URL, twilio_auth_token=TWILIO_TOKEN, twilio_url=NOBODY_LISTENS
    )
    with Sayso(settings) as sayso, calling(sayso.app) as http:
        yield World(sayso, http)


@contextmanager
def calling(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of `app`, over a real connection."""
    with (
        HttpServer(app, "127.0.0.1", 0) as server,
        httpx.Client(base_url=server.url, timeout=20, trust_env=False) as client,
    ):
        yield client


@dataclass(frozen=True)
class World:
    """Sayso and a way to call it."""

    sayso: Sayso
    http: httpx.Client

    def caller(
        self,
        account: str,
        *permissions: Permission,
        member: str = "m-7",
        lifetime: timedelta = timedelta(hours=1),
        **more: Any,
    ) -> "Caller":
        """Somebody with an access token."""
        token = issue(
            auth_of(self.sayso.settings), account, member, permissions, datetime.now(UTC), lifetime, **more
        )
        return Caller(self, account, token)

    def account(self) -> "Caller":
        """A new account with texting switched on and a sender, and somebody who may do everything there."""
        boss = self.caller(f"a{uuid4().hex[:12]}", *EVERYTHING, name="Grace Hopper")
        activation = {
            "country": "US",
            "currency": "USD",
            "agreement": {"accepted": True, "version": "1"},
            "company": "Acme Robotics",
        }
        boss.must("activate-texting", **activation)
        boss.must("assign-sender", sender=fresh_number())
        return boss

    def carrier_posts(self, path: str, form: Json, **headers: str) -> httpx.Response:
        """A call by the carrier, signed."""
        signature = RequestValidator(TWILIO_TOKEN).compute_signature(PUBLIC_URL + path, form)
        return self.http.post(path, data=form, headers={"X-Twilio-Signature": signature, **headers})


@dataclass(frozen=True)
class Caller:
    """Somebody who calls Sayso for one account."""

    world: World
    account: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path: str = "", **parameters: Any) -> httpx.Response:
        """Read something of the account."""
        address = f"/v1/accounts/{self.account}{path}"
        return self.world.http.get(address, params=parameters, headers=self.headers)

    def post(
        self, command: Json, wait: int | None = 10, headers: Mapping[str, str] = NO_HEADERS
    ) -> httpx.Response:
        """Send a command."""
        prefer = {} if wait is None else {"Prefer": f"wait={wait}"}
        address = f"/v1/accounts/{self.account}/commands"
        return self.world.http.post(address, json=command, headers={**self.headers, **prefer, **headers})

    def must(self, kind: str, **fields: Any) -> Json:
        """Send a command that is accepted, and wait until the views show it. Its receipt."""
        answer = self.post({"type": kind, **fields})
        assert answer.status_code == 200, answer.text
        receipt: Json = answer.json()
        eventually(lambda: self.get(f"/receipts/{receipt['command_id']}").status_code == 200)
        return receipt

    def candidate(self, *, consent: bool = True) -> tuple[str, str]:
        """A new candidate with a number: its id and number."""
        candidate, number = f"c-{uuid4().hex[:8]}", fresh_number()
        self.must("add-number", candidate=candidate, number=number, name="Ada Byron")
        if consent:
            evidence = {"how": "by_hand", "method": "call"}
            obtained_at = datetime.now(UTC).isoformat()
            self.must(
                "add-consent", candidate=candidate, number=number, obtained_at=obtained_at, evidence=evidence
            )
        return candidate, number


def fresh_number() -> str:
    """A valid number that no other test uses."""
    return f"+1415{next(_numbers)}"


def thread(candidate: str, number: str) -> str:
    """The address of a thread, below the account's."""
    return f"/candidates/{candidate}/threads/{quote(number, safe='')}"
