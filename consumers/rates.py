"""How fast texts may leave: token buckets in segments a second, one per sender and one per carrier account.

A bucket holds one second's worth. A text larger than that passes when the bucket is full, and leaves a debt.
Where the carrier says that it is too much, a bucket halves its rate, and takes it up again little by little.
Every moment is a reading of a monotonic clock, in seconds: what the wall clock does is none of its business.
"""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from consumers.carriers.carrier import Outcome, Rejected
from domain.carrier_errors import SENDER_QUEUE_FULL, TOO_MANY_REQUESTS
from schemas.base import is_service

BURST_S = 1.0
"""How many seconds' worth may leave at once."""
SLOWER = 0.5
"""What is left of a rate after the carrier said that it is too much."""
SHARE_MIN = 1 / 64
"""Of the full rate: a bucket never gets slower, so that it finds out when the carrier recovers."""
RECOVERY_PER_S = 0.02
"""Of the full rate: by how much a rate grows in a second."""
REST_S = 1.0
"""How long nothing leaves where the carrier did not say how long."""
REST_S_MAX = 3_600.0
"""How long nothing leaves at most, however long the carrier asks to wait."""
SENDERS_MAX = 10_000
"""How many senders are remembered; a bucket that is full again can be forgotten."""

# Source: https://www.twilio.com/docs/api/errors/21611 and Twilio's "Understanding rate limits and queues".
SENDER_RATES: Mapping[str, float] = MappingProxyType(
    {
        "us_long_code": 1.0,
        "us_toll_free": 3.0,
        "short_code": 100.0,
        "messaging_service": 10.0,  # of as many numbers as it has: to be set by whoever knows how many
        "elsewhere": 10.0,
    }
)
"""Segments a second, by kind of sender."""
CARRIER_RATE = 100.0
"""Segments a second of a carrier account. Twilio ends at 2,000 for all of a customer's together (63017)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Segments a second. `senders` by kind, as SENDER_RATES, or by a sender itself, which goes before."""

    senders: Mapping[str, float] = field(default_factory=lambda: SENDER_RATES)

    def of(self, sender: str) -> float:
        """How fast `sender` may text: a number in E.164, a short code or a messaging service."""
        if sender in self.senders:
            return self.senders[sender]
        kind = kind_of(sender)
        return self.senders.get(kind, SENDER_RATES[kind])


def kind_of(sender: str) -> str:
    """A key of SENDER_RATES. All of +1 counts as the United States and Canada."""
    if is_service(sender):
        return "messaging_service"
    if _SHORT_CODE.fullmatch(sender):
        return "short_code"
    if _TOLL_FREE.match(sender):
        return "us_toll_free"
    return "us_long_code" if sender.startswith("+1") else "elsewhere"


_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_TOLL_FREE = re.compile(r"\+18(?:00|33|44|55|66|77|88)")


class Bucket:
    """One limit. From any thread."""

    def __init__(self, full: Callable[[], float], now_s: float) -> None:
        """`full`: the rate where nothing slows it down, in segments a second; above 0."""
        self._full = full
        self._share = 1.0
        self._level = max(full() * BURST_S, 1.0)
        self._at_s = now_s
        self._deaf_until_s = now_s
        self._lock = threading.Lock()

    def take(self, segments: int, now_s: float) -> float:
        """Take what a text of `segments` needs, or nothing: how many seconds to wait; 0 if it was taken."""
        with self._lock:
            wait_s = self._wait_s(segments, now_s)
            if wait_s == 0:
                self._level -= segments
            return wait_s

    def wait_s(self, segments: int, now_s: float) -> float:
        """How many seconds until `take` gives what it is asked for, if nobody else takes."""
        with self._lock:
            return self._wait_s(segments, now_s)

    def give_back(self, segments: int, now_s: float) -> None:
        """What was taken was not used."""
        with self._lock:
            self._refill(now_s)
            self._level = min(self._level + segments, self._capacity())

    def slow_down(self, now_s: float, rest_s: float | None = None) -> None:
        """The carrier said that it is too much: nothing leaves for `rest_s` seconds, then half as much.

        It may rest for REST_S_MAX at most: what a carrier says cannot stop us for good.
        What it says of texts that were under way by then is the same news.
        """
        with self._lock:
            self._refill(now_s)
            resting_until_s = now_s + (REST_S if rest_s is None else min(rest_s, REST_S_MAX))
            if now_s >= self._deaf_until_s:
                self._share = max(self._share * SLOWER, SHARE_MIN)
                self._level = min(self._level, 0.0)
            self._deaf_until_s = max(self._deaf_until_s, now_s + REST_S, resting_until_s)
            self._at_s = max(self._at_s, resting_until_s)

    def rate(self, now_s: float) -> float:
        """Segments a second, just now."""
        with self._lock:
            self._refill(now_s)
            return self._rate()

    def is_full(self, now_s: float) -> bool:
        """Whether it is as good as new."""
        with self._lock:
            self._refill(now_s)
            return self._share == 1.0 and self._at_s <= now_s and self._level >= self._capacity()

    def _wait_s(self, segments: int, now_s: float) -> float:
        self._refill(now_s)
        missing = min(float(segments), self._capacity()) - self._level
        resting_s = max(self._at_s - now_s, 0.0)
        return resting_s + max(missing, 0.0) / self._rate() if resting_s or missing > _EPSILON else 0.0

    def _refill(self, now_s: float) -> None:
        passed_s = now_s - self._at_s
        if passed_s > 0:
            self._level = min(self._level + passed_s * self._rate(), self._capacity())
            self._share = min(self._share + passed_s * RECOVERY_PER_S, 1.0)
            self._at_s = now_s

    def _rate(self) -> float:
        return self._full() * self._share

    def _capacity(self) -> float:
        return max(self._rate() * BURST_S, 1.0)


