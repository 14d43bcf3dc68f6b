"""Closing a ledger that others still use."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from eventsourcing.persistence import OperationalError, StoredEvent

from domain.ledger.sqlite.connections import LedgerDatastore
from domain.ledger.sqlite.recorders import LedgerRecorder

READERS = 4


def test_whoever_reads_finishes_before_it_closes_and_nobody_begins_after(tmp_path: Path) -> None:
    datastore = LedgerDatastore.open(tmp_path / "ledger.db")
    recorder = LedgerRecorder(datastore)
    recorder.create_table()
    recorder.insert_events([StoredEvent("c1", version, "noted", b"x" * 100) for version in range(1, 501)])
    reading = Event()

    def read_on() -> int:
        times = 0
        while True:
            try:
                assert len(recorder.select_events("c1")) == 500
            except OperationalError:
                return times
            times += 1
            reading.set()

    with ThreadPoolExecutor(READERS) as readers:
        reads = [readers.submit(read_on) for _ in range(READERS)]
        reading.wait()
        datastore.close()
        assert sum(read.result() for read in reads) > 0

    with pytest.raises(OperationalError, match="closed"):
        recorder.insert_events([StoredEvent("c1", 501, "noted", b"")])
