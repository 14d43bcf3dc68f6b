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
    bulk_sample_min: int = 20
    """Texts of a bulk handed over, before it may pause itself: of fewer, one bad number would be too many."""
    bulk_failed_percent_max: int = 10
    """More failures than that among them, and a bulk pauses itself: its list of numbers is old, or a carrier
    filters it. Up to 6 % is ordinary; resellers of carriers warn at 8 % and suspend a sender at 12.5 %."""
    bulk_opted_out_percent_max: int = 5
    """More opt-outs than that, and a bulk pauses itself: it is unwelcome. Resellers suspend at 3 % of a day's
    texts; of 20 texts that is one person, who proves nothing."""
    bulk_opt_out_within: timedelta = timedelta(days=1)
    """After a bulk's text to a number, in which a stop from there counts as its doing."""
