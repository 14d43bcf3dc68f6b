"""Row 10: the clock jumps by an hour or a day, forwards and backwards, while texts are on their way.

It is the clock of Sayso's machine that jumps; the carrier's, and the time that really passes, do not.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.consumers.shards import NOON
from tests.drills.rows.row_19 import stories
from tests.drills.simulation.chance import ROUGH, Odds
from tests.drills.trial import Place, Trial

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPRING = datetime(2026, 3, 8, 9, 50, tzinfo=UTC)
"""Ten minutes before clocks go forwards in San Francisco, by an hour."""
AUTUMN = datetime(2026, 11, 1, 8, 50, tzinfo=UTC)
"""Ten minutes before they go back."""

_SECONDS = tuple(timedelta(seconds=n) for n in (-20, -3, 3, 20))

_DOUBTFUL = replace(ROUGH, lost_after=0.4, report_lost=0.9)
"""Where much is asked after, much depends on what is compared with the carrier's clock."""

KINDS: dict[str, tuple[Odds, datetime]] = {
    "an hour forwards and back": (replace(_DOUBTFUL, jump=0.02, jumps=(HOUR, -HOUR)), NOON),
    "a day forwards and back": (replace(_DOUBTFUL, jump=0.02, jumps=(DAY, -DAY)), NOON),
    "seconds, now and then": (replace(_DOUBTFUL, jump=0.05, jumps=_SECONDS), NOON),
    "daylight saving begins": (ROUGH, SPRING),
    "daylight saving ends": (ROUGH, AUTUMN),
}


def run(place: Place) -> Iterator[Trial]:
    """A story of each kind in turn."""
    chosen = place.chosen([*KINDS])
    told = {fault: stories(place, fault, *KINDS[fault]) for fault in chosen}
    while True:
        for fault in chosen:
            yield next(told[fault])
