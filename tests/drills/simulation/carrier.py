"""A simulated carrier: it takes texts, loses answers, reports in any order, and its clock is the true one."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random

from consumers.carriers.carrier import Accepted, Found, Outcome, OutgoingText, Rejected, Unknown, Unreachable
from producers.http import forms
from schemas.commands import CarrierStatus, Command
from tests.consumers.shards import NOON, Clock
from tests.drills.evidence import Carried
from tests.drills.simulation.chance import Odds

REPORT_S_MAX = 90.0
REFUSALS = (21614, 21211, 21610)
FAILURES = {"failed": (30001, 30007), "undelivered": (30003, 30005, 30008)}
"""Codes that are worth another try, and others."""
SAID = ("STOP", "STOP", "START", "START", "START", "Yes, at noon", "please stop texting me")


@dataclass
class Message:
    sid: str
    to: str
    sender: str
    body: str
    at: datetime
    status: CarrierStatus = "queued"
    code: int | None = None
    segments: int = 1


class SimulatedCarrier:
    """What is to come of it waits in `events`, by true time, until the world lets it happen."""

    def __init__(self, chance: Random, time: Clock, account: str, say: Callable[[Command], None]) -> None:
        """`time` is the true one; `say` takes what the carrier's doors would publish."""
        self.odds = Odds()
        self.messages: list[Message] = []
        self.events: list[tuple[datetime, int, Callable[[], None]]] = []
        self.meanwhile: Callable[[], None] = lambda: None
        """Whatever else happens while a request is under way; it may be the end of the process."""
        self._chance = chance
        self._time = time
        self._account = account
        self._say = say
        self._numbers = count(1)

    def send(self, text: OutgoingText) -> Outcome:
        self.meanwhile()
        if self.monotonic_s() >= text.until_s:
            return Unreachable("too late")
        outcome = self._answer(text)
        self.meanwhile()
        return outcome

    def failing(self) -> frozenset[str]:
        return frozenset()

    def monotonic_s(self) -> float:
        """Seconds that really passed."""
        return (self._time() - NOON).total_seconds()

    def find(self, carrier: str, to: str, since: datetime) -> tuple[Found, ...] | Unknown:
        self.meanwhile()
        if self._happens(self.odds.find_fails):
            return Unknown("simulated")
        return tuple(
            Found(one.sid, one.status, one.body, one.sender, one.segments, one.at, one.at, one.code)
            for one in reversed(self.messages)
            if one.to == to and one.at.replace(microsecond=0) >= since.replace(microsecond=0)
        )

    def carried(self) -> list[Carried]:
        return [Carried(one.sid, one.to, one.body, one.status) for one in self.messages]

    def reply(self, number: str, sender: str, body: str) -> None:
        """A phone writes; the webhook comes soon, perhaps twice, perhaps never."""
        form = {"MessageSid": self._sid(), "From": number, "To": sender, "Body": body}
        command = forms.receive_text(form, self._account, sender)
        self._tell(lambda: self._say(command))

    def due(self) -> datetime | None:
        """When the next thing happens."""
        return self.events[0][0] if self.events else None

    def happen(self) -> bool:
        """Let the next thing happen, if its time has come; whether it had."""
        if not self.events or self.events[0][0] > self._time():
            return False
        heapq.heappop(self.events)[2]()
        return True

    def _answer(self, text: OutgoingText) -> Outcome:
        odds, lot = self.odds, self._chance.random()
        for share, outcome in (
            (odds.unreachable, Unreachable("simulated")),
            (odds.too_many, Rejected(20429, 429, "", 2.0)),
            (odds.refused, Rejected(self._chance.choice(REFUSALS), 400, "", None)),
            (odds.lost_before, Unknown("simulated")),
        ):
            if lot < share:
                return outcome
            lot -= share
        message = self._take(text)
        if self._happens(odds.lost_after):
            return Unknown("simulated")
        return Accepted(message.sid, "queued", message.segments, message.sender)

    def _take(self, text: OutgoingText) -> Message:
        message = Message(self._sid(), text.to, text.sender, text.body, self._time())
        self.messages.append(message)
        end = self._end()
        steps: list[tuple[CarrierStatus, int | None]] = [("sent", None)]
        if end is not None:
            code = self._chance.choice(FAILURES[end]) if end in FAILURES else None
            steps.append((end, code))
        after_s = 0.0
        for status, code in steps:
            after_s += 0.0 if self._happens(self.odds.early) else self._chance.uniform(0, 20)
            self._at(after_s, self._step(message, text, status, code))
        if self._happens(self.odds.reply):
            self._at(after_s, lambda: self.reply(text.to, text.sender, self._chance.choice(SAID)))
        return message

    def _end(self) -> CarrierStatus | None:
        lot = self._chance.random()
        ends: tuple[tuple[float, CarrierStatus | None], ...] = (
            (self.odds.failed, "failed"),
            (self.odds.undelivered, "undelivered"),
            (self.odds.silent, None),
        )
        for share, end in ends:
            if lot < share:
                return end
            lot -= share
        return "delivered"

    def _step(
        self, message: Message, text: OutgoingText, status: CarrierStatus, code: int | None
    ) -> Callable[[], None]:
        _, _, query = text.status_callback.partition("?")

        def step() -> None:
            message.status, message.code = status, code
            form = {"MessageSid": message.sid, "MessageStatus": status, "To": message.to}
            if code is not None:
                form["ErrorCode"] = str(code)
            command = forms.report_status(form, {"account": self._account, "text": query})
            self._tell(lambda: self._say(command))

        return step

    def _tell(self, webhook: Callable[[], None]) -> None:
        """Sooner or later, perhaps twice, perhaps not at all."""
        if self._happens(self.odds.report_lost):
            return
        for _ in range(1 + self._happens(self.odds.report_doubled)):
            self._at(self._chance.choice((0.0, 1.0, self._chance.uniform(0, REPORT_S_MAX))), webhook)

    def _at(self, after_s: float, what: Callable[[], None]) -> None:
        heapq.heappush(self.events, (self._time() + timedelta(seconds=after_s), next(self._numbers), what))

    def _happens(self, share: float) -> bool:
        return self._chance.random() < share

    def _sid(self) -> str:
        return f"SM{self._chance.getrandbits(128):032x}"
