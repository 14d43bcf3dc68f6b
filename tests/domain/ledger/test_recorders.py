"""The library's own suites, run on our recorders."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    RecorderTestCase,
    TrackingRecorderTestCase,
)

from domain.ledger.errors import PositionConflict
from domain.ledger.mapper import EventMapper
from domain.ledger.postgres import connections as postgres
from domain.ledger.postgres import recorders as on_postgres
from domain.ledger.sqlite import connections as sqlite
from domain.ledger.sqlite import recorders as on_sqlite
from schemas.keystore import KeyStore
from tests.domain.ledger.given import OPENED, History

Recorder = on_sqlite.LedgerRecorder | on_postgres.LedgerRecorder


class OnSqlite(RecorderTestCase):
    """Gives a suite a file of its own and text ids."""

    datastore: sqlite.LedgerDatastore

    @pytest.fixture(autouse=True)
    def file(self, tmp_path: Path) -> Iterator[None]:
        self.datastore = sqlite.LedgerDatastore.open(tmp_path / "ledger.db")
        yield
        self.datastore.close()

    def new_originator_id(self) -> str:
        return uuid4().hex

    def create_recorder(self) -> on_sqlite.LedgerRecorder:
        recorder = on_sqlite.LedgerRecorder(self.datastore)
        recorder.create_table()
        return recorder

    def create_snapshots(self) -> on_sqlite.SnapshotRecorder:
        recorder = on_sqlite.SnapshotRecorder(self.datastore, "stored_snapshots")
        recorder.create_table()
        return recorder


class OnPostgres(RecorderTestCase):
    """Gives a suite a database of its own and text ids."""

    datastore: postgres.LedgerDatastore

    @pytest.fixture(autouse=True)
    def tables(self, database: str) -> Iterator[None]:
        self.datastore = postgres.LedgerDatastore(database)
        yield
        self.datastore.close()

    def new_originator_id(self) -> str:
        return uuid4().hex

    def create_recorder(self) -> on_postgres.LedgerRecorder:
        recorder = on_postgres.LedgerRecorder(self.datastore, "ledger_0")
        recorder.create_table()
        return recorder

    def create_snapshots(self) -> on_postgres.SnapshotRecorder:
        recorder = on_postgres.SnapshotRecorder(self.datastore, "ledger_0")
        recorder.create_table()
        return recorder


class TestApplicationRecorderOnSqlite(OnSqlite, ApplicationRecorderTestCase[on_sqlite.LedgerRecorder]):
    pass


class TestApplicationRecorderOnPostgres(OnPostgres, ApplicationRecorderTestCase[on_postgres.LedgerRecorder]):
    pass


class TestTrackingRecorderOnSqlite(OnSqlite, TrackingRecorderTestCase):
    pass


class TestTrackingRecorderOnPostgres(OnPostgres, TrackingRecorderTestCase):
    pass


class TestProcessRecorderOnSqlite(OnSqlite, ProcessRecorderTestCase):
    pass


class TestProcessRecorderOnPostgres(OnPostgres, ProcessRecorderTestCase):
    pass


class TestNotificationIdsDoNotInterleaveOnSqlite(OnSqlite, NonInterleavingNotificationIDsBaseCase):
    pass


class TestNotificationIdsDoNotInterleaveOnPostgres(OnPostgres, NonInterleavingNotificationIDsBaseCase):
    pass


class TestSnapshotRecorderOnSqlite(OnSqlite, AggregateRecorderTestCase):
    def create_recorder(self) -> on_sqlite.SnapshotRecorder:  # type: ignore[override]  # a suite of its own
        return self.create_snapshots()


class TestSnapshotRecorderOnPostgres(OnPostgres, AggregateRecorderTestCase):
    def create_recorder(self) -> on_postgres.SnapshotRecorder:  # type: ignore[override]  # as above
        return self.create_snapshots()


@pytest.fixture
def sqlite_recorder(tmp_path: Path) -> Iterator[on_sqlite.LedgerRecorder]:
    datastore = sqlite.LedgerDatastore.open(tmp_path / "ledger.db")
    yield on_sqlite.LedgerRecorder(datastore)
    datastore.close()


@pytest.fixture
def postgres_recorder(database: str) -> Iterator[on_postgres.LedgerRecorder]:
    datastore = postgres.LedgerDatastore(database)
    yield on_postgres.LedgerRecorder(datastore, "ledger_0")
    datastore.close()


@pytest.mark.parametrize("kind", ["sqlite_recorder", "postgres_recorder"])
def test_the_newest_events_can_be_asked_for(kind: str, request: pytest.FixtureRequest) -> None:
    recorder: Recorder = request.getfixturevalue(kind)
    recorder.create_table()
    recorder.insert_events([StoredEvent("c1", version, "noted", b"") for version in range(1, 601)])

    def versions(**bounds: int) -> list[int]:
        return [event.originator_version for event in recorder.select_events("c1", desc=True, **bounds)]

    assert versions(limit=3) == [600, 599, 598]
    assert versions(limit=2, lte=300) == [300, 299]
    assert versions(limit=5, gt=598) == versions(gt=598) == [600, 599]
    assert versions(lte=2) == [2, 1]


@pytest.mark.parametrize("kind", ["sqlite_recorder", "postgres_recorder"])
def test_the_librarys_way_in_leaves_no_gaps_either(kind: str, request: pytest.FixtureRequest) -> None:
    recorder: Recorder = request.getfixturevalue(kind)
    recorder.create_table()
    with pytest.raises(IntegrityError):
        recorder.insert_events([StoredEvent("c1", 2, "noted", b"")])
    with pytest.raises(IntegrityError):
        recorder.insert_events([StoredEvent("c1", version, "noted", b"") for version in (1, 3)])
    assert recorder.max_notification_id() is None


@pytest.mark.parametrize("kind", ["sqlite_recorder", "postgres_recorder"])
def test_an_owner_can_take_its_ledger_again_and_nobody_elses(
    kind: str, request: pytest.FixtureRequest
) -> None:
    recorder: Recorder = request.getfixturevalue(kind)
    recorder.create_table()
    first = recorder.take("shard-0")
    second = recorder.retake("shard-0", first)
    assert (first, second) == ((1, 0, 0), (2, 0, 0))
    with pytest.raises(PositionConflict):
        recorder.append("shard-0", [("c1", 1, "noted", b"")], first, 1)
    recorder.append("shard-0", [("c1", 1, "noted", b"")], second, 1)
    assert recorder.take("shard-0") == (3, 1, 1)
    with pytest.raises(PositionConflict):
        recorder.retake("shard-0", second)


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
    OnPostgres,
    OnSqlite,
)
