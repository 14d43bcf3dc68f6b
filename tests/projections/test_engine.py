"""What the views' database promises, whichever it is."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from traceback import format_exception

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from projections import catalog, tracking
from projections.engine import connected_alone, open_engine, own_errors, writing
from projections.moments import micros, moment
from projections.writing import Writes
from schemas.events import TextReceived
from schemas.stores import StoreUnavailable
from tests.projections.history import ACME, NOON, History, conversation
from tests.projections.views import Views

NUMBER = "+14155550123"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/views"])
def test_other_databases_are_refused_by_a_sentence(url: str) -> None:
    with pytest.raises(ValueError, match="a SQLite file or PostgreSQL"):
        open_engine(url)


def test_what_was_deleted_cannot_be_read_in_the_file(
    tmp_path: Path, sqlite_views: Views, history: History
) -> None:
    views = sqlite_views
    views.given(
        history.numbered("grace", NUMBER).happened(conversation(NUMBER), TextReceived(sid="1", body="TREE"))
    )
    with writing(views.engine) as connection:
        connection.execute(catalog.THREADS.messages.delete())
    with views.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"TREE" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_rows_that_were_not_committed_are_gone(views: Views) -> None:
    member = catalog.ACCOUNTS.members.insert().values(account="a", member="m", profile_actions=True)

    def give_up() -> None:
        with writing(views.engine) as connection:
            connection.execute(member)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        give_up()
    assert not any(views.rows().values())


def test_a_reader_sees_one_moment_however_long_it_reads(views: Views) -> None:
    members = catalog.ACCOUNTS.members
    with views.engine.connect() as reader:
        assert reader.execute(select(members)).all() == []
        with writing(views.engine) as writer:
            writer.execute(members.insert().values(account="a", member="m", profile_actions=True))
        assert reader.execute(select(members)).all() == []


def test_no_error_repeats_what_a_person_wrote(views: Views) -> None:
    with writing(views.engine) as connection:
        writes = Writes(connection)
        incomplete = {"account": "a", "id": "1", "body": "my secret"}
        writes.insert(catalog.THREADS.messages, ("a", "1"), incomplete)
        with pytest.raises(DatabaseError) as caught:
            writes.flush()
    assert "my secret" not in "".join(format_exception(caught.value))


def test_a_server_that_only_reads_is_away_and_a_mistake_of_ours_is_none(postgresql_views: Views) -> None:
    with connected_alone(postgresql_views.engine) as connection:
        connection.execute("SET default_transaction_read_only = on")
        with pytest.raises(StoreUnavailable, match="ReadOnlySqlTransaction"), own_errors():
            connection.execute("CREATE TABLE never (made integer)")
        with pytest.raises(psycopg.ProgrammingError), own_errors():
            connection.execute("SELECT nonsense")


def test_moments_are_kept_to_the_microsecond() -> None:
    exact = NOON.replace(microsecond=999_999)
    assert moment(micros(exact)) == exact


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_several_processes_may_make_the_tables_at_once(database: str, scheme: str) -> None:
    engines = [open_engine(database.replace("postgresql", scheme, 1)) for _ in range(4)]
    sources = ["shard-0", "shard-1"]
    with ThreadPoolExecutor(len(engines)) as threads:
        list(threads.map(lambda engine: catalog.prepare(engine, sources), engines))
    with engines[0].connect() as connection:
        shown = tracking.shown(connection, [view.key for view in catalog.LIVE])
    assert shown == {"shard-0": 0, "shard-1": 0}
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize(
    "body",
    ["", "NULL", '"', "\\", "{}", ",", '","', 'a"b\\"c', "a\nb\tc\r", "é€😀", "'; --", "%s %%", "\\N"],
)
def test_whatever_a_person_writes_is_read_as_written(views: Views, history: History, body: str) -> None:
    history.numbered("grace", NUMBER, name=body or None)
    history.happened(conversation(NUMBER), *(TextReceived(sid=sid, body=body) for sid in "123"))
    history.happened(conversation(NUMBER), TextReceived(sid="4", body="Plain"))
    views.given(history)
    written = [message.body for message in views.ask.messages(ACME, "grace", NUMBER).items]
    assert written == ["Plain", body, body, body]
    assert views.ask.candidates(ACME).items[0].name == (body or None)


def test_the_file_is_one_that_sqlite_itself_finds_in_order(
    tmp_path: Path, sqlite_views: Views, history: History
) -> None:
    sqlite_views.given(history.numbered("grace", NUMBER))
    with sqlite3.connect(tmp_path / "views.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
