"""The projector keeps up with a ledger, survives what can be survived, and stops loudly at what cannot."""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import sleep
from typing import ClassVar

import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import Engine
from structlog.testing import capture_logs
from structlog.typing import EventDict

from consumers.projector import Projected, Projector
from deploy.local.postgres import Postgres
from domain.ledger import Ledger, LedgerUnavailable
from projections import catalog
from projections.changes import Change, ChangeFeed
from projections.engine import connected_alone, open_engine
from projections.queries import Queries
from projections.rebuilding import rebuild
from projections.source import Unfoldable
from projections.view import View
from schemas.events import CommandAccepted, TextReceived
from schemas.keystore import KeyStore
from tests.projections.history import ACME, History, Log, conversation
from tests.projections.views import SOURCE, Rows, Server, Views, all_in_use, rows

NUMBER = "+14155550123"
STREAM = conversation(NUMBER)
SOON_S = 60.0
END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Views in a database of either kind."""
    engine: Engine = request.getfixturevalue(f"{request.param}_engine")
    return engine


@pytest.fixture
def sqlite_engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'views.db'}", lock_timeout_s=0.05)
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql_engine(views_server: Server) -> Iterator[Engine]:
    with views_server.engine() as engine:
        yield engine


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[KeyStore]:
    keys = KeyStore.open(tmp_path / "keys.db", b"m" * 32)
    yield keys
    keys.close()


@pytest.fixture
def ledger(tmp_path: Path, keys: KeyStore) -> Iterator[Ledger]:
    ledger = Ledger.open(tmp_path / "ledger.db", 0, keys)
    ledger.take()
    yield ledger
    ledger.close()


@pytest.fixture
def history() -> History:
    return replies(History().numbered("grace", NUMBER), 5)


def replies(history: History, number: int) -> History:
    for _ in range(number):
        sid = f"SM{len(history.entries)}"
        history.happened(STREAM, TextReceived(sid=sid, body="Hello"))
    return history


def until(position: int, projector: Projector) -> None:
    assert projector.wait_for(position, SOON_S), f"stands at {projector.position}: {projector.failure}"


def expected(history: History, tmp_path: Path) -> Rows:
    (tmp_path / "expected").mkdir()
    views = Views.in_folder(tmp_path / "expected").given(history)
    try:
        return views.rows()
    finally:
        views.close()


# --- keeping up -------------------------------------------------------------------------------------


def test_what_a_ledger_holds_and_gets_is_shown_within_moments(
    engine: Engine, ledger: Ledger, keys: KeyStore, history: History
) -> None:
    ledger.append(history.recorded, 1)
    projector = Projector(ledger, engine, keys)
    projector.start()
    until(7, projector)
    ledger.append(replies(history, 1).recorded[-1:], 2)
    projector.wake()
    until(8, projector)
    assert Queries(engine).messages(ACME, "grace", NUMBER).items[0].id == "SM7"
    assert (projector.lag(), projector.running, projector.failure) == ((0, 0.0), True, None)
    projector.stop()
    assert not projector.running


def test_it_notices_what_nobody_told_it_of(engine: Engine, history: History) -> None:
    projector = Projector(history.log, engine, history.keys)
    projector.start()
    until(7, projector)
    replies(history, 1)
    until(8, projector)
    projector.stop()


def test_it_goes_on_where_it_was(engine: Engine, history: History, tmp_path: Path) -> None:
    Projector(history.log, engine, history.keys).catch_up()
    replies(history, 3)
    projector = Projector(history.log, engine, history.keys)
    assert (projector.position, projector.lag().events) == (7, 3)
    projector.catch_up()
    assert rows(engine) == expected(history, tmp_path)


def test_a_batch_is_no_larger_than_it_may_be_and_each_is_reported(engine: Engine, history: History) -> None:
    reported: list[Projected] = []
    projector = Projector(history.log, engine, history.keys, batch_max=3, on_batch=reported.append)
    projector.catch_up()
    assert [(batch.events, batch.position) for batch in reported] == [(3, 3), (3, 6), (1, 7)]
    assert all(batch.seconds > 0 for batch in reported)


def test_waiting_for_what_never_comes_ends(engine: Engine, history: History) -> None:
    projector = Projector(history.log, engine, history.keys)
    assert not projector.wait_for(1, timeout_s=0.01)


def test_two_projectors_of_the_same_views_do_no_harm(
    engine: Engine, tmp_path: Path, history: History
) -> None:
    replies(history, 60)
    engines = [open_engine(engine.url.render_as_string(hide_password=False)) for _ in range(2)]
    projectors = [Projector(history.log, engine, history.keys, batch_max=2) for engine in engines]
    threads = [Thread(target=projector.catch_up) for projector in projectors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(engines[0]) == expected(history, tmp_path)
    for one in engines:
        one.dispose()


# --- telling live readers ---------------------------------------------------------------------------


def test_readers_hear_of_a_change_once_the_views_show_it(engine: Engine, history: History) -> None:
    async def story() -> None:
        projector = Projector(history.log, engine, history.keys)
        projector.catch_up()
        async with projector.feed.subscribe(ACME) as reader:
            replies(history, 1)
            projector.catch_up()
            assert await asyncio.wait_for(reader.next(), SOON_S) == (Change(8, ACME, "message", STREAM),)
            assert Queries(engine).position() == 8

    asyncio.run(story())


def test_a_reader_hears_every_step_of_catching_up_but_nothing_is_kept_for_nobody(
    engine: Engine, history: History
) -> None:
    async def story() -> None:
        feed = ChangeFeed()
        projector = Projector(history.log, engine, history.keys, feed=feed, batch_max=2)
        async with feed.subscribe(ACME) as reader:
            projector.catch_up()
            assert [change.id for change in await reader.next()] == [1, 2, 4, 6, 7]
        replies(history, 4)
        projector.catch_up()
        async with feed.subscribe(ACME, after=9) as reader:
            assert len(await reader.next()) == 1

    asyncio.run(story())


# --- what can be survived ---------------------------------------------------------------------------


class Flaky(Log):
    """A ledger that cannot be read the first three times."""

    failures: ClassVar[int] = 0

    def notifications(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        if Flaky.failures > 0:
            Flaky.failures -= 1
            raise LedgerUnavailable("the disk is away")
        return super().notifications(after, limit)


def test_a_ledger_that_cannot_be_read_is_tried_again(engine: Engine, history: History) -> None:
    Flaky.failures = 3
    projector = Projector(Flaky(history.entries), engine, history.keys)
    with capture_logs() as logs:
        projector.start()
        until(7, projector)
    projector.stop()
    assert [entry["event"] for entry in logs] == ["projector_waits"] * 3
    assert [entry["retry_in_s"] for entry in logs] == [0.1, 0.2, 0.4]


def test_a_locked_database_is_tried_again(sqlite_engine: Engine, history: History, tmp_path: Path) -> None:
    projector = Projector(history.log, sqlite_engine, history.keys)
    other = sqlite3.connect(tmp_path / "views.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    projector.start()
    sleep(0.3)
    assert (projector.position, projector.failure) == (0, None)
    other.rollback()
    other.close()
    until(7, projector)
    projector.stop()


def test_a_server_that_went_away_is_tried_again_and_nothing_is_lost_or_doubled(
    history: History, tmp_path: Path
) -> None:
    with Postgres(tmp_path) as postgres:
        engine = open_engine(postgres.dsn())
        projector = Projector(history.log, engine, history.keys)
        projector.start()
        until(7, projector)
        postgres.crash()
        replies(history, 20)
        with capture_logs() as logs:
            projector.wake()
            while not logs:
                sleep(0.01)
        assert {entry["event"] for entry in logs} == {"projector_waits"}
        postgres.start()
        until(27, projector)
        projector.stop()
        assert rows(engine) == expected(history, tmp_path)
        engine.dispose()


def test_a_pool_without_a_free_connection_is_tried_again(engine: Engine, history: History) -> None:
    projector = Projector(history.log, engine, history.keys)
    with all_in_use(engine), capture_logs() as logs:
        projector.start()
        waits(projector, logs)
    until(7, projector)
    projector.stop()
    assert projector.failure is None


def test_a_server_that_only_reads_is_tried_again(postgresql_engine: Engine, history: History) -> None:
    projector = Projector(history.log, postgresql_engine, history.keys)
    with read_only(postgresql_engine), capture_logs() as logs:
        projector.start()
        waits(projector, logs)
    until(7, projector)
    projector.stop()
    assert projector.failure is None


def waits(projector: Projector, logs: list[EventDict]) -> None:
    """Return when the projector waited twice for what is away."""
    while len(logs) < 2 and projector.running:
        sleep(0.01)
    assert [entry["event"] for entry in logs[:2]] == ["projector_waits"] * 2


@contextmanager
def read_only(engine: Engine) -> Iterator[None]:
    """The engine's database takes nothing, as after another server took over."""
    _reconnected(engine, "on")
    try:
        yield
    finally:
        _reconnected(engine, "off")


