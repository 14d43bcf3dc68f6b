"""One account with its people, candidates and their phones, as tests meet them: over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
from twilio.request_validator import RequestValidator

from deploy.simulator.settings import SimulatorSettings
from schemas.actors import Permission
from tests.support.sayso import Client, System, eventually

Json = dict[str, Any]

RECRUITER = (Permission.VIEW, Permission.SEND)
POLITE = "Hi Ada, this is Acme Robotics. Reply STOP to get no more texts."
"""A first text that lacks nothing, of one segment."""
STATUS_DELAY_S = 0.02

_numbers = count(2_000_000)


def fresh_number(area: str = "+1415") -> str:
    """A valid number that nobody has; in San Francisco, if no other `area` of seven digits is given."""
    return f"{area}{next(_numbers)}"


def quick(settings: SimulatorSettings) -> SimulatorSettings:
    """A carrier for which any number may text, and which delivers at once."""
    return replace(settings, numbers=(), status_delay_s=STATUS_DELAY_S)


def office_hours(now: datetime) -> datetime:
    """The Tuesday before `now`, 17:00 UTC: morning in San Francisco, noon in New York, evening in Berlin.

    It lies in the past, so that the carrier's clock, which is the machine's, is never behind.
    """
    tuesday = now - timedelta(days=(now.weekday() - 1) % 7 or 7)
    return tuesday.astimezone(UTC).replace(hour=17, minute=0, second=0, microsecond=0)


@dataclass(frozen=True)
class Phone:
    """A candidate's phone."""

    system: System
    number: str

    @property
    def _url(self) -> str:
        return f"{self.system.phones_url}/phones/{self.number[1:]}"

    def inbox(self) -> list[str]:
        """What arrived from Sayso, oldest first; what the carrier itself says is left out."""
        return [one["body"] for one in self._bubbles() if one["arrived"] and not one["by_carrier"]]

    def shows(self, body: str) -> None:
        """Wait until the text is there, exactly once."""
        eventually(lambda: body in self.inbox())
        assert self.inbox().count(body) == 1

    def writes(self, body: str, to: str | None = None) -> str:
        """The candidate writes, to whoever wrote last if not `to`; the carrier's id of it."""
        message = {"body": body} if to is None else {"body": body, "to": to}
        answer = self._call("POST", "/messages", message)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["sid"])

    def sends(self, *media: Json, body: str = "", to: str) -> str:
        """The candidate sends pictures or files along; the carrier's id of it."""
        answer = self._call("POST", "/messages", {"body": body, "to": to, "media": media})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["sid"])

    def behaves(self, **how: Any) -> None:
        """Treat texts to this phone otherwise from now on."""
        answer = self._call("PUT", "/behaviour", how)
        assert answer.status_code == 200, answer.text

    def _bubbles(self) -> list[Json]:
        answer = self._call("GET")
        if answer.status_code == 404:
            return []
        return [one for one in answer.json()["bubbles"] if one["side"] == "in"]

    def _call(self, method: str, path: str = "", json: Any = None) -> httpx.Response:
        return self.system.http().request(method, self._url + path, json=json)


@dataclass(frozen=True)
class Person:
    """A candidate of an account, with one of their numbers."""

    office: "Office"
    candidate: str
    number: str

    @property
    def at(self) -> Json:
        """The fields by which commands name candidate and number."""
        return {"candidate": self.candidate, "number": self.number}

    @property
    def phone(self) -> Phone:
        return Phone(self.office.system, self.number)

    @property
    def path(self) -> str:
        """The address of the thread, below the account's."""
        return f"/candidates/{self.candidate}/threads/{quote(self.number, safe='')}"

    def writes(self, body: str) -> Json:
        """The candidate texts the account; the message as the thread shows it."""
        sid = self.phone.writes(body, self.office.sender)
        return eventually(lambda: self.message(sid))

    def sends(self, *media: Json, body: str = "") -> str:
        """The candidate sends pictures or files to the account; the reply's id."""
        return self.phone.sends(*media, body=body, to=self.office.sender)

    def messages(self) -> list[Json]:
        """The thread, newest first."""
        items: list[Json] = self.office.boss.get(self.path)["items"]
        return items

    def message(self, id: str) -> Json:
        """One message of the thread; empty while it is not there."""
        return next((one for one in self.messages() if one["id"] == id), {})

    def becomes(self, text_id: str, status: str) -> Json:
        """Wait until a text has come as far as `status`; the text."""

        def there() -> bool:
            return self.message(text_id).get("status") == status

        try:
            eventually(there)
        except AssertionError:
            raise AssertionError(f"not {status}: {self.message(text_id)}") from None
        return self.message(text_id)

    def thread(self) -> Json:
        """The thread without its messages."""
        threads = self.office.boss.get(f"/candidates/{self.candidate}/threads")
        found: Json = next(one for one in threads if one["number"] == self.number)
        return found

    def consent(self) -> Json:
        """The consent of the number, with its history."""
        found: Json = self.office.boss.get(self.path + "/consent")
        return found

    def preview(self, body: str = POLITE, **fields: Any) -> Json:
        """What would become of a text."""
        return self.office.preview(number=self.number, candidate=self.candidate, body=body, **fields)

    def agrees(self, **changed: Any) -> None:
        """A team member records that the candidate agreed on the phone."""
        self.office.boss.accepted("add-consent", **{**self.at, **self.office.agreement(), **changed})

    def gets(self, body: str = POLITE, **fields: Any) -> Json:
        """Send a text that must be accepted; the result."""
        return self.office.boss.accepted("send-text", **self.at, body=body, **fields)