_EPSILON = 1e-9  # of a segment: what sums of floats lack


Way = tuple[str, str | None]
"""The carrier that a text goes through, and its sender; where none is known, the last look will refuse it."""


class CarrierRates:
    """The limits of all carrier accounts of a process, which its shards share. From any thread."""

    def __init__(self, full: Callable[[str], float], now_s: float) -> None:
        """`full`: as `Bucket` takes it, by the carrier's name."""
        self._full = full
        self._began_s = now_s
        self._buckets: dict[str, Bucket] = {}
        self._lock = threading.Lock()

    def of(self, carrier: str) -> Bucket:
        """The limit of that one."""
        with self._lock:
            if carrier not in self._buckets:
                self._buckets[carrier] = Bucket(lambda: self._full(carrier), self._began_s)
            return self._buckets[carrier]


class Rates:
    """The limits that one shard's texts meet: those of its senders, and those of the carrier accounts."""

    def __init__(self, limits: Limits, carriers: CarrierRates) -> None:
        self._limits = limits
        self._carriers = carriers
        self._senders: dict[str, Bucket] = {}
        self._lock = threading.Lock()

    def sender_wait_s(self, way: Way, segments: int, now_s: float) -> float:
        """How long the sender's limit holds such a text up."""
        _, sender = way
        return 0.0 if sender is None else self._sender(sender, now_s).wait_s(segments, now_s)

    def take(self, way: Way, segments: int, now_s: float) -> float:
        """Take what a text needs, once its sender's limit no longer holds it up: as `Bucket.take`."""
        carrier, sender = way
        wait_s = self._carriers.of(carrier).take(segments, now_s)
        if wait_s == 0 and sender is not None:
            self._sender(sender, now_s).take(segments, now_s)
        return wait_s

    def give_back(self, way: Way, segments: int, now_s: float) -> None:
        """The text did not leave."""
        carrier, sender = way
        self._carriers.of(carrier).give_back(segments, now_s)
        if sender is not None:
            self._sender(sender, now_s).give_back(segments, now_s)

    def heard(self, way: Way, outcome: Outcome, now_s: float) -> None:
        """Slow down where the carrier asks to."""
        carrier, sender = way
        if not isinstance(outcome, Rejected):
            return
        if is_too_many(outcome):
            self._carriers.of(carrier).slow_down(now_s, outcome.retry_after_s)
        elif outcome.code == SENDER_QUEUE_FULL and sender is not None:
            self._sender(sender, now_s).slow_down(now_s, outcome.retry_after_s)

    def carrier_rate(self, carrier: str, now_s: float) -> float:
        """Segments a second that the carrier account has just now."""
        return self._carriers.of(carrier).rate(now_s)

    def _sender(self, sender: str, now_s: float) -> Bucket:
        with self._lock:
            bucket = self._senders.get(sender)
            if bucket is None:
                if len(self._senders) >= SENDERS_MAX:
                    self._senders = {s: b for s, b in self._senders.items() if not b.is_full(now_s)}
                rate = self._limits.of(sender)
                bucket = self._senders[sender] = Bucket(lambda: rate, now_s)
            return bucket


def is_too_many(outcome: Outcome) -> bool:
    """Whether the carrier turned a text down for no other reason than the number of requests."""
    return isinstance(outcome, Rejected) and (outcome.http_status == 429 or outcome.code == TOO_MANY_REQUESTS)
