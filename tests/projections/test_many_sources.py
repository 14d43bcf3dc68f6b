"""Views that show several shards: rebuilt from all of them at once, and equal to a replay of all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import Engine, text

from consumers.projector import Projector
from projections import catalog
from projections.comparing import SourceEnded, differences
from projections.engine import open_engine, writing
from projections.folding import advance
from projections.rebuilding import SourcesMissing, rebuild
from projections.source import EventSource, read_batch
from projections.tracking import PositionMoved, source_of
from schemas.events import TextReceived
from tests.projections.history import History, Log, conversation
from tests.projections.views import Views

SHARDS = range(3)
NUMBER = "+14155550123"
SOON_S = 60.0


def replies(history: History, number: int) -> History:
    for _ in range(number):
        sid = f"SM{len(history.entries)}"
        history.happened(stream_of(history), TextReceived(sid=sid, body="Hello"))
    return history


def stream_of(history: History) -> str:
    return f"{conversation(NUMBER)}-{history.account}"


@pytest.fixture
def shards() -> list[History]:
    """Of three lengths."""
    return [replies(History(f"account-{shard}", shard), 4 + 3 * shard) for shard in SHARDS]


@pytest.fixture
def shown_views(views: Views, shards: list[History]) -> Views:
    catalog.prepare(views.engine, [source_of(shard) for shard in SHARDS])
    for shard in shards:
        views.given(shard, source=source_of(shard.shard))
    return views


def logs(shards: list[History]) -> Mapping[str, EventSource]:
    return {source_of(shard.shard): shard.log for shard in shards}


def spoil(views: Views) -> None:
    with writing(views.engine) as connection:
        connection.execute(text("UPDATE threads_v5_messages SET body = 'spoilt'"))


def quietly(_: int, __: int) -> None:
    """Report to nobody."""


def build(views: Views, shards: list[History], progress=quietly, sources=None) -> None:  # type: ignore[no-untyped-def]
    rebuild(views.engine, catalog.THREADS, sources or logs(shards), shards[0].keys, progress, 3)


def test_a_view_is_rebuilt_from_all_its_sources(shown_views: Views, shards: list[History]) -> None:
    rows = shown_views.rows()
    spoil(shown_views)
    told: list[tuple[int, int]] = []
    build(shown_views, shards, lambda *at: told.append(at))
    assert shown_views.rows() == rows
    assert told[0] == (0, 21)
    assert told[-1] == (21, 21)
    assert told == sorted(told)
    for shard in shards:
        assert shown_views.ask.position(shard.shard) == len(shard.entries)


def test_each_shard_goes_on_after_a_rebuild(shown_views: Views, shards: list[History]) -> None:
    build(shown_views, shards)
    for shard in shards:
        shown_views.given(replies(shard, 2), source=source_of(shard.shard))
    rows = shown_views.rows()
    assert len(rows["threads_v5_messages"]) == 27
    spoil(shown_views)
    build(shown_views, shards)
    assert shown_views.rows() == rows


def test_a_rebuild_that_forgets_a_source_is_refused(shown_views: Views, shards: list[History]) -> None:
    rows = shown_views.rows()
    with pytest.raises(SourcesMissing, match="threads also shows shard-2"):
        build(shown_views, shards[:2])
    with pytest.raises(SourcesMissing, match="shard-1, shard-2"):
        build(shown_views, shards[:1])
    assert shown_views.rows() == rows


def test_an_interrupted_rebuild_goes_on_in_every_source(shown_views: Views, shards: list[History]) -> None:
    rows = shown_views.rows()

    def stop_at_nine(at: int, _: int) -> None:
        if at == 9:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        build(shown_views, shards, stop_at_nine)
    told: list[int] = []
    build(shown_views, shards, lambda at, _: told.append(at))
    assert told[0] == 9
    assert shown_views.rows() == rows


class Hesitant(Log):
    """A log whose events sometimes are not there yet, as those of a topic."""

    asked = 0

    def notifications(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        Hesitant.asked += 1
        return [] if Hesitant.asked % 2 else [*super().notifications(after, limit)]


def test_a_source_that_has_nothing_yet_is_asked_again(shown_views: Views, shards: list[History]) -> None:
    rows = shown_views.rows()
    spoil(shown_views)
    slow = {name: Hesitant(log.entries) for name, log in logs(shards).items() if isinstance(log, Log)}
    build(shown_views, shards, sources=slow)
    assert shown_views.rows() == rows


def test_projectors_of_other_processes_go_on_through_a_rebuild(postgresql_views: Views) -> None:
    """Each has connections of its own, and none is told of what the others do."""
    views = postgresql_views
    histories = [History(f"account-{shard}", shard) for shard in SHARDS]
    running = [_other_process(views.engine, history) for history in histories]
    for projector in running:
        projector.start()
    for history in histories:
        replies(history, 100)

    def more(_: int, __: int) -> None:
        for history, projector in zip(histories, running, strict=True):
            replies(history, 5)
            projector.wake()

    for view in (catalog.THREADS, catalog.OPEN_TEXTS, catalog.THREADS):
        rebuild(views.engine, view, logs(histories), histories[0].keys, more, 20)
    for history, projector in zip(histories, running, strict=True):
        replies(history, 5)
        projector.wake()
        assert projector.wait_for(len(history.entries), SOON_S), projector.failure
        projector.stop()
        projector._engine.dispose()
    written = [row[:2] for row in views.rows()["threads_v5_messages"]]
    expected = [(history.account, f"SM{n}") for history in histories for n in range(len(history.entries))]
    assert sorted(written) == sorted(expected)


def _other_process(engine: Engine, history: History) -> Projector:
    theirs = open_engine(engine.url.render_as_string(hide_password=False))
    return Projector(history.log, theirs, history.keys, source_name=source_of(history.shard), batch_max=7)


def test_a_projector_that_was_about_to_write_waits_and_writes_into_the_new_copy(
    postgresql_views: Views, shards: list[History]
) -> None:
    views, history = postgresql_views, shards[0]
    views.given(history)
    spoil(views)
    batch = read_batch(replies(history, 1).log, history.keys, len(history.entries) - 1, 10)
    begun, waited = Event(), Event()

    def write() -> None:
        begun.wait(SOON_S)
        with writing(views.engine) as connection:
            advance(connection, catalog.LIVE, source_of(0), batch)
        waited.set()

    class Holding(Log):
        """Lets the projector come while the view is held still for the last events."""

        def notifications(self, after: int, limit: int) -> list[tuple[int, bytes]]:
            begun.set()
            assert not waited.wait(0.2)
            return [*super().notifications(after, limit)]

    thread = Thread(target=write)
    thread.start()
    keys = history.keys
    rebuild(views.engine, catalog.THREADS, {source_of(0): Holding(history.entries)}, keys, quietly, 100)
    thread.join()
    rows = views.rows()["threads_v5_messages"]
    assert waited.is_set()
    assert len(rows) == len(history.entries)
    assert "spoilt" not in repr(rows)


def test_a_copy_that_took_over_meanwhile_is_noticed(shown_views: Views, shards: list[History]) -> None:
    rows, once = shown_views.rows(), list[bool]()

    def rival(_: int, __: int) -> None:
        if not once:
            once.append(True)
            build(shown_views, shards)

    with pytest.raises(PositionMoved):
        build(shown_views, shards, rival)
    assert shown_views.rows() == rows


def test_a_reader_who_takes_long_is_not_cut_off_by_a_take_over(
    postgresql_views: Views, shards: list[History]
) -> None:
    views, (history, *_) = postgresql_views, shards
    views.given(history)
    done = Event()
    with views.engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM threads_v5_messages"))

        def build_it() -> None:
            build(views, [history])
            done.set()

        thread = Thread(target=build_it)
        thread.start()
        assert not done.wait(1.5)  # longer than it takes PostgreSQL to see a deadlock
        assert views.given(replies(history, 1)).position() == len(history.entries)
        assert reader.scalar(text("SELECT count(*) FROM threads_v5_conversations")) == 0
    thread.join()
    assert done.is_set()
    assert len(views.rows()["threads_v5_messages"]) == len(history.entries)


# --- a replay ---------------------------------------------------------------------------------------


@contextmanager
def empty(folder: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{folder / 'fresh.db'}")
    yield engine
    engine.dispose()


def test_views_equal_a_replay_of_all_sources_until_a_row_differs(
    shown_views: Views, shards: list[History], tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    with empty(tmp_path) as fresh, shown_views.engine.connect() as served:
        different = differences(served, fresh, logs(shards), shards[0].keys, lambda *at: told.append(at))
    assert (different, told[-1]) == ([], (21, 21))
    (tmp_path / "fresh.db").unlink()
    spoil(shown_views)
    with empty(tmp_path) as fresh, shown_views.engine.connect() as served:
        different = differences(served, fresh, logs(shards), shards[0].keys, quietly)
    assert different == ["threads_v5_messages"]


def test_views_are_compared_where_each_of_them_stands(
    shown_views: Views, shards: list[History], tmp_path: Path
) -> None:
    batch = read_batch(replies(shards[1], 3).log, shards[1].keys, len(shards[1].entries) - 3, 10)
    with writing(shown_views.engine) as connection:
        advance(connection, [catalog.THREADS], source_of(1), batch)
    replies(shards[0], 5)
    with empty(tmp_path) as fresh, shown_views.engine.connect() as served:
        assert differences(served, fresh, logs(shards), shards[0].keys, quietly) == []


def test_a_log_that_lost_what_the_views_show_is_no_equal(
    shown_views: Views, shards: list[History], tmp_path: Path
) -> None:
    del shards[2].entries[5:]
    with (
        empty(tmp_path) as fresh,
        shown_views.engine.connect() as served,
        pytest.raises(SourceEnded, match="shard-2 ends at 5; its views stand at 10"),
    ):
        differences(served, fresh, logs(shards), shards[0].keys, quietly)