@dataclass(frozen=True)
class Office:
    """An account, and somebody who may do everything in it."""

    system: System
    account: str
    sender: str
    boss: Client = field(repr=False)

    def member(self, *permissions: Permission, member: str = "m-9", **who: Any) -> Client:
        """Somebody of the account with these permissions."""
        return self.system.client(*permissions, account=self.account, member=member, **who)

    def agreement(self) -> Json:
        """How and when a candidate agreed: on the phone, just now."""
        obtained_at = self.system.clock().isoformat()
        return {"obtained_at": obtained_at, "evidence": {"how": "by_hand", "method": "call"}}

    def candidate(
        self,
        number: str | None = None,
        *,
        consent: bool = True,
        candidate: str | None = None,
        name: str | None = "Ada Byron",
        **fields: Any,
    ) -> Person:
        """A new candidate, or an old one's further number; agreed by phone unless without `consent`."""
        person = Person(self, candidate or f"c-{uuid4().hex[:10]}", number or fresh_number())
        self.boss.accepted("add-number", **person.at, name=name, **fields)
        if consent:
            person.agrees()
        return person

    def preview(self, **fields: Any) -> Json:
        """What would become of a text."""
        answer = self.boss.http.post("/texts/preview", json=fields)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def chooses(self, **change: Any) -> None:
        """Change the account's settings."""
        self.boss.accepted("change-settings", change=change)

    def credits(self) -> Json:
        """The balance and what made it, which must add up."""
        found: Json = self.boss.get("/credits")
        made = found["free"] + found["bought"] - found["debited"] + found["refunded"] + found["adjusted"]
        assert made == found["balance"] >= 0
        return found

    @property
    def balance(self) -> int:
        """In segments."""
        return int(self.credits()["balance"])

    def statement(self) -> list[Json]:
        """Every movement of the balance, newest first."""
        lines: list[Json] = self.boss.get("/credits/statement", limit=200)["items"]
        return lines

    def has_left(self, segments: int) -> None:
        """Let the operator correct the balance to `segments`."""
        change = segments - self.balance
        self.boss.accepted("adjust-segments", segments=change, reason="the test wants it so")


def open_office(
    system: System, *, country: str = "US", currency: str = "USD", company: str | None = "Acme Robotics"
) -> Office:
    """A new account with texting switched on and a sender of its own."""
    office = new_account(system)
    office.boss.accepted("activate-texting", **activation(country, currency), company=company)
    office.boss.accepted("assign-sender", sender=office.sender)
    return office


def new_account(system: System, sender: str | None = None) -> Office:
    """An account to which nothing has happened yet; `sender` is what it would text from."""
    account = f"a-{uuid4().hex[:12]}"
    boss = system.client(account=account, member="grace", name="Grace Hopper")
    return Office(system, account, sender or fresh_number("+1628"), boss)


def activation(country: str = "US", currency: str = "USD") -> Json:
    """What switching texting on takes."""
    return {"country": country, "currency": currency, "agreement": {"accepted": True, "version": "2026-01"}}


def carrier_posts(system: System, door: str, form: Mapping[str, str], query: str = "") -> httpx.Response:
    """A call by the carrier to its `door` (inbound or status), signed as the carrier signs."""
    settings = system.sayso.settings
    path = f"/v1/carriers/twilio/{door}{query}"
    validator = RequestValidator(settings.twilio_auth_token.get_secret_value())
    signature = validator.compute_signature(settings.public_url + path, dict(form))
    return system.http(**{"X-Twilio-Signature": signature}).post(path, data=dict(form))
