"""What the owner of a ledger knows of it, and nobody else may have changed."""

from typing import NamedTuple


class Ownership(NamedTuple):
    """A ledger as its owner left it. Every append compares all of it, in the transaction that changes it."""

    epoch: int
    """How often the ledger was taken: a former owner has a smaller one, and can write no more."""
    position: int
    """How far the shard's commands are decided; 0 if none is."""
    last: int
    """The number of the last event; 0 if there is none."""

    def after(self, position: int, events: int) -> "Ownership":
        """What it is once that many events more are stored."""
        return Ownership(self.epoch, position, self.last + events)
