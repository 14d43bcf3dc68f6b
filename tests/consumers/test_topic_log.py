"""A shard's events, read from the topics: from anywhere, in bounded memory, never wrong without saying so."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from consumers.merging import LogBroken
from consumers.projector import Projector
from consumers.topic_log import TopicLog
from deploy.local.broker import Broker
from projections import catalog
from projections.engine import open_engine
from projections.rebuilding import rebuild
from projections.source import SourceUnavailable
from schemas import codec
from tests.projections.views import Rows, Views, rows
from tests.support.event_topics import client_of, create_topics
from tests.support.relays import Office, reaches

MUCH = 1_000_000


@pytest.fixture
def office(broker: Broker) -> Office:
    return Office(broker)


@pytest.fixture
def log(office: Office) -> Iterator[TopicLog]:
    with closing(open_log(office)) as log:
        yield log


def open_log(office: Office, **more: float) -> TopicLog:
    return TopicLog(0, office.client, office.topics.values(), **more)  # type: ignore[arg-type]


def publish(office: Office, times: int) -> None:
    office.more(times)
    with office.relaying() as relay:
        reaches(relay, len(office.stored))
        office.until_visible()


def read(log: TopicLog, after: int = 0, limit: int = 500) -> list[bytes]:
    found = list[bytes]()
    while page := log.notifications(after + len(found), limit):
        found += [data for _, data in page]
    return found


def test_the_bytes_are_those_of_the_ledger(office: Office, log: TopicLog) -> None:
    publish(office, 500)
    assert read(log) == office.stored
    assert log.last_notification() == 1_500


def test_what_was_written_in_vain_is_not_read(office: Office, log: TopicLog) -> None:
    publish(office, 5)
    office.more(20)
    batches = office.relay()._sorted(office.stored[:20])
    for _ in range(2):
        with office.producer() as producer:
            producer.begin()
            producer._add(batches)
            producer._produce(batches)
    assert read(log) == office.stored[:15]
    publish(office, 0)
    assert read(log, 15) == office.stored[15:]


@pytest.mark.parametrize("after", [0, 1, 2, 149, 150, 151, 298, 299, 300])
def test_it_begins_anywhere_by_looking_it_up(office: Office, log: TopicLog, after: int) -> None:
    publish(office, 50)
    publish(office, 50)
    assert read(log, after) == office.stored[after:]


def test_a_slow_reader_of_much_holds_little(office: Office) -> None:
    publish(office, 7_000)
    total = sum(map(len, office.stored))
    with closing(open_log(office, events_max=600)) as log:
        found, most = 0, 0
        while page := log.notifications(found, 50):
            found += len(page)
            assert log._merge is not None
            most = max(most, sum(lane.bytes for lane in log._merge.lanes.values()))
    assert found == len(office.stored)
    assert most < total / 2  # an answer from each topic, however little is asked for


def test_views_follow_the_topics_and_are_built_anew_from_them(office: Office, tmp_path: Path) -> None:
    office.history.numbered("grace", "+14155550123")
    publish(office, 200)
    engine = open_engine(f"sqlite:///{tmp_path / 'views.db'}")
    with closing(open_log(office)) as log, closing(open_log(office)) as again:
        projector = Projector(log, engine, office.history.keys)
        projector.start()
        assert projector.wait_for(len(office.stored), 60)
        publish(office, 20)
        assert projector.wait_for(len(office.stored), 60)
        assert projector.lag().events == 0
        rebuild(engine, catalog.THREADS, {"shard-0": again}, office.history.keys, lambda _, __: None)
        projector.stop()
        assert projector.failure is None
    assert rows(engine) == expected(office, tmp_path)
    engine.dispose()


def expected(office: Office, tmp_path: Path) -> Rows:
    (tmp_path / "expected").mkdir()
    with closing(Views.in_folder(tmp_path / "expected").given(office.history)) as views:
        return views.rows()


def test_views_catch_up_with_all_that_there_is(office: Office, log: TopicLog, engine: Engine) -> None:
    office.history.numbered("grace", "+14155550123")
    publish(office, 300)
    projector = Projector(log, engine, office.history.keys, batch_max=70)
    projector.catch_up()
    assert projector.position == len(office.stored)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'views.db'}")
    yield engine
    engine.dispose()


def test_an_event_that_is_there_twice_is_named(office: Office, log: TopicLog) -> None:
    publish(office, 2)
    with office.producer() as producer:
        producer.begin()
        producer.publish(office.relay()._sorted(office.stored[:1]))
    with pytest.raises(LogBroken, match="Event 1 is on"):
        read(log)


def test_an_event_that_will_never_come_is_named(office: Office) -> None:
    publish(office, 2)
    office.more(1)
    with office.producer() as producer:
        producer.begin()
        topic = office.topics[codec.route(office.stored[7]).topic]
        producer.publish({topic: [(b"acme", office.stored[7])]})
    with closing(open_log(office, gap_patience_s=0.0)) as log:
        assert len(log.notifications(0, 100)) == 6
        with pytest.raises(LogBroken, match="Event 7 is missing"):
            read(log, 6)


def test_a_cluster_that_cannot_be_reached_is_tried_again(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        office = Office(broker)
        publish(office, 10)
        with closing(open_log(office)) as log:
            assert len(log.notifications(0, 10)) == 10
            broker.kill()
            with pytest.raises(SourceUnavailable):
                read(log, 10)
            broker.start()
            assert read(log, 10) == office.stored[10:]


def test_topics_that_are_not_there_are_named(broker: Broker) -> None:
    topics = [*create_topics(broker).values(), "nowhere"]
    with (
        closing(TopicLog(0, client_of(broker), topics)) as log,
        pytest.raises(SourceUnavailable, match="nowhere"),
    ):
        log.notifications(0, 1)
