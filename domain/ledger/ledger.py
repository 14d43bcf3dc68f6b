"""The event store of one shard: appended to by the shard's one owner, read by anybody."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from eventsourcing.persistence import IntegrityError, PersistenceError, StoredEvent, Tracking

from domain.ledger.checkpoints import Checkpointer
from domain.ledger.connections import LedgerDatastore
from domain.ledger.errors import LedgerUnavailable, VersionConflict
from domain.ledger.mapper import EventMapper, Row
from domain.ledger.recorders import LedgerRecorder, SnapshotRecorder
from schemas import codec
from schemas.events import Recorded
from schemas.keystore import KeyConflict, KeyStore
from schemas.sealing import Unsealable

_SEALED, _CLEAR = "snapshot.sealed", "snapshot.clear"


class Ledger:
    """What was decided in one shard, in order, and how far the shard's commands are decided.

    Any thread may read; one thread appends.
    """

    def __init__(self, datastore: LedgerDatastore, shard: int, keys: KeyStore) -> None:
        self._datastore = datastore
        self._recorder = LedgerRecorder(datastore)
        self._snapshots = SnapshotRecorder(datastore, "stored_snapshots")
        for recorder in (self._recorder, self._snapshots):
            recorder.create_table()
        self._keys = keys
        self._mapper = EventMapper(keys)
        self._owner = f"shard-{shard}"
        self._position = self._recorder.max_tracking_id(self._owner)
        self._last = self._recorder.max_notification_id() or 0
        self._checkpointer = Checkpointer(datastore.pool.create())

    @classmethod
    def open(cls, path: Path | str, shard: int, keys: KeyStore) -> Self:
        """The ledger in the SQLite file at `path`, created if need be.

        Raises:
            LedgerUnavailable: the file cannot be opened.
        """
        with _own_errors():
            return cls(LedgerDatastore.open(path), shard, keys)

    def append(self, batch: Sequence[Recorded], position: int) -> range:
        """Store `batch` and move to `position`, in one transaction, durably, or do nothing.

        Missing keys of the persons in it are made and stored first.

        Returns:
            The notification ids of the events, in the order of `batch`.

        Raises:
            PositionConflict: another owner has moved the position or stored events meanwhile.
            VersionConflict: a stream already has an event of that version.
            LedgerUnavailable: the disk is full or broken, or locked by another process for too long.
        """
        with _own_errors():
            rows = self._rows(batch)
            tracking = Tracking(self._owner, position)
            ids = self._recorder.append(rows, tracking, self._position, self._last + 1)
        self._position = position
        self._last += len(ids)
        self._checkpointer.stored(len(ids))
        return ids

    def position(self) -> int | None:
        """The last command's position that was decided; None in a new ledger."""
        with _own_errors():
            return self._recorder.max_tracking_id(self._owner)

    def read(
        self, stream: str, after: int = 0, limit: int | None = None, to: int | None = None
    ) -> list[Recorded]:
        """The events of `stream` with versions after `after`, up to and including `to`, at most `limit`."""
        with _own_errors():
            stored = self._recorder.select_events(stream, gt=after, lte=to, limit=limit)
        return [self._mapper.to_domain_event(event) for event in stored]

    def existing(self, streams: Sequence[str]) -> dict[str, Recorded]:
        """The last event of those of `streams` that have any: of many receipts, those that are there."""
        with _own_errors():
            found = self._recorder.select_newest(streams)
        return {stream: codec.decode(state, self._keys) for stream, state in found}

    def notifications(self, after: int, limit: int, to: int | None = None) -> list[tuple[int, bytes]]:
        """All events in the order in which they were stored, as (notification id, encoded event).

        Those with ids after `after`, up to and including `to`, at most `limit`. Ids have no gaps.
        """
        with _own_errors():
            return self._recorder.select_states(after, limit, to)

    def last_notification(self) -> int:
        """The id of the last event; 0 in an empty ledger."""
        with _own_errors():
            return self._recorder.max_notification_id() or 0

    def save_snapshot(self, stream: str, version: int, state: bytes) -> None:
        """Keep `state`: `stream` folded up to `version`. Sealed, if the stream has a person's key."""
        key = self._keys.cipher(stream)
        topic = _CLEAR
        if key is not None:
            topic, state = _SEALED, key.seal(state, _bond(stream, version))
        with _own_errors():
            self._snapshots.keep(StoredEvent(stream, version, topic, state))

    def load_snapshot(self, stream: str) -> tuple[int, bytes] | None:
        """Version and state of the newest snapshot of `stream`; None if there is none that still opens."""
        with _own_errors():
            newest = self._snapshots.select_events(stream, desc=True, limit=1)
        if not newest:
            return None
        version, state = newest[0].originator_version, newest[0].state
        if newest[0].topic == _CLEAR:
            return version, state
        key = self._keys.cipher(stream)
        try:
            opened = None if key is None else key.open(state, _bond(stream, version))
        except Unsealable:  # it repeats what the events say: they are the ones to be read
            return None
        return None if opened is None else (version, opened)

    def close(self) -> None:
        """Let the file go."""
        self._checkpointer.close()
        self._datastore.close()

    def _rows(self, batch: Sequence[Recorded]) -> list[Row]:
        """`batch` as it is stored; every key it needs is durable when this returns."""
        rows = [self._mapper.row(recorded, number) for number, recorded in enumerate(batch, self._last + 1)]
        try:
            self._keys.flush()
        except KeyConflict:  # another owner made one of the keys: theirs is the key
            return self._rows(batch)
        return rows


def _bond(stream: str, version: int) -> bytes:
    return f"snapshot {stream}.{version}".encode()


@contextmanager
def _own_errors() -> Iterator[None]:
    """Turn the library's errors into the ledger's."""
    try:
        yield
    except IntegrityError as error:
        raise VersionConflict(str(error)) from error
    except (PersistenceError, sqlite3.Error) as error:  # the latter from the keystore
        raise LedgerUnavailable(str(error)) from error
