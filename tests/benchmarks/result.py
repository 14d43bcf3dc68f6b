"""What a benchmark found out."""

from typing import NamedTuple


class Result(NamedTuple):
    """One figure. More is better, unless `unit` is a time, a size or a ratio to be kept low (`lower`)."""

    name: str
    value: float
    unit: str
    target: float | None = None
    lower: bool = False
    """Whether less is better."""

    @property
    def ratio(self) -> float | None:
        """How well the target is met: 1 is just so, 2 twice as well."""
        if self.target is None:
            return None
        return self.target / self.value if self.lower else self.value / self.target
