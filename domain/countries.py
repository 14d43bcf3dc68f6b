"""What each country allows: whether it may be texted, what becomes of the sender, and its quiet hours.

The policy is `data/countries.csv`, with a source and a version in each row. An account can only narrow it.
"""

import csv
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, get_args

from pydantic import TypeAdapter

from domain.quiet_hours import Window, window_of
from schemas.base import LocalTime, Region, SenderKind

Route = Literal["kept", "unstated", "best_effort", "overwritten", "unsupported", "blocked"]
"""What a country's networks do with texts from one kind of number, from best to worst:
the sender is kept, nobody says, kept where they can, replaced by another, not carried, not allowed."""

ROUTES: Final[tuple[Route, ...]] = get_args(Route)

Caution = Literal["country_unlisted", "sender_overwritten", "sender_unsupported", "no_replies"]

WARNINGS: Final[Mapping[Caution, str]] = MappingProxyType(
    {
        "country_unlisted": "Nothing is known about texting this country. The text may not arrive.",
        "sender_overwritten": "The networks of this country replace the sender: the candidate will not see "
        "your number. Say in the text who writes.",
        "sender_unsupported": "The networks of this country do not carry texts from numbers like yours. "
        "The text may not arrive.",
        "no_replies": "Replies from this country cannot come back. Say in the text how to reach you.",
    }
)


@dataclass(frozen=True, slots=True)
class CountryPolicy:
    """One row of the policy. `refusal` is the reason for which the country is not texted, or empty."""

    region: Region
    two_way: Literal["yes", "short_code", "no"]
    domestic_long_code: Route
    international_long_code: Route
    alphanumeric_sender: str
    quiet_from: LocalTime | None
    quiet_until: LocalTime | None
    quiet_sunday: bool
    quiet_basis: Literal["law", "custom", "none"]
    refusal: str
    note: str
    source: str
    version: str
    listed: bool = True

    @property
    def window(self) -> Window:
        """The country's quiet hours."""
        return window_of(self.quiet_from, self.quiet_until, self.quiet_sunday)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a country may be texted from a sender, and what to know before."""

    refusal: str | None
    """The sentence that says why not, for the code `country_blocked`."""
    warnings: tuple[Caution, ...]

    @property
    def allowed(self) -> bool:
        return self.refusal is None


def policy(region: str) -> CountryPolicy:
    """The policy of `region` (ISO 3166-1); a careful guess where it is not listed."""
    return POLICIES.get(region) or replace(_UNLISTED, region=region)


def narrowed(country: CountryPolicy, blocked_by_account: Collection[str]) -> CountryPolicy:
    """`country` as the account has it: blocked where the account says so, and never opened."""
    if country.region not in blocked_by_account or country.refusal:
        return country
    return replace(country, refusal=BLOCKED_BY_ACCOUNT)


def verdict(country: CountryPolicy, sender_region: str | None, kind: SenderKind = "long_code") -> Verdict:
    """What holds for texts to `country` from a sender of `sender_region`.

    None is a messaging service, which picks the number that suits the country best.
    """
    way = route(country, sender_region, kind)
    if country.refusal or way == "blocked":
        return Verdict(country.refusal or ROUTE_BLOCKED, ())
    return Verdict(None, tuple(_warnings(country, way, kind)))


BLOCKED_BY_ACCOUNT: Final = (
    "Your account does not text numbers of this country. An administrator can change this in the settings."
)
ROUTE_BLOCKED: Final = (
    "This country does not allow texts sent by an application from numbers like yours. "
    "Call or e-mail the candidate instead."
)

_ONE_NETWORK: Final = frozenset({"US", "CA"})  # they share +1, and carry each other's long codes as their own


_NAMES: Final[Mapping[str, Route]] = MappingProxyType(
    {
        "dynamic": "kept",
        "optional": "best_effort",
        "overwritten": "overwritten",
        "register": "unsupported",  # unless it is registered there, which nobody told us
        "template": "unsupported",
    }
)
"""What becomes of a name as the sender, by the policy's word; the others carry none."""


def route(country: CountryPolicy, sender_region: str | None, kind: SenderKind = "long_code") -> Route:
    """What the networks of `country` do with texts from a sender of `sender_region`; None as in `verdict`."""
    if kind == "alphanumeric":
        return _NAMES.get(country.alphanumeric_sender, "unsupported")
    if kind == "short_code":  # a number of one country alone
        return "kept" if sender_region == country.region else "unsupported"
    if sender_region is None:
        return min(country.domestic_long_code, country.international_long_code, key=ROUTES.index)
    return country.domestic_long_code if at_home(country, sender_region) else country.international_long_code


def at_home(country: CountryPolicy, sender_region: str | None) -> bool:
    """Whether the networks of `country` take a number of `sender_region` for one of their own."""
    return sender_region == country.region or {sender_region, country.region} == _ONE_NETWORK


def _warnings(country: CountryPolicy, route: Route, kind: SenderKind) -> Iterable[Caution]:
    if not country.listed:
        yield "country_unlisted"
    if route in {"overwritten", "best_effort"}:
        yield "sender_overwritten"
    if route == "unsupported":
        yield "sender_unsupported"
    two_way = country.two_way == "yes" or (country.two_way, kind) == ("short_code", "short_code")
    if not two_way or kind == "alphanumeric" or route in {"overwritten", "unsupported"}:
        yield "no_replies"


def read(lines: Iterable[str]) -> dict[str, CountryPolicy]:
    """The policies in the rows of a CSV whose header names the fields of `CountryPolicy`.

    Raises:
        ValueError: where a row has a value that is none of those known, or repeats a region.
    """
    policies: dict[str, CountryPolicy] = {}
    for row in csv.DictReader(lines):
        times = {name: row.get(name) or None for name in ("quiet_from", "quiet_until")}
        country = _ROW.validate_python({**row, **times})
        if country.region in policies:
            raise ValueError(f"{country.region} has two rows")
        policies[country.region] = country
    return policies


_ROW: Final = TypeAdapter(CountryPolicy)

with (Path(__file__).parent / "data" / "countries.csv").open(encoding="utf-8", newline="") as _rows:
    POLICIES: Final[Mapping[str, CountryPolicy]] = MappingProxyType(read(_rows))

POLICY_VERSION: Final = max(country.version for country in POLICIES.values())
"""The date of the policy as a whole: that of its newest row."""

_UNLISTED: Final = CountryPolicy(
    region="ZZ",
    two_way="yes",
    domestic_long_code="unstated",
    international_long_code="unstated",
    alphanumeric_sender="unstated",
    quiet_from="20:00",
    quiet_until="09:00",
    quiet_sunday=False,
    quiet_basis="none",
    refusal="",
    note="not listed: the quiet hours are those that most listed countries have",
    source="none",
    version=POLICY_VERSION,
    listed=False,
)
