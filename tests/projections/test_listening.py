"""What a projector shows in one process, live readers of another hear; and they know what they missed."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from consumers.projector import Projector
from deploy.local.postgres import Postgres
from projections import catalog
from projections.changes import Change, Reload
from projections.engine import open_engine, writing
from projections.feeds import ChangeFeeds
from projections.listening import ChangeListener
from projections.notifying import CHANNEL, PAYLOAD_BYTES_MAX, PAYLOADS_MAX, News, notify, read, write
from projections.source import Batch, read_batch
from projections.tracking import source_of
from schemas.events import TextReceived
from tests.projections.history import ACME, History, conversation
from tests.projections.views import Views, all_in_use

NUMBER = "+14155550123"
STREAM = conversation(NUMBER)
SOON_S = 60.0
SHARDS = 3
WHERE = {ACME: 0, "beta": 2}


class Heard:
    """A listener with its feeds, and what it was called back with."""

    def __init__(self, engine: Engine, kept_max: int = 1_000) -> None:
        self.feeds = ChangeFeeds(SHARDS, lambda account: WHERE[account], kept_max)
        self.positions: list[tuple[int, int]] = []
        self.listener = ChangeListener(engine, self.feeds, [lambda *place: self.positions.append(place)])

    def until(self, shard: int, position: int) -> None:
        until(lambda: (shard, position) in self.positions)


@contextmanager
def listening(engine: Engine) -> Iterator[Heard]:
    heard = Heard(engine)
    heard.listener.start()
    assert heard.listener.wait_until_listening(SOON_S)
    try:
        yield heard
    finally:
        heard.listener.stop()


@pytest.fixture
def engine(postgresql_views: Views) -> Engine:
    return postgresql_views.engine


def until(true: Callable[[], bool]) -> None:
    deadline_s = monotonic() + SOON_S
    while not true():
        assert monotonic() < deadline_s
        sleep(0.01)


def run(story: Coroutine[None, None, None]) -> None:
    asyncio.run(story)


async def soon(reader: Coroutine[None, None, tuple[Change | Reload, ...]]) -> tuple[Change | Reload, ...]:
    return await asyncio.wait_for(reader, SOON_S)


def replies(history: History, number: int, stream: str = STREAM) -> History:
    for _ in range(number):
        history.happened(stream, TextReceived(sid=f"SM{len(history.entries)}", body="Hello"))
    return history


def project(engine: Engine, history: History, shard: int = 0, batch_max: int = 1_000) -> None:
    source = source_of(shard)
    Projector(history.log, engine, history.keys, source_name=source, batch_max=batch_max).catch_up()


def test_a_reader_hears_what_another_process_projected_of_its_accounts_shard(engine: Engine) -> None:
    async def story() -> None:
        with listening(engine) as heard:
            async with heard.feeds.subscribe(ACME) as ours, heard.feeds.subscribe("beta") as theirs:
                await asyncio.to_thread(project, engine, replies(History(), 2))
                beta = History("beta", shard=2)
                await asyncio.to_thread(project, engine, replies(beta, 1, "conversation-b"), 2)
                assert await soon(ours.next()) == (Change(2, ACME, "message", STREAM),)
                assert await soon(theirs.next()) == (Change(1, "beta", "message", "conversation-b"),)
            assert heard.positions == [(0, 2), (2, 1)]
            assert [heard.feeds[shard].position for shard in range(len(heard.feeds))] == [2, 0, 1]

    run(story())


def test_an_id_that_one_process_gave_out_is_good_in_another(engine: Engine) -> None:
    async def story() -> None:
        history = replies(History(), 3)
        with listening(engine) as one, listening(engine) as other:
            async with one.feeds.subscribe(ACME) as reader:
                await asyncio.to_thread(project, engine, history)
                (seen,) = await soon(reader.next())
            await asyncio.to_thread(project, engine, replies(history, 1))
            other.until(0, 4)
            async with other.feeds.subscribe(ACME, seen.id) as again:
                assert await soon(again.next()) == (Change(4, ACME, "message", STREAM),)

    run(story())


def test_who_begins_to_listen_late_knows_how_far_the_views_are(engine: Engine) -> None:
    async def story() -> None:
        project(engine, replies(History(), 3))
        with listening(engine) as heard:
            assert heard.positions == [(0, 3)]
            async with heard.feeds.subscribe(ACME, after=1) as reader:
                assert await soon(reader.next()) == (Reload(3),)

    run(story())


def test_readers_read_again_what_was_missed_while_the_server_was_away(tmp_path: Path) -> None:
    async def story(engine: Engine, postgres: Postgres) -> None:
        catalog.prepare(engine, [source_of(0)])
        history = replies(History(), 2)
        with listening(engine) as heard, capture_logs() as logs:
            async with heard.feeds.subscribe(ACME) as reader:
                await asyncio.to_thread(project, engine, history)
                assert await soon(reader.next()) == (Change(2, ACME, "message", STREAM),)
                postgres.stop()
                until(lambda: not heard.listener.listening)
                # The listener finds the server again after us: what we show meanwhile, it was not told.
                postgres.start()
                await asyncio.to_thread(project, engine, replies(history, 3))
                until(lambda: heard.listener.listening)
                (news,) = await soon(reader.next())
                assert news in (Reload(5), Change(5, ACME, "message", STREAM))
            assert heard.listener.alive
            assert {entry["event"] for entry in logs} == {"listener_waits"}

    with Postgres(tmp_path) as postgres:
        engine = open_engine(postgres.dsn())
        run(story(engine, postgres))
        engine.dispose()


def test_a_listener_that_gets_no_connection_tries_again(engine: Engine) -> None:
    heard = Heard(engine)
    with all_in_use(engine), capture_logs() as logs:
        heard.listener.start()
        until(lambda: len(logs) > 1)
        assert heard.listener.alive
    assert heard.listener.wait_until_listening(SOON_S)
    heard.listener.stop()
    assert {entry["event"] for entry in logs} == {"listener_waits"}


def test_a_gap_in_what_is_told_makes_readers_read_again(engine: Engine) -> None:
    async def story() -> None:
        with listening(engine) as heard:
            async with heard.feeds.subscribe(ACME) as reader:
                tell(engine, News(0, 5, 9, [Change(7, ACME, "credits", None)]))
                assert await soon(reader.next()) == (Reload(9),)
                tell(engine, News(0, 9, 12, None))
                assert await soon(reader.next()) == (Reload(12),)
                tell(engine, News(0, 9, 12, [Change(12, ACME, "credits", None)]))  # told before
                tell(engine, News(0, 9, 13, [Change(n, ACME, "credits", None) for n in (12, 13)]))
                assert await soon(reader.next()) == (Change(13, ACME, "credits", None),)

    run(story())


def test_what_is_rolled_back_is_never_told(engine: Engine) -> None:
    history = replies(History(), 1)
    batch = read_batch(history.log, history.keys, 0, 10)

    def give_up() -> None:
        with writing(engine) as connection:
            notify(connection, source_of(0), batch)
            raise RuntimeError

    with listening(engine) as heard:
        with pytest.raises(RuntimeError):
            give_up()
        project(engine, replies(History("beta", 2), 1), 2)
        heard.until(2, 1)
        assert heard.positions == [(2, 1)]


def test_what_nobody_of_ours_would_tell_stops_the_listener_loudly(engine: Engine) -> None:
    with listening(engine) as heard, capture_logs() as logs:
        with writing(engine) as connection:
            connection.exec_driver_sql(f"NOTIFY {CHANNEL}, 'nonsense'")
        until(lambda: not heard.listener.alive)
        assert isinstance(heard.listener.failure, ValueError)
        assert not heard.listener.listening
    assert [(entry["log_level"], entry["event"]) for entry in logs] == [("critical", "listener_stopped")]


def test_a_large_batch_is_told_in_pieces_that_follow_each_other(engine: Engine) -> None:
    async def story() -> None:
        history = History()
        for n in range(300):
            replies(history, 1, f"conversation-{n:0100}")
        with listening(engine) as heard:
            async with heard.feeds.subscribe(ACME) as reader:
                await asyncio.to_thread(project, engine, history)
                heard.until(0, 300)
                assert [change.id for change in await soon(reader.next())] == [*range(1, 301)]
            assert len(heard.positions) > 3

    run(story())


def test_too_much_for_many_pieces_is_read_again(engine: Engine) -> None:
    async def story() -> None:
        batch = many(PAYLOADS_MAX * PAYLOAD_BYTES_MAX // 150)
        with listening(engine) as heard:
            async with heard.feeds.subscribe(ACME) as reader:
                with writing(engine) as connection:
                    notify(connection, source_of(0), batch)
                assert await soon(reader.next()) == (Reload(batch.last),)

    run(story())


def many(events: int) -> Batch:
    history = replies(History(), 1)
    (_, recorded), *_ = read_batch(history.log, history.keys, 0, 1).events
    streams = [f"conversation-{n:0120}" for n in range(events)]
    return Batch(
        0, [(n, type(recorded)(s, 1, recorded.event, recorded.context)) for n, s in enumerate(streams, 1)]
    )


def tell(engine: Engine, news: News) -> None:
    assert read(write(news)) == news
    with writing(engine) as connection:
        connection.exec_driver_sql("SELECT pg_notify(%s, %s)", (CHANNEL, write(news)))


def test_a_closed_process_lets_its_readers_go() -> None:
    async def story() -> None:
        feeds = ChangeFeeds(SHARDS, lambda account: WHERE[account])
        async with feeds.subscribe("beta") as reader:
            feeds.close()
            assert await soon(reader.next()) == ()

    run(story())