def _reconnected(engine: Engine, read_only: str) -> None:
    with connected_alone(engine) as connection:
        connection.execute("SET default_transaction_read_only = off")
        database = Identifier(connection.info.dbname)
        setting = SQL("ALTER DATABASE {} SET default_transaction_read_only = " + read_only)
        connection.execute(setting.format(database))
        connection.execute(END_SESSIONS)


def test_a_projector_whose_session_was_ended_goes_on(postgresql_engine: Engine, history: History) -> None:
    projector = Projector(history.log, postgresql_engine, history.keys)
    projector.start()
    until(7, projector)
    for _ in range(3):
        with connected_alone(postgresql_engine) as connection:
            connection.execute(END_SESSIONS)
        replies(history, 5)
        projector.wake()
        until(len(history.entries), projector)
    projector.stop()
    assert projector.failure is None


# --- what cannot ------------------------------------------------------------------------------------


def test_an_unreadable_event_stops_it_by_name_after_all_that_came_before(
    engine: Engine, history: History
) -> None:
    history.entries[4] = (5, b"{}")
    projector = Projector(history.log, engine, history.keys)
    with capture_logs() as logs:
        projector.start()
        until(4, projector)
        while projector.running:
            sleep(0.01)
    assert isinstance(projector.failure, Unfoldable)
    assert projector.failure.position == 5
    assert "position 5" in str(projector.failure)
    assert (projector.running, projector.position, Queries(engine).position()) == (False, 4, 4)
    assert [(entry["log_level"], entry["event"]) for entry in logs] == [("critical", "projector_stopped")]


