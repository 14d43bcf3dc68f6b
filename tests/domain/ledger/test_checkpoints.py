from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest
from structlog.testing import capture_logs

from domain.ledger import Ledger
from domain.ledger.sqlite.checkpoints import EVENTS_BETWEEN_CHECKPOINTS, Checkpointer
from domain.ledger.sqlite.connections import LedgerDatastore
from tests.domain.ledger.given import READ, History
from tests.domain.ledger.places import OnSqlite

PATIENCE_S = 30


@pytest.fixture
def place(on_sqlite: OnSqlite) -> OnSqlite:
    return on_sqlite


@pytest.fixture
def path(place: OnSqlite) -> Path:
    return place.folder / "ledger-0.db"


def until(true: Callable[[], object]) -> None:
    deadline_s = monotonic() + PATIENCE_S
    while not true():
        assert monotonic() < deadline_s, "it never came to pass"
        sleep(0.01)


def test_the_log_is_moved_into_the_file_behind_the_owners_back(
    path: Path, ledger: Ledger, history: History
) -> None:
    before_bytes = path.stat().st_size
    ledger.append(history.of("a1", *[READ] * (EVENTS_BETWEEN_CHECKPOINTS - 1)), 1)
    assert path.stat().st_size == before_bytes
    ledger.append(history.of("a1", READ), 2)
    until(lambda: path.stat().st_size > before_bytes)


def test_under_load_the_log_starts_over(path: Path, ledger: Ledger, history: History) -> None:
    log = path.with_name("ledger-0.db-wal")
    for position in range(10):
        moved_bytes = path.stat().st_size
        ledger.append(history.of("a1", *[READ] * EVENTS_BETWEEN_CHECKPOINTS), position)
        until(lambda moved_bytes=moved_bytes: path.stat().st_size > moved_bytes)  # type: ignore[misc]
    assert log.stat().st_size < path.stat().st_size / 4


def test_a_checkpoint_that_fails_is_logged_and_the_next_one_tried(path: Path) -> None:
    datastore = LedgerDatastore.open(path)
    connection = datastore.pool.create()
    checkpointer = Checkpointer(connection)
    connection.close()
    with capture_logs() as logs:
        for failures in (1, 2):
            checkpointer.stored(EVENTS_BETWEEN_CHECKPOINTS)
            until(lambda failures=failures: len(logs) == failures)  # type: ignore[misc]
    assert {entry["event"] for entry in logs} == {"checkpoint_failed"}
    checkpointer.close()
    datastore.close()
