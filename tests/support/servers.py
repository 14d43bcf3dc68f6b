"""Fixtures: a real broker and a real PostgreSQL server, one of each for a whole run of tests."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from deploy.local.broker import Broker
from deploy.local.postgres import Postgres
from tests.projections.views import Server

_numbers = count(1)
_CUT_OFF = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


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
        running.crash()  # in good order, it would first sync some 300 files of each test's database


@pytest.fixture(scope="session")
def emptied() -> list[str]:
    """Databases that are free again: to make one takes up to a second, to empty one next to nothing."""
    return []


@pytest.fixture
def database(postgres: Postgres, emptied: list[str]) -> Iterator[str]:
    """The dsn of a database of this test's own, and empty."""
    dsn = emptied.pop() if emptied else postgres.create_database(f"test_{next(_numbers)}_{uuid4().hex[:8]}")
    yield dsn
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_CUT_OFF)
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    emptied.append(dsn)


@pytest.fixture(scope="session")
def views_server(postgres: Postgres) -> Server:
    """Databases of views in that server."""
    return Server(postgres)


@contextmanager
def frozen(postgres: Postgres) -> Iterator[None]:
    """The server neither answers nor hangs up: all its processes are stopped where they are."""
    os.kill(postgres.pid, signal.SIGSTOP)  # first, so that there are no more of them meanwhile
    children = Path(f"/proc/{postgres.pid}/task/{postgres.pid}/children").read_text().split()
    processes = [postgres.pid, *map(int, children)]
    try:
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
