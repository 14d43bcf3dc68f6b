"""Readiness knows within moments that the views' database is gone, whatever became of it."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest

from deploy.local.postgres import Postgres
from projections import catalog
from projections.engine import open_engine
from projections.tracking import source_of
from projections.watching import DatabaseWatch
from tests.support.servers import frozen

SOON_S = 20.0
SILENT_S_MAX = 2.5


def until(true: Callable[[], bool]) -> None:
    deadline_s = monotonic() + SOON_S
    while not true():
        assert monotonic() < deadline_s
        sleep(0.05)


def test_a_server_that_freezes_or_restarts_is_noticed_and_so_is_its_coming_back(tmp_path: Path) -> None:
    with Postgres(tmp_path) as postgres:
        engine = open_engine(postgres.dsn())
        catalog.prepare(engine, [source_of(0)])
        watch = DatabaseWatch(engine, SILENT_S_MAX)
        watch.start()
        with frozen(postgres):
            until(lambda: watch.wrong() is not None)
            assert str(watch.wrong()).startswith("The views' database has not answered for ")
        until(lambda: watch.wrong() is None)
        postgres.crash()
        until(lambda: watch.wrong() is not None)
        postgres.start()
        until(lambda: watch.wrong() is None)
        with frozen(postgres):
            until(lambda: watch.wrong() is not None)
            watch.stop()  # and does not wait for the server
        engine.dispose()


@pytest.mark.parametrize("left", [None, b"no database " * 1_000], ids=["removed", "broken"])
def test_a_file_that_is_removed_or_broken_is_noticed(tmp_path: Path, left: bytes | None) -> None:
    folder = tmp_path / "with space, 100% & #1"
    folder.mkdir()
    engine = open_engine(f"sqlite:///{folder}/views.db")
    catalog.prepare(engine, [source_of(0)])
    watch = DatabaseWatch(engine, SILENT_S_MAX)
    watch.start()
    sleep(SILENT_S_MAX + 1)
    assert (watch.answering, watch.wrong()) == (True, None)
    with engine.connect():  # whoever has it open reads on
        for file in folder.iterdir():
            file.unlink()
        if left is not None:
            (folder / "views.db").write_bytes(left)
        until(lambda: watch.wrong() is not None)
    watch.stop()
    engine.dispose()
