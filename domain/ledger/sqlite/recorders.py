"""The library's SQLite recorders, made fast and strict for one shard with one owner."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.sqlite import (
    SQLiteAggregateRecorder,
    SQLiteCursor,
    SQLiteProcessRecorder,
)
from pydantic_core import from_json, to_json

from domain.ledger.errors import PositionConflict
from domain.ledger.mapper import Row
from domain.ledger.ownership import Ownership
from domain.ledger.sqlite import bulk, tables
from domain.ledger.sqlite.connections import LedgerDatastore

FIRST_VERSION = 1
_ROWID_MAX = 2**63 - 1


class LedgerRecorder(SQLiteProcessRecorder):
    """Stores a batch with its position in one transaction, the position compared and set.

    A stream begins with version 1 (or 0) and grows without gaps.
    """

    def __init__(self, datastore: LedgerDatastore) -> None:
        super().__init__(datastore)
        self.insert_tracking_statement = tables.INSERT_TRACKING

    def construct_create_table_statements(self) -> list[str]:
        history = [self._sql(tables.HISTORY_STAYS, change=change) for change in ("update", "delete")]
        ours = (tables.EVENTS, tables.MILESTONES, tables.ENDS, tables.TRACKING)
        return [*(self._sql(table) for table in ours), *history]

    def take(self, owner: str) -> Ownership:
        """Make the caller the sole owner: whatever a former one still tries to store fails."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(tables.TAKE, {"name": owner})
            return self._standing(cursor)

    def retake(self, owner: str, held: Ownership) -> Ownership:
        """As `take`, unless somebody else took it since. Raises PositionConflict if so."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(tables.RETAKE, {"name": owner, "epoch": held.epoch})
            return self._standing(cursor)

    def append(self, owner: str, rows: Sequence[Row], held: Ownership, position: int) -> None:
        """Store `rows` as the numbers after `held.last`, and move to `position`, or do nothing.

        Raises:
            PositionConflict: the ledger is not as it was `held`.
            eventsourcing.persistence.IntegrityError: an event is not the next of its stream.
            eventsourcing.persistence.OperationalError: the disk or the lock does not allow it.
        """
        with self.datastore.transaction(commit=True) as cursor:
            change = {"name": owner, "to": position, "position": held.position, "epoch": held.epoch}
            cursor.execute(tables.MOVE, change)
            if cursor.sqlite_cursor.rowcount != 1 or (self._max_notification_id(cursor) or 0) != held.last:
                raise PositionConflict(f"{owner} is not as it was left: {held}")
            self._insert_rows(cursor, rows)

    def epoch(self, owner: str) -> int:
        """How often the ledger was taken."""
        found = self._select(tables.EPOCH, owner)
        return int(found[0][0]) if found else 0

    def select_states(self, after: int, limit: int, to: int | None) -> list[tuple[int, bytes]]:
        """Notification id and stored bytes of events after `after`, up to and including `to`, in order."""
        return self._select(tables.SELECT_STATES, after, _ROWID_MAX if to is None else to, limit)

    def select_newest(self, streams: Sequence[str]) -> list[tuple[str, bytes]]:
        """Name and last event, as it is stored, of those of `streams` that have any."""
        return self._select(tables.SELECT_NEWEST, to_json(streams).decode())

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        stream, low = str(originator_id), -1 if gt is None else gt
        with self.datastore.transaction(commit=False) as cursor:
            end = self._ends(cursor, [stream]).get(stream)
            if end is None:
                return []
            high = end[0] if lte is None else min(end[0], lte)
            if limit is not None and desc:
                low = max(low, high - limit)
            elif limit is not None:
                high = min(high, low + limit + 1)  # one more, for a stream that begins with version 1
            cursor.execute(
                self._sql(tables.SELECT_CHAIN),
                {"start": self._start(cursor, stream, high, end), "low": low, "high": high},
            )
            events = [StoredEvent(*row) for row in cursor.fetchall()]
        return (events[::-1] if desc else events)[:limit]

    def _insert_events(
        self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        rows = [(str(e.originator_id), e.originator_version, e.topic, e.state) for e in stored_events]
        ids = self._insert_rows(c, rows)
        if kwargs.get("tracking") is not None:
            self._insert_tracking(c, kwargs["tracking"])
        return list(ids)

    def _insert_rows(self, cursor: SQLiteCursor, rows: Sequence[Row]) -> range:
        """Insert `rows` at the ends of their streams; the write lock is held."""
        first = (self._max_notification_id(cursor) or 0) + 1
        known = self._ends(cursor, {stream for stream, version, _, _ in rows if version > FIRST_VERSION})
        ends, events = dict(known), list[Any]()
        for place, (stream, version, name, state) in enumerate(rows, first):
            end = ends.get(stream)
            if end is None:
                if version > FIRST_VERSION:
                    raise IntegrityError(f"{name} {version} does not begin {stream}")
                previous = None
            else:
                if version != end[0] + 1:
                    raise IntegrityError(f"{name} {version} does not follow {end[0]} of {stream}")
                previous = end[1]
            events += place, stream, version, name, previous, state
            ends[stream] = version, place
        begun, extended = list[Any](), list[Any]()
        for stream, end in ends.items():
            values = extended if stream in known else begun
            values += stream, *end
        bulk.execute(cursor, self._sql(tables.INSERT_EVENTS), 6, events)
        bulk.execute(cursor, self._sql(tables.BEGIN_STREAMS), 3, begun)
        bulk.execute(cursor, self._sql(tables.EXTEND_STREAMS), 3, extended)
        return range(first, first + len(rows))

    def _ends(self, cursor: SQLiteCursor, streams: Iterable[str]) -> dict[str, Sequence[int]]:
        """Of those of `streams` that have events: version and notification id of the last one."""
        cursor.execute(self._sql(tables.SELECT_ENDS), (to_json(list(streams)).decode(),))
        ends: dict[str, Sequence[int]] = from_json(cursor.fetchone()[0])
        return ends

    def _start(self, cursor: SQLiteCursor, stream: str, high: int, end: Sequence[int]) -> int:
        """Where to begin the walk back to `high`: the nearest milestone above it, else the stream's end."""
        if high == end[0]:
            return end[1]
        cursor.execute(self._sql(tables.MILESTONE_FROM), (stream, high))
        milestone = cursor.fetchone()
        return end[1] if milestone is None else int(milestone[0])

    def _standing(self, cursor: SQLiteCursor) -> Ownership:
        """The ledger as the statement before found it."""
        row = cursor.fetchone()
        if row is None:
            raise PositionConflict("somebody else took the ledger")
        return Ownership(row["epoch"], row["notification_id"], self._max_notification_id(cursor) or 0)

    def _select(self, statement: str, *parameters: str | int) -> list[Any]:
        with self.datastore.transaction(commit=False) as cursor:
            cursor.sqlite_cursor.row_factory = None  # plain tuples
            cursor.execute(self._sql(statement), parameters)
            return cursor.sqlite_cursor.fetchall()

    def _sql(self, statement: str, **names: str) -> str:
        return statement.format(table=self.events_table_name, **names)


class SnapshotRecorder(SQLiteAggregateRecorder):
    """Keeps the newest snapshot of each stream."""

    def keep(self, snapshot: StoredEvent) -> None:
        """Store `snapshot` and drop older ones. If a newer one is there, that one stays the newest."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(
                tables.DROP_SNAPSHOTS.format(table=self.events_table_name),
                (snapshot.originator_id, snapshot.originator_version),
            )
            self._insert_events(cursor, [snapshot])
