"""The balance and its statement, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from babel.numbers import format_currency

from domain.policy import Policy
from producers.http.text_status import who
from projections.shapes import Account, StatementLine

_REFUNDS: Mapping[str, str] = MappingProxyType(
    {
        "cancelled_by_member": "a text was cancelled",
        "revoked_by_keyword": "the candidate texted a stop keyword",
        "consent_withdrawn": "consent was withdrawn",
        "number_removed": "the number was removed",
        "failed": "a text could not be sent",
        "missed": "a text missed its time",
    }
)


@dataclass(frozen=True, slots=True)
class Movement:
    """A line of the statement."""

    what: str
    segments: int
    """Signed."""
    balance: int
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A package on sale."""

    package: str
    segments: int
    price: str
    """With its currency."""


def movement(line: StatementLine) -> Movement:
    """`line` in words."""
    return Movement(_what(line), line.segments, line.balance, line.at, who(line.by))


def _what(line: StatementLine) -> str:
    match line.kind:
        case "free":
            return "Free texts"
        case "bought":
            return f"Package “{line.package}” bought for {_price(line.price or '0', line.currency or '')}"
        case "debited":
            return "Text accepted"
        case "refunded":
            reason = line.reason or ""
            return f"Refund: {_REFUNDS.get(reason, reason.replace('_', ' '))}"
        case "adjusted":
            if line.reason == "carrier_count":
                return "Correction: the carrier counted otherwise"
            return f"Correction: {line.reason}"


def offers(policy: Policy, account: Account | None) -> tuple[Offer, ...]:
    """What the account can buy, in its own currency."""
    currency = None if account is None else account.currency
    if currency is None:
        return ()
    return tuple(
        Offer(name, package.segments, _price(str(package.prices[currency]), currency))
        for name, package in policy.packages.items()
        if currency in package.prices
    )


def _price(amount: str, currency: str) -> str:
    return format_currency(Decimal(amount), currency, locale="en")
