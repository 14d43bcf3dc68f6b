"""The library's own suites, run on our recorders."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    RecorderTestCase,
    TrackingRecorderTestCase,
)

from domain.ledger.connections import LedgerDatastore
from domain.ledger.recorders import LedgerRecorder, SnapshotRecorder


class OnFile(RecorderTestCase):
    """Gives a suite a file of its own and text ids."""

    datastore: LedgerDatastore

    @pytest.fixture(autouse=True)
    def file(self, tmp_path: Path) -> Iterator[None]:
        self.datastore = LedgerDatastore(str(tmp_path / "ledger.db"))
        yield
        self.datastore.close()

    def new_originator_id(self) -> str:
        return uuid4().hex

    def create_recorder(self) -> LedgerRecorder:
        recorder = LedgerRecorder(self.datastore)
        recorder.create_table()
        return recorder


class TestApplicationRecorder(OnFile, ApplicationRecorderTestCase[LedgerRecorder]):
    pass


class TestTrackingRecorder(OnFile, TrackingRecorderTestCase):
    pass


class TestProcessRecorder(OnFile, ProcessRecorderTestCase):
    pass


class TestNotificationIdsDoNotInterleave(OnFile, NonInterleavingNotificationIDsBaseCase):
    pass


class TestSnapshotRecorder(OnFile, AggregateRecorderTestCase):
    def create_recorder(self) -> SnapshotRecorder:  # type: ignore[override]  # a suite of its own
        recorder = SnapshotRecorder(self.datastore, "stored_snapshots")
        recorder.create_table()
        return recorder


del (  # else they would be collected here, without a recorder
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    RecorderTestCase,
    TrackingRecorderTestCase,
    OnFile,
)
