"""One shard's ledger in a SQLite file, opened."""

from pathlib import Path
from typing import Self

from domain.ledger.sqlite.checkpoints import Checkpointer
from domain.ledger.sqlite.connections import LedgerDatastore
from domain.ledger.sqlite.recorders import LedgerRecorder, SnapshotRecorder


class SqliteStore:
    """The file, its recorders, and the thread that tidies up behind them."""

    def __init__(self, datastore: LedgerDatastore) -> None:
        self._datastore = datastore
        self.events = LedgerRecorder(datastore)
        self.snapshots = SnapshotRecorder(datastore, "stored_snapshots")
        for recorder in (self.events, self.snapshots):
            recorder.create_table()
        self._checkpointer = Checkpointer(datastore.pool.create())

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """The file at `path`, created if need be. Raises the library's persistence errors."""
        return cls(LedgerDatastore.open(path))

    def grown(self, events: int) -> None:
        """So many events more were stored."""
        self._checkpointer.stored(events)

    def close(self) -> None:
        """Let the file go, once nobody uses it."""
        self._checkpointer.close()
        self._datastore.close()
