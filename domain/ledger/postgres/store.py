"""One shard's ledger in a PostgreSQL database, opened."""

from typing import Self

from domain.ledger.postgres.connections import LedgerDatastore
from domain.ledger.postgres.recorders import LedgerRecorder, SnapshotRecorder


class PostgresStore:
    """The shard's tables. Others in the same database may be other shards', or something else altogether."""

    def __init__(self, datastore: LedgerDatastore, shard: int) -> None:
        self._datastore = datastore
        self.events = LedgerRecorder(datastore, f"ledger_{shard}")
        self.snapshots = SnapshotRecorder(datastore, f"ledger_{shard}")

    @classmethod
    def open(cls, dsn: str, shard: int) -> Self:
        """The tables of `shard`, created if need be. Raises the library's persistence errors."""
        store = cls(LedgerDatastore(dsn), shard)
        try:
            for recorder in (store.events, store.snapshots):
                recorder.create_table()
        except BaseException:
            store.close()
            raise
        return store

    def grown(self, events: int) -> None:
        """Nothing to do: the server tidies up by itself."""

    def close(self) -> None:
        """Let the connections go; those in use end with their use."""
        self._datastore.close()
