"""How the simulator is set up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from deploy.simulator.weather import FAIR, Weather


@dataclass(frozen=True, slots=True)
class OptOut:
    """What the carrier does about keywords by itself. `advanced` adds `OptOutType` to the inbound webhook."""

    enabled: bool = True
    answers: bool = True
    advanced: bool = False
    stopped: str = "You are unsubscribed and will get no more messages from this number. Reply START to undo."
    started: str = "You are subscribed again and will get messages from this number. Reply STOP to end this."
    helped: str = "Reply STOP to unsubscribe. Message and data rates may apply."


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """One carrier account.

    Args:
        account_sid, auth_token: what the client logs in with; the token also signs the webhooks.
        inbound_url: where answers from the phones go, as it is known to the receiver; None: nowhere.
        numbers: the account's own numbers in E.164, offered on the page; empty: any number may send.
        services: messaging service SID to its numbers, of which a recipient always gets the same one.
        status_delay_s: between two statuses of a text.
        signing: the form of the signature.
        weather: what befalls texts to numbers that were told nothing else, until it is changed.
        phones_max, messages_max: what is kept; the oldest go first.
    """

    account_sid: str
    auth_token: str = field(repr=False)
    inbound_url: str | None = None
    numbers: tuple[str, ...] = ()
    services: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    opt_out: OptOut = OptOut()
    status_delay_s: float = 0.3
    signing: Literal["HMAC_SHA1", "HMAC_SHA256"] = "HMAC_SHA1"
    weather: Weather = FAIR
    phones_max: int = 100_000
    messages_max: int = 100_000

    def senders(self) -> tuple[str, ...]:
        """Every number a phone can write to, in a steady order."""
        return tuple(dict.fromkeys([*self.numbers, *(n for pool in self.services.values() for n in pool)]))

    def service_of(self, number: str) -> str | None:
        """The messaging service that owns `number`."""
        return next((sid for sid, pool in self.services.items() if number in pool), None)
