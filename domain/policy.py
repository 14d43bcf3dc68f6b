"""What the operator lays down for every account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType

from schemas.base import FIRST_CARRIER

FREE_SEGMENTS = 50


@dataclass(frozen=True, slots=True)
class Package:
    """A package of texts: how many segments, and its price in each currency it is sold in."""

    segments: int
    prices: Mapping[str, Decimal]


STANDARD = Package(
    segments=1_000,
    prices=MappingProxyType(
        {"USD": Decimal("75.00"), "EUR": Decimal("75.00"), "GBP": Decimal("65.00"), "CHF": Decimal("72.00")}
    ),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """Prices and patience. The country policy is data of its own (domain.countries)."""

    free_segments: int = FREE_SEGMENTS
    packages: Mapping[str, Package] = field(default_factory=lambda: MappingProxyType({"standard": STANDARD}))
    carriers: frozenset[str] = frozenset({FIRST_CARRIER})
    """Those that are configured."""
    late_max: timedelta = timedelta(hours=1)
    """How late a text may leave after the time that was chosen for it, be it at once."""
    unhurried_late_max: timedelta = timedelta(hours=12)
    """The same for texts of a bulk, and those that quiet hours moved or the carrier had tried again."""
