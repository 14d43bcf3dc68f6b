"""Fixtures: a real broker and a real PostgreSQL server, one of each for a whole run of tests."""

from collections.abc import Iterator
from itertools import count
from uuid import uuid4

import pytest

from deploy.local.broker import Broker
from deploy.local.postgres import Postgres

_numbers = count(1)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """An Apache Kafka broker. Tests that stop it use one of their own."""
    with Broker(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL server. Tests that stop it use one of their own."""
    with Postgres(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture
def database(postgres: Postgres) -> str:
    """The dsn of a database of this test's own."""
    return postgres.create_database(f"test_{next(_numbers)}_{uuid4().hex[:8]}")
