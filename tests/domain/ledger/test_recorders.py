"""The library's own suites, run on our recorders."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from eventsourcing.persistence import StoredEvent
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    RecorderTestCase,
    TrackingRecorderTestCase,
)

from domain.ledger.sqlite.connections import LedgerDatastore
from domain.ledger.mapper import EventMapper
from domain.ledger.sqlite.recorders import LedgerRecorder, SnapshotRecorder
from schemas.keystore import KeyStore
from tests.domain.ledger.given import OPENED, History


class OnFile(RecorderTestCase):
    """Gives a suite a file of its own and text ids."""

    datastore: LedgerDatastore

    @pytest.fixture(autouse=True)
    def file(self, tmp_path: Path) -> Iterator[None]:
        self.datastore = LedgerDatastore.open(tmp_path / "ledger.db")
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


def test_the_newest_events_can_be_asked_for(tmp_path: Path) -> None:
    datastore = LedgerDatastore.open(tmp_path / "ledger.db")
    recorder = LedgerRecorder(datastore)
    recorder.create_table()
    recorder.insert_events([StoredEvent("c1", version, "noted", b"") for version in range(1, 601)])

    def versions(**bounds: int) -> list[int]:
        return [event.originator_version for event in recorder.select_events("c1", desc=True, **bounds)]

    assert versions(limit=3) == [600, 599, 598]
    assert versions(limit=2, lte=300) == [300, 299]
    assert versions(limit=5, gt=598) == versions(gt=598) == [600, 599]
    assert versions(lte=2) == [2, 1]
    datastore.close()


def test_what_is_mapped_comes_back(tmp_path: Path) -> None:
    keys = KeyStore.open(tmp_path / "keys.db", b"m" * 32)
    keys.ensure(["c1"])
    mapper = EventMapper(keys)
    (opened,) = History().of("c1", OPENED)
    stored = mapper.to_stored_event(opened, 1)
    assert (stored.originator_id, stored.originator_version, stored.topic) == ("c1", 1, OPENED.NAME)
    assert mapper.to_domain_event(stored) == opened
    keys.close()


del (  # else they would be collected here, without a recorder
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    RecorderTestCase,
    TrackingRecorderTestCase,
    OnFile,
)
