"""Topics and ledgers of a test's own."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deploy.local.broker import Broker
from tests.consumers.crowd import PARTITIONS
from tests.consumers.serving import Cluster
from tests.support.topics import fresh_prefix, made


@pytest.fixture
def cluster(broker: Broker, tmp_path: Path) -> Iterator[Cluster]:
    prefix = fresh_prefix()
    made(broker, prefix, PARTITIONS)
    with closing(Cluster(broker.bootstrap, prefix, PARTITIONS, tmp_path)) as cluster:
        assert cluster.ledgers
        yield cluster
