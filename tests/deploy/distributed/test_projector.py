"""Projectors of one group, in one process of tests: what each looks after, and what it no longer does."""

from pathlib import Path

from deploy import topics
from deploy.distributed.projector import ProjectorProcess
from deploy.local.broker import Broker
from deploy.parts import client_of
from deploy.settings import Settings
from tests.support.sayso import eventually, settings_for
from tests.support.topics import fresh_prefix

PARTITIONS = 2
SOON_S = 90.0


def settings_on(broker: Broker, database: str, folder: Path) -> Settings:
    settings = settings_for(
        folder,
        kafka_bootstrap=broker.bootstrap,
        database_url=database,
        topic_prefix=fresh_prefix(),
        partitions=PARTITIONS,
        replication=1,
    )
    topics.create(client_of(settings), settings.topic_prefix, PARTITIONS, 1)
    return settings


def shards_of(*projectors: ProjectorProcess) -> list[list[int]]:
    return [sorted(projector.member.opened) for projector in projectors]


def test_a_projector_answers_only_for_the_shards_that_it_has_now(
    broker: Broker, database: str, tmp_path: Path
) -> None:
    settings = settings_on(broker, database, tmp_path)
    with ProjectorProcess(settings) as first:
        eventually(lambda: shards_of(first) == [[0, 1]], SOON_S)
        with ProjectorProcess(settings) as second:
            eventually(lambda: sorted(shards_of(first, second)) == [[0], [1]], SOON_S)
        eventually(lambda: shards_of(first) == [[0, 1]], SOON_S)
