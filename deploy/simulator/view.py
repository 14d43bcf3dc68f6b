"""What the page and its JSON show of a phone."""

from dataclasses import dataclass
from typing import Literal

import phonenumbers
from babel import Locale

from deploy.simulator.message import Message
from deploy.simulator.network import Network

ENGLISH = Locale("en")


@dataclass(frozen=True, slots=True)
class Bubble:
    """One text on a phone: "in" from Sayso or the carrier, "out" written by the candidate."""

    sid: str
    side: Literal["in", "out"]
    other: str
    body: str
    at: str
    status: str
    segments: int
    arrived: bool
    by_carrier: bool
    problem: str | None
    media: int
    """How many pictures and files came with it."""


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone. `reply_to` is offered first for an answer; the rest of `senders` can be chosen."""

    number: str
    digits: str
    display: str
    country: str
    opted_out_of: tuple[str, ...]
    senders: tuple[str, ...]
    reply_to: str | None
    bubbles: tuple[Bubble, ...]


def phone_view(network: Network, number: str) -> Phone:
    """The phone with this number, known or not."""
    messages = network.store.of_phone(number)
    met = [sender for message in reversed(messages) if (sender := _other(message))]
    senders = tuple(dict.fromkeys([*met, *network.settings.senders()]))
    return Phone(
        number=number,
        digits=number[1:],
        display=display(number),
        country=_country(number),
        opted_out_of=tuple(network.store.opted_out_of(number)),
        senders=senders,
        reply_to=senders[0] if senders else None,
        bubbles=tuple(bubble(message) for message in messages if _is_shown(message)),
    )


def bubble(message: Message) -> Bubble:
    """`message` as the phone shows it."""
    lost = message.status in {"failed", "undelivered"}
    return Bubble(
        sid=message.sid,
        side="out" if message.direction == "inbound" else "in",
        other=message.shown_as or _other(message),
        body=message.body,
        at=message.updated_at.isoformat(timespec="seconds"),
        status=message.status,
        segments=message.segments,
        arrived=not lost,
        by_carrier=message.direction == "outbound-reply",
        problem=_loss(message) if lost else message.note,
        media=message.media,
    )


def display(number: str) -> str:
    """`number` as people write it internationally; a messaging service as it is."""
    if not number.startswith("+"):
        return number
    parsed = phonenumbers.parse(number)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _other(message: Message) -> str:
    return message.to if message.direction == "inbound" else message.sender or ""


def _is_shown(message: Message) -> bool:
    """A text under way is not on the phone yet; one that was lost is shown as such."""
    return message.status not in {"accepted", "queued", "sent"}


def _loss(message: Message) -> str:
    code = f" with error {message.error_code}" if message.error_code else ""
    return f"Never arrived: {message.status}{code}"


def _country(number: str) -> str:
    region = phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    return str(ENGLISH.territories.get(region, "Unknown country"))
