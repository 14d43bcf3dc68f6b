"""The library's SQLite recorders, made fast and strict for one shard with one owner."""

from collections.abc import Sequence
from typing import Any

from eventsourcing.persistence import StoredEvent, Tracking
from eventsourcing.sqlite import (
    SQLiteAggregateRecorder,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteFactory,
    SQLiteProcessRecorder,
)
from eventsourcing.utils import Environment, EnvType
from pydantic_core import to_json

from domain.ledger.connections import LedgerDatastore
from domain.ledger.errors import PositionConflict
from domain.ledger.mapper import Row

_ROWID_MAX = 2**63 - 1

_EVENTS = """
CREATE TABLE IF NOT EXISTS {table} (
    rowid INTEGER PRIMARY KEY,
    originator_id TEXT NOT NULL,
    originator_version INTEGER NOT NULL,
    topic TEXT NOT NULL,
    state BLOB NOT NULL,
    UNIQUE (originator_id, originator_version)
)
"""
_CHANGES = ("UPDATE", "DELETE")
_NO_CHANGE = """
CREATE TRIGGER IF NOT EXISTS {table}_no_{change} BEFORE {change} ON {table}
BEGIN SELECT RAISE(ABORT, 'history is not open to argument'); END
"""


class LedgerRecorder(SQLiteProcessRecorder):
    """Stores a batch with its position in one transaction, the position compared and set."""

    def __init__(self, datastore: SQLiteDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        self.insert_events_statement = (
            f"INSERT INTO {self.events_table_name} "
            "(originator_id, originator_version, topic, state) VALUES (?,?,?,?)"
        )

    def construct_create_table_statements(self) -> list[str]:
        """Tables whose notification ids survive a VACUUM, and triggers that keep history as it is."""
        _, *others = super().construct_create_table_statements()
        table = self.events_table_name
        return [
            _EVENTS.format(table=table),
            *(_NO_CHANGE.format(table=table, change=c) for c in _CHANGES),
            *others,
        ]

    def append(self, rows: Sequence[Row], tracking: Tracking, previous: int | None) -> range:
        """Store `rows` and move the position from `previous` to `tracking`, or do nothing.

        Raises:
            PositionConflict: the position is not `previous`.
            eventsourcing.persistence.IntegrityError: a stream already has an event of that version.
            eventsourcing.persistence.OperationalError: the disk or the lock does not allow it.
        """
        with self.datastore.transaction(commit=True) as cursor:
            self._move(cursor, tracking, previous)
            return self._insert_rows(cursor, rows)

    def _insert_events(
        self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        rows = [(str(e.originator_id), e.originator_version, e.topic, e.state) for e in stored_events]
        ids = self._insert_rows(c, rows)
        tracking = kwargs.get("tracking")
        if tracking is not None:
            self._insert_tracking(c, tracking)
        return list(ids)

    def _insert_rows(self, cursor: SQLiteCursor, rows: Sequence[Row]) -> range:
        """Insert in one go; SQLite numbers rows one after the other, and the write lock is ours."""
        if not rows:
            return range(0)
        cursor.executemany(self.insert_events_statement, rows)
        cursor.execute("SELECT last_insert_rowid()")
        last: int = cursor.fetchone()[0]
        return range(last - len(rows) + 1, last + 1)

    def _move(self, cursor: SQLiteCursor, tracking: Tracking, previous: int | None) -> None:
        name, position = tracking.application_name, tracking.notification_id
        if previous is None:
            cursor.execute("INSERT INTO tracking VALUES (?,?) ON CONFLICT DO NOTHING", (name, position))
        else:
            cursor.execute(
                "UPDATE tracking SET notification_id = ? WHERE application_name = ? AND notification_id = ?",
                (position, name, previous),
            )
        if cursor.sqlite_cursor.rowcount != 1:
            raise PositionConflict(f"{name} is not at {previous}")

    def select_states(self, after: int, limit: int, to: int | None) -> list[tuple[int, bytes]]:
        """Notification id and stored bytes of events after `after`, up to and including `to`, in order."""
        statement = f"SELECT rowid, state FROM {self.events_table_name} WHERE rowid > ? AND rowid <= ? "
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute(statement + "ORDER BY rowid LIMIT ?", (after, to or _ROWID_MAX, limit))
            return [tuple(row) for row in cursor.fetchall()]

    def select_firsts(self, streams: Sequence[str]) -> list[tuple[str, bytes]]:
        """Name and stored bytes of the first event of those of `streams` that have one."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute(
                f"SELECT originator_id, state FROM json_each(?) JOIN {self.events_table_name} "
                "ON originator_id = value AND originator_version = 1",
                (to_json(streams).decode(),),
            )
            return [tuple(row) for row in cursor.fetchall()]


class SnapshotRecorder(SQLiteAggregateRecorder):
    """Keeps the newest snapshot of each stream."""

    def keep(self, snapshot: StoredEvent) -> None:
        """Store `snapshot`, unless a newer one is there, and drop the older ones."""
        stream, version = snapshot.originator_id, snapshot.originator_version
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(
                f"DELETE FROM {self.events_table_name} WHERE originator_id = ? AND originator_version <= ?",
                (stream, version),
            )
            self._insert_events(cursor, [snapshot])


class LedgerFactory(SQLiteFactory):
    """Makes the recorders of one file, which the environment names: SQLITE_DBNAME."""

    aggregate_recorder_class = SnapshotRecorder
    process_recorder_class = LedgerRecorder

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        self.datastore: LedgerDatastore = LedgerDatastore(self.datastore.pool.db_name)

    def process_recorder(self) -> LedgerRecorder:
        """The recorder of events and position."""
        recorder = super().process_recorder()
        assert isinstance(recorder, LedgerRecorder)
        return recorder

    def aggregate_recorder(self, purpose: str = "events") -> SnapshotRecorder:
        """The recorder of snapshots."""
        recorder = super().aggregate_recorder(purpose)
        assert isinstance(recorder, SnapshotRecorder)
        return recorder
