"""What a ledger needs of the place where it is kept; SQLite and PostgreSQL each have their own dialect."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from domain.ledger.mapper import Row
from domain.ledger.ownership import Ownership


class EventRecorder(Protocol):
    """The events of one shard. Raises the library's persistence errors, and those that are named."""

    def take(self, owner: str) -> Ownership:
        """Make the caller the sole owner: whatever a former one still tries to store fails."""
        ...

    def retake(self, owner: str, held: Ownership) -> Ownership:
        """As `take`, unless somebody else took it since.

        When this returns, all that was on its way is either stored, and told of, or never will be.

        Raises:
            PositionConflict: somebody else is the owner.
        """
        ...

    def append(self, owner: str, rows: Sequence[Row], held: Ownership, position: int) -> None:
        """Store `rows` as the numbers after `held.last`, and move to `position`, or do nothing.

        Raises:
            PositionConflict: the ledger is not as it was `held`.
            OutcomeUnknown: it may be stored or not; `retake` tells.
            eventsourcing.persistence.IntegrityError: an event is not the next of its stream.
        """
        ...

    def epoch(self, owner: str) -> int:
        """How often the ledger was taken; 0 if it never was."""
        ...

    def max_tracking_id(self, application_name: str) -> int | None:
        """The position of the owner of that name; None if there never was one."""
        ...

    def max_notification_id(self) -> int | None:
        """The number of the last event; None if there is none."""
        ...

    def select_states(self, after: int, limit: int, to: int | None) -> list[tuple[int, bytes]]:
        """Number and stored bytes of events after `after`, up to and including `to`, in order."""
        ...

    def select_newest(self, streams: Sequence[str]) -> list[tuple[str, bytes]]:
        """Name and last event, as it is stored, of those of `streams` that have any."""
        ...

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The events of a stream with versions after `gt`, up to and including `lte`."""
        ...


class SnapshotKeeper(Protocol):
    """The newest snapshot of each stream."""

    def keep(self, snapshot: StoredEvent) -> None:
        """Store `snapshot` and drop older ones. If a newer one is there, that one stays the newest."""
        ...

    def select_events(
        self, originator_id: UUID | str, *, desc: bool = False, limit: int | None = None
    ) -> Sequence[StoredEvent]:
        """The snapshots of a stream."""
        ...


class Store(Protocol):
    """Where one shard's ledger is kept, opened."""

    @property
    def events(self) -> EventRecorder:
        """What was decided."""
        ...

    @property
    def snapshots(self) -> SnapshotKeeper:
        """What saves reading it all."""
        ...

    def grown(self, events: int) -> None:
        """So many events more were stored."""
        ...

    def close(self) -> None:
        """Let it go."""
        ...
