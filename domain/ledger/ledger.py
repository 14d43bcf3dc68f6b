"""The event store of one shard: appended to by the shard's one owner, read by anybody."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from eventsourcing.persistence import IntegrityError, PersistenceError, StoredEvent

from domain.ledger.errors import LedgerError, LedgerUnavailable, OutcomeUnknown, VersionConflict
from domain.ledger.mapper import EventMapper, Row
from domain.ledger.ownership import Ownership
from domain.ledger.postgres.store import PostgresStore
from domain.ledger.sqlite.store import SqliteStore
from domain.ledger.store import Store
from schemas import codec
from schemas.events import Recorded
from schemas.keystore import KeyConflict, KeyStore, KeyStoreUnavailable
from schemas.sealing import Unsealable

_SEALED, _CLEAR = "snapshot.sealed", "snapshot.clear"


class Ledger:
    """What was decided in one shard, in order, and how far the shard's commands are decided.

    Whoever opens it may read it, from any thread. To append, it must be taken first, and from then on belongs
    to this object alone, until another one takes it; one thread appends.
    """

    def __init__(self, store: Store, shard: int, keys: KeyStore) -> None:
        self._store = store
        self._keys = keys
        self._mapper = EventMapper(keys)
        self._owner = f"shard-{shard}"
        self._held: Ownership | None = None
        self._in_doubt = False
        self._listeners: list[Callable[[int, Sequence[bytes]], None]] = []

    @classmethod
    def open(cls, path: Path | str, shard: int, keys: KeyStore) -> Self:
        """The ledger in the SQLite file at `path`, created if need be.

        Raises:
            LedgerUnavailable: the file cannot be opened.
        """
        with _own_errors():
            return cls(SqliteStore.open(path), shard, keys)

    @classmethod
    def open_postgres(cls, dsn: str, shard: int, keys: KeyStore) -> Self:
        """The ledger in the shard's own tables in the database at `dsn`, created if need be.

        Raises:
            LedgerUnavailable: the database cannot be reached, or does not let us in.
        """
        with _own_errors():
            return cls(PostgresStore.open(dsn, shard), shard, keys)

    def take(self) -> int:
        """Become the owner: from now on a former one stores nothing more, whatever it still has under way.

        Returns:
            The position: of the last command that was decided; 0 in a new ledger.

        Raises:
            LedgerUnavailable: nobody can say now whether it was taken. Take it again.
        """
        with _own_errors():
            self._held = self._store.events.take(self._owner)
        self._in_doubt = False
        return self._held.position

    def resume(self) -> int:
        """Go on as the owner after an append that failed, which costs nothing unless its outcome is unknown.

        Whoever remembers anything that was decided must forget it before, and read it anew afterwards.

        Returns:
            The position, as `take` does: it tells whether the batch was stored after all.

        Raises:
            PositionConflict: another owner took the ledger.
            LedgerUnavailable: it still cannot be found out.
        """
        held = self._ownership()
        if self._in_doubt:
            with _own_errors():
                held = self._held = self._store.events.retake(self._owner, held)
            self._in_doubt = False
        return held.position

    def owned(self) -> bool:
        """Whether it is still ours: nobody took it since we did. For whoever acts on it without appending.

        Raises:
            LedgerUnavailable: nobody can say now.
        """
        with _own_errors():
            return self._held is not None and self._store.events.epoch(self._owner) == self._held.epoch

    def append(self, batch: Sequence[Recorded], position: int) -> range:
        """Store `batch` and move to `position`, in one transaction, durably, or do nothing.

        `position` may be the one before, never a lesser one. Keys that persons in the batch still lack are
        made and stored first.

        Returns:
            The notification ids of the events, in the order of `batch`.

        Raises:
            PositionConflict: another owner took the ledger.
            VersionConflict: a stream already has an event of that version.
            LedgerUnavailable: the store cannot be written now.
            OutcomeUnknown: it cannot be reached any more, and may have stored the batch; see `resume`.
        """
        held = self._ready_to_move(position)
        with _own_errors():
            rows = self._rows(batch, held.last + 1)
        return self._store_rows(rows, held, position)

    def restore(self, events: Sequence[bytes], position: int) -> range:
        """Store `events` as they are, the very bytes that another ledger of this shard stored, and move on.

        Keys are not needed, and none are made.

        Returns, and raises, as `append` does, and:
            ValueError: they are not the events that follow. Nothing was stored.
        """
        held = self._ready_to_move(position)
        heads = [codec.peek(data) for data in events]
        numbers = range(held.last + 1, held.last + 1 + len(events))
        for number, head in zip(numbers, heads, strict=True):
            if head.sequence != number:
                raise ValueError(f"event {head.sequence} stands where event {number} should")
        rows = [
            (head.stream, head.version, head.name, data) for head, data in zip(heads, events, strict=True)
        ]
        return self._store_rows(rows, held, position)

    def listen(self, listener: Callable[[int, Sequence[bytes]], None]) -> None:
        """From now on, tell `listener` what was stored here: the number of the first event, and their bytes.

        Told after each append, in its thread; must be quick, and never fail.
        """
        self._listeners.append(listener)

    def _ready_to_move(self, position: int) -> Ownership:
        held = self._ownership()
        if self._in_doubt or position < held.position:
            doubt = "; resume first" if self._in_doubt else ""
            raise ValueError(f"{self._owner} cannot move from {held} to {position}{doubt}")
        return held

    def _store_rows(self, rows: Sequence[Row], held: Ownership, position: int) -> range:
        after = held.after(position, len(rows))
        with _own_errors():
            try:
                self._store.events.append(self._owner, rows, held, position)
            except OutcomeUnknown as error:
                self._find_out(after, error)
            else:
                self._held = after
        self._store.grown(len(rows))
        if rows and self._listeners:
            stored = [data for _, _, _, data in rows]
            for listener in self._listeners:
                listener(held.last + 1, stored)
        return range(held.last + 1, after.last + 1)

    def position(self) -> int:
        """Of the last command that was decided; 0 in a new ledger."""
        with _own_errors():
            return self._store.events.max_tracking_id(self._owner) or 0

    def read(
        self, stream: str, after: int = 0, limit: int | None = None, to: int | None = None
    ) -> list[Recorded]:
        """The events of `stream` with versions after `after`, up to and including `to`, at most `limit`."""
        with _own_errors():
            stored = self._store.events.select_events(stream, gt=after, lte=to, limit=limit)
            return [self._mapper.to_domain_event(event) for event in stored]

    def existing(self, streams: Sequence[str]) -> dict[str, Recorded]:
        """The last event of those of `streams` that have any: of many receipts, those that are there."""
        with _own_errors():
            found = self._store.events.select_newest(streams)
            return {stream: codec.decode(state, self._keys) for stream, state in found}

    def notifications(self, after: int, limit: int, to: int | None = None) -> list[tuple[int, bytes]]:
        """All events in the order in which they were stored, as (notification id, encoded event).

        Those with ids after `after`, up to and including `to`, at most `limit`. Ids have no gaps.
        """
        with _own_errors():
            return self._store.events.select_states(after, limit, to)

    def last_notification(self) -> int:
        """The id of the last event; 0 in an empty ledger."""
        with _own_errors():
            return self._store.events.max_notification_id() or 0

    def save_snapshot(self, stream: str, version: int, state: bytes) -> None:
        """Keep `state`: `stream` folded up to `version`. Sealed, if the stream has a person's key."""
        topic = _CLEAR
        with _own_errors():
            key = self._keys.cipher(stream)
            if key is not None:
                topic, state = _SEALED, key.seal(state, _bond(stream, version))
            self._store.snapshots.keep(StoredEvent(stream, version, topic, state))

    def load_snapshot(self, stream: str) -> tuple[int, bytes] | None:
        """Version and state of the newest snapshot of `stream`; None if there is none that still opens."""
        with _own_errors():
            newest = self._store.snapshots.select_events(stream, desc=True, limit=1)
        if not newest:
            return None
        version, state = newest[0].originator_version, newest[0].state
        if newest[0].topic == _CLEAR:
            return version, state
        with _own_errors():
            key = self._keys.cipher(stream)
        try:
            opened = None if key is None else key.open(state, _bond(stream, version))
        except Unsealable:  # it repeats what the events say: they are the ones to be read
            return None
        return None if opened is None else (version, opened)

    def close(self) -> None:
        """Let the store go."""
        self._store.close()

    def _ownership(self) -> Ownership:
        if self._held is None:
            raise ValueError(f"{self._owner} was opened to be read; only who took it may append")
        return self._held

    def _find_out(self, after: Ownership, error: OutcomeUnknown) -> None:
        """Return if the batch was stored, after which the ledger stands at `after`; raise if not."""
        self._in_doubt = True
        try:
            self.resume()
        except LedgerError:  # whatever it is, the next one who resumes will see; this batch may be stored
            raise error from None
        if self._ownership()[1:] != after[1:]:
            raise LedgerUnavailable(str(error)) from error

    def _rows(self, batch: Sequence[Recorded], first: int) -> list[Row]:
        """`batch` as it is stored from number `first` on; every key it needs is durable when this returns."""
        rows = self._mapper.rows(batch, first)
        try:
            self._keys.flush()
        except KeyConflict:  # another owner made one of the keys: theirs is the key
            return self._rows(batch, first)
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
    except (PersistenceError, KeyStoreUnavailable) as error:
        raise LedgerUnavailable(str(error)) from error
