"""The library's PostgreSQL recorders, made fast and strict for one shard with one owner.

Nothing goes through psycopg's pipeline mode: beyond some 250 kB it can wait for ever.
"""

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from eventsourcing.persistence import IntegrityError, OperationalError, StoredEvent
from eventsourcing.postgres import PostgresAggregateRecorder, PostgresProcessRecorder
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable, Identifier

from domain.ledger.errors import OutcomeUnknown, PositionConflict
from domain.ledger.mapper import Row
from domain.ledger.ownership import Ownership
from domain.ledger.postgres import arrays, tables
from domain.ledger.postgres.connections import LedgerDatastore, was_lost
from schemas.postgres import create_once

FIRST_VERSION = 1
_BIGINT_MAX = 2**63 - 1


class _Recorder(PostgresAggregateRecorder):
    """A table of a shard's, its streams read through prepared statements, a broken database tried once."""

    CREATION: ClassVar[Sequence[str]]
    datastore: LedgerDatastore

    def __init__(self, datastore: LedgerDatastore, prefix: str, kind: str, **more: Any) -> None:
        super().__init__(datastore, events_table_name=f"{prefix}_{kind}", **more)
        self._prefix = prefix
        ways = {False: "ASC", True: "DESC"}
        self._select_events = {
            desc: self._sql(tables.SELECT_EVENTS, direction=way) for desc, way in ways.items()
        }

    def create_table(self) -> None:
        with self.datastore.get_connection() as connection:
            statements = [self._sql(statement) for statement in self.CREATION]
            create_once(connection, self.events_table_name, statements)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        low, high = -1 if gt is None else gt, _BIGINT_MAX if lte is None else lte
        asked = (str(originator_id), low, high, limit)
        return [StoredEvent(*row) for row in self.datastore.fetch(self._select_events[desc], asked)]

    def _sql(self, statement: str, **parts: str) -> bytes:
        """`statement` with its `parts`, and the names of the shard's tables."""
        schema = self.datastore.schema
        names: dict[str, Composable] = {
            "schema": Identifier(schema),
            "events": Identifier(schema, self.events_table_name),
            "tracking": Identifier(schema, f"{self._prefix}_tracking"),
        }
        filled = {name: SQL(part).format(**names) for name, part in parts.items()}
        return SQL(statement).format(**names, **filled).as_bytes()