def test_an_event_that_cannot_be_folded_stops_it_by_name_after_all_that_came_before(
    engine: Engine, history: History
) -> None:
    receipt = CommandAccepted(command_type="t", fingerprint="f")
    same = history.recorded[0].context.command_id
    history.happened("receipt-1", receipt, command=same).happened("receipt-2", receipt, command=same)
    replies(history, 2)
    projector = Projector(history.log, engine, history.keys)
    with pytest.raises(Unfoldable, match=r"position 9 .*command-accepted\.v1, IntegrityError"):
        projector.catch_up()
    assert Queries(engine).position() == 8


# --- rebuilding -------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", catalog.LIVE, ids=lambda view: view.NAME)
def test_a_view_is_rebuilt_while_events_keep_coming(
    engine: Engine, history: History, tmp_path: Path, view: View
) -> None:
    replies(history, 30)
    projector = Projector(history.log, engine, history.keys, batch_max=4)
    projector.start()
    until(37, projector)

    def more(_: int, __: int) -> None:
        if len(history.entries) < 60:
            replies(history, 2)
            projector.wake()

    rebuild(engine, view, {"shard-0": history.log}, history.keys, more)
    replies(history, 5)
    projector.wake()
    until(len(history.entries), projector)
    projector.stop()
    assert rows(engine) == expected(history, tmp_path)


def test_views_follow_one_source_by_name(engine: Engine, history: History) -> None:
    Projector(history.log, engine, history.keys, source_name=SOURCE).catch_up()
    assert Projector(history.log, engine, history.keys).position == 7
    assert Projector(history.log, engine, history.keys, source_name="shard-1").position == 0
