"""Chance that repeats: what is drawn for a text follows from the seed, its number and its count alone.

So the same texts meet the same faults, whatever threads, machines and the order of other numbers do.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")
_WHOLE = float(1 << 64)


class Lots:
    """All that is drawn for the `nth` request to one number. A draw has a name, and moves no other."""

    __slots__ = ("_base",)

    def __init__(self, seed: int, number: str, nth: int) -> None:
        self._base = f"{seed} {number} {nth} "

    def share(self, name: str) -> float:
        """Anything from 0 up to 1, 1 excluded."""
        return self.whole(name) / _WHOLE

    def whole(self, name: str) -> int:
        """Any whole number of 64 bits."""
        drawn = blake2b((self._base + name).encode(), digest_size=8).digest()
        return int.from_bytes(drawn, "big")

    def happens(self, name: str, share: float) -> bool:
        """Whether it happens, where it does so in that share of cases."""
        return share > 0 and self.share(name) < share

    def chosen(self, name: str, shares: Mapping[T, float]) -> T | None:
        """At most one of these, each in its share of cases; shares add up to 1 at most."""
        left = self.share(name) if shares else 1.0
        for one, share in shares.items():
            if left < share:
                return one
            left -= share
        return None

    def between(self, name: str, span: tuple[float, float]) -> float:
        """Somewhere between the two."""
        least, most = span
        return least if least == most else least + (most - least) * self.share(name)