class LedgerRecorder(_Recorder, PostgresProcessRecorder):
    """Stores a batch with its position in one statement, owner, position and last number compared.

    A stream begins with version 1 (or 0) and grows without gaps.
    """

    CREATION = (tables.EVENTS, tables.TRACKING, tables.HISTORY_FUNCTION, tables.HISTORY_STAYS)

    def __init__(self, datastore: LedgerDatastore, prefix: str) -> None:
        super().__init__(datastore, prefix, "events", tracking_table_name=f"{prefix}_tracking")
        self._append = self._sql(tables.APPEND, gap=tables.GAP, insert=tables.INSERT)
        self._gap = self._sql(tables.GAP)
        self._insert = self._sql(tables.INSERT)
        self._last = self._sql(tables.LAST)
        self._select_states = self._sql(tables.SELECT_STATES)
        self._select_newest = self._sql(tables.SELECT_NEWEST)

    def take(self, owner: str) -> Ownership:
        """Make the caller the sole owner: whatever a former one still tries to store fails."""
        return self._taken(tables.TAKE, {"owner": owner})

    def retake(self, owner: str, held: Ownership) -> Ownership:
        """As `take`, unless somebody else took it since. Raises PositionConflict if so.

        It waits for a batch of ours that the server may still be storing, for both change the same row; and
        one that arrives later meets another epoch.
        """
        return self._taken(tables.RETAKE, {"owner": owner, "epoch": held.epoch})

    def append(self, owner: str, rows: Sequence[Row], held: Ownership, position: int) -> None:
        """Store `rows` as the numbers after `held.last`, and move to `position`, or do nothing.

        Raises:
            PositionConflict: the ledger is not as it was `held`.
            OutcomeUnknown: the connection was lost; `retake` tells what became of it.
            eventsourcing.persistence.IntegrityError: an event is not the next of its stream.
            eventsourcing.persistence.OperationalError: there is no connection to be had.
        """
        change = {"owner": owner, "to": position, "position": held.position, "epoch": held.epoch}
        try:
            ((moved, gap),) = self.datastore.fetch(self._append, change | _columns(rows, held.last))
        except OperationalError as error:
            if was_lost(error):
                raise OutcomeUnknown(str(error)) from error
            raise
        if not moved:
            self._refuse(owner, held, gap)

    def select_states(self, after: int, limit: int, to: int | None) -> list[tuple[int, bytes]]:
        """Notification id and stored bytes of events after `after`, up to and including `to`, in order."""
        return self.datastore.fetch(self._select_states, (after, _BIGINT_MAX if to is None else to, limit))

    def select_newest(self, streams: Sequence[str]) -> list[tuple[str, bytes]]:
        """Name and last event, as it is stored, of those of `streams` that have any."""
        return self.datastore.fetch(self._select_newest, (arrays.texts(streams),))

    def max_notification_id(self) -> int | None:
        ((last,),) = self.datastore.fetch(self._last)
        return last  # type: ignore[no-any-return]

    def epoch(self, owner: str) -> int:
        """How often the ledger was taken."""
        found = self.datastore.fetch(self._sql(tables.STANDING), {"owner": owner})
        return int(found[0][0]) if found else 0

    def max_tracking_id(self, application_name: str) -> int | None:
        found = self.datastore.fetch(self._sql(tables.STANDING), {"owner": application_name})
        return found[0][1] if found else None

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """The library's way in, for whoever owns nothing: writers queue for the table."""
        rows = [(str(e.originator_id), e.originator_version, e.topic, e.state) for e in stored_events]
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(self._sql(tables.LOCK))
            last = self._number(cursor)
            columns = _columns(rows, last)
            if gap := cursor.execute(self._gap, columns).fetchone():
                raise IntegrityError(f"there is a gap in {gap['stream']}")
            cursor.execute(self._insert, columns)
            if kwargs.get("tracking") is not None:
                self._insert_tracking(cursor, kwargs["tracking"])
        return list(range(last + 1, last + 1 + len(rows)))

    def _taken(self, statement: str, parameters: dict[str, object]) -> Ownership:
        with self.datastore.transaction(commit=True) as cursor:
            row = cursor.execute(self._sql(statement), parameters).fetchone()
            if row is None:
                raise PositionConflict("somebody else took the ledger")
            # A statement of its own: the one before may have waited, and would not see what it waited for.
            return Ownership(row["epoch"], row["notification_id"], self._number(cursor))

    def _number(self, cursor: Cursor[DictRow]) -> int:
        """Of the last event."""
        row = cursor.execute(self._last).fetchone()
        return (row and row["max"]) or 0

    def _refuse(self, owner: str, held: Ownership, gap: str | None) -> None:
        ((epoch, position),) = self.datastore.fetch(self._sql(tables.STANDING), {"owner": owner})
        if gap is not None and (epoch, position) == (held.epoch, held.position):
            raise IntegrityError(f"there is a gap in {gap}")
        raise PositionConflict(f"{owner} is not as it was left: {held}")


class SnapshotRecorder(_Recorder):
    """Keeps the newest snapshot of each stream."""

    CREATION = (tables.SNAPSHOTS,)

    def __init__(self, datastore: LedgerDatastore, prefix: str) -> None:
        super().__init__(datastore, prefix, "snapshots")
        self._insert = self._sql(tables.INSERT_SNAPSHOT)
        self._drop = self._sql(tables.DROP_SNAPSHOTS)

    def keep(self, snapshot: StoredEvent) -> None:
        """Store `snapshot` and drop older ones. If a newer one is there, that one stays the newest."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(self._drop, (snapshot.originator_id, snapshot.originator_version))
            self._store(cursor, [snapshot])

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._store(cursor, stored_events)

    def _store(self, cursor: Cursor[DictRow], snapshots: Sequence[StoredEvent]) -> None:
        for one in snapshots:
            row = (str(one.originator_id), one.originator_version, one.topic, one.state)
            cursor.execute(self._insert, row)


def _columns(rows: Sequence[Row], last: int) -> dict[str, object]:
    """`rows` as the parameters of a statement, and what each of their streams must already hold.

    Raises:
        eventsourcing.persistence.IntegrityError: a stream has a gap within `rows`.
    """
    ends, followed = dict[str, int](), dict[str, int]()
    for stream, version, name, _ in rows:
        end = ends.get(stream)
        if end is None:
            if version > FIRST_VERSION:
                followed[stream] = version - 1
        elif version != end + 1:
            raise IntegrityError(f"{name} {version} does not follow {end} of {stream}")
        ends[stream] = version
    streams, versions, names, states = zip(*rows, strict=True) if rows else ((), (), (), ())
    return {
        "last": last,
        "followers": arrays.texts(list(followed)),
        "followed": arrays.integers(list(followed.values())),
        "streams": arrays.texts(streams),
        "versions": arrays.integers(versions),
        "names": arrays.texts(names),
        "states": arrays.blobs(states),
    }
