"""What an account texts from, and from which of its senders a text leaves.

The choice is the same wherever it is made: it follows from the account, the conversation and the carriers
that fail, and from nothing else.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberType

from domain import countries, phones
from domain.carrier_errors import (
    QUEUE_OVERFLOW,
    SENDER_QUEUE_FULL,
    TOO_MANY_REQUESTS,
    UNREACHABLE,
    US_RATE_EXCEEDED,
    CarrierError,
    Consequence,
)
from domain.countries import CountryPolicy, Route
from domain.refusals import Refused
from schemas.base import FIRST_CARRIER, SenderKind, is_service
from schemas.commands import AssignSender

SENDERS_MAX = 50  # of one account: states stay small


class Sender(NamedTuple):
    """One of an account's senders."""

    id: str
    """A number in E.164, a messaging service, a short code or a name."""
    region: str | None = None
    """Where it is from; none: a messaging service that picks what suits, or a name."""
    kind: SenderKind = "long_code"
    carrier: str = FIRST_CARRIER

    @property
    def answers(self) -> bool:
        """Whether a person can text it: nobody can text a name, nor a service, which hides its numbers."""
        return self.kind not in ("messaging_service", "alphanumeric")


# --- from the operator ----------------------------------------------------------------------------


def described(command: AssignSender, carriers: Collection[str]) -> Sender:
    """The sender that the operator assigns.

    Raises:
        Refused: `carrier_unknown`, `sender_kind_wrong`, `sender_region_needed`, or why it is no number.
    """
    if command.carrier not in carriers:
        raise Refused("carrier_unknown", carrier=command.carrier, known=", ".join(sorted(carriers)))
    kinds = _kinds(command.sender)
    if command.kind is not None and command.kind not in kinds:
        raise Refused("sender_kind_wrong", kind=command.kind, kinds=" or ".join(kinds))
    if not command.sender.startswith("+"):
        if kinds[0] == "short_code" and command.region is None:
            raise Refused("sender_region_needed")
        region = None if kinds[0] == "alphanumeric" else command.region
        return Sender(command.sender, region, kinds[0], command.carrier)
    try:
        phone = phones.parse(command.sender)
    except phones.NumberError as problem:
        raise Refused(problem.code) from problem
    return Sender(phone.e164, phone.region, command.kind or _number_kind(phone.e164), command.carrier)


def _kinds(sender: str) -> tuple[SenderKind, ...]:
    """What a sender that is written so can be."""
    if sender.startswith("+"):
        return ("long_code", "toll_free")
    if sender.isdigit():
        return ("short_code",)
    return ("messaging_service",) if is_service(sender) else ("alphanumeric",)


def _number_kind(e164: str) -> SenderKind:
    kind = phonenumbers.number_type(phonenumbers.parse(e164))
    return "toll_free" if kind == PhoneNumberType.TOLL_FREE else "long_code"


# --- when a carrier fails -------------------------------------------------------------------------


def is_carriers_fault(error: CarrierError) -> bool:
    """Whether another carrier may well take what met `error`: there is nothing wrong with the text itself."""
    configuration = error.consequence is Consequence.CONFIGURATION
    return configuration or error is UNREACHABLE or error.code in _OVERLOADED


_OVERLOADED = frozenset({TOO_MANY_REQUESTS, SENDER_QUEUE_FULL, QUEUE_OVERFLOW, US_RATE_EXCEEDED})


def beyond(senders: Sequence[Sender], failed: Collection[str]) -> bool:
    """Whether one of `senders` is of a carrier that is not among those that `failed`."""
    return any(sender.carrier not in failed for sender in senders)


# --- the choice -----------------------------------------------------------------------------------


def choose(
    senders: Sequence[Sender], region: str, last: str | None, failing: Collection[str] = frozenset()
) -> Sender | None:
    """From which of `senders` a text to a number of `region` leaves; None if there are none.

    In this order: one that the country allows; one whose carrier is not among those `failing`; the one that
    recipient knows, `last`; the one that the country's networks treat best; one from the same country; the
    one that was assigned first. The first two only as far as there is a choice.
    """
    if len(senders) < 2:
        return senders[0] if senders else None
    country = countries.policy(region)
    allowed = [sender for sender in senders if route(country, sender) != "blocked"] or senders
    able = [sender for sender in allowed if sender.carrier not in failing] or allowed
    known = next((sender for sender in able if sender.id == last), None)
    return known or min(able, key=lambda sender: _rank(country, sender))


def route(country: CountryPolicy, sender: Sender) -> Route:
    """What the networks of `country` do with texts from `sender`."""
    return countries.route(country, sender.region, sender.kind)


def _rank(country: CountryPolicy, sender: Sender) -> tuple[bool, int, bool]:
    """The smaller the better. A name comes last: nobody can answer it, not even with STOP.

    Where nobody says that the sender is kept, it counts as kept: else a number from abroad, of which somebody
    does, would go before one from the country itself.
    """
    place = max(countries.ROUTES.index(route(country, sender)), countries.ROUTES.index("unstated"))
    return (sender.kind == "alphanumeric", place, not countries.at_home(country, sender.region))


def start_at(senders: Sequence[Sender], last: str | None) -> str | None:
    """Where a candidate who said stop has to text START: the one they know. None if only they can tell.

    The carrier keeps a list of its own for each number that was told to stop, so that another number would
    not do everywhere. Which of its numbers a service took, only the candidate's phone knows.
    """
    known = next((sender for sender in senders if sender.id == last), None)
    asked = known or next(iter(senders), None)
    return asked.id if asked is not None and asked.answers else None


def where_to_text(senders: Sequence[Sender], last: str | None) -> str:
    """The same, as it stands in a sentence."""
    return start_at(senders, last) or "the number that texted them"
