"""Several carriers as one: each text goes through its own, and one that fails is known to."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

import structlog

from consumers.carriers.carrier import Carrier, Found, Outcome, OutgoingText, Rejected, Unknown, Unreachable
from domain.carrier_errors import Consequence, look_up

log = structlog.get_logger()

FAILURES_MAX = 3
"""So many hand-overs in a row without a usable answer, and a carrier counts as failing."""
LEFT_ALONE = timedelta(seconds=30)
"""How long a failing carrier is left alone before it is tried again."""


@dataclass(slots=True)
class _Standing:
    """How a carrier has done of late."""

    failures: int = 0
    """In a row."""
    left_alone_until: datetime | None = None


class CarrierRouter:
    """`Carriers`, by their names. Safe for several threads at once.

    A carrier that fails is left alone by texts that can go another way, and by no others. After `LEFT_ALONE`
    it is tried again: one more failure, and it is left alone anew; one answer, and all is forgotten.
    """

    def __init__(self, carriers: Mapping[str, Carrier], clock: Callable[[], datetime]) -> None:
        self._carriers = carriers
        self._clock = clock
        self._standings = {name: _Standing() for name in carriers}
        self._lock = threading.Lock()

    def send(self, text: OutgoingText) -> Outcome:
        """Hand `text` over to its carrier."""
        carrier = self._carriers.get(text.carrier)
        if carrier is None:
            return Unreachable("the carrier is not configured")
        outcome = carrier.send(text)
        if isinstance(outcome, Rejected) and _is_configuration(outcome):
            # Where another carrier takes the text the account goes on: nobody else would hear of it.
            log.warning("carrier_refuses", carrier=text.carrier, code=outcome.code, http=outcome.http_status)
        if monotonic() < text.until_s:  # else it may have been too late to send it: not the carrier's fault
            self._note(text.carrier, failed=_failed(outcome))
        return outcome

    def find(self, carrier: str, to: str, since: datetime) -> tuple[Found, ...] | Unknown:
        """As the carrier of that name does: the one that a text was handed to, and no other, can say."""
        asked = self._carriers.get(carrier)
        return Unknown("the carrier is not configured") if asked is None else asked.find(to, since)

    def failing(self) -> frozenset[str]:
        """The carriers to be left alone just now."""
        with self._lock:
            now = self._clock()
            return frozenset(
                name
                for name, standing in self._standings.items()
                if standing.left_alone_until is not None and now < standing.left_alone_until
            )

    def _note(self, name: str, *, failed: bool) -> None:
        with self._lock:
            standing = self._standings[name]
            standing.failures = standing.failures + 1 if failed else 0
            was_failing = standing.left_alone_until is not None
            is_failing = standing.failures >= FAILURES_MAX
            standing.left_alone_until = self._clock() + LEFT_ALONE if is_failing else None
        if is_failing != was_failing:
            log.warning("carrier_fails" if is_failing else "carrier_answers_again", carrier=name)


def _failed(outcome: Outcome) -> bool:
    """Whether the carrier as a whole is at fault: it gave no usable answer, or does not let us in."""
    if isinstance(outcome, Rejected):
        return _is_configuration(outcome) and outcome.code in _OF_THE_CARRIER
    return isinstance(outcome, Unreachable | Unknown)


def _is_configuration(outcome: Rejected) -> bool:
    return look_up(outcome.code, outcome.http_status).consequence is Consequence.CONFIGURATION


_OF_THE_CARRIER = frozenset({None, 20003, 20404})
"""Codes that are about our account with the carrier, and not about one text or one sender."""
