"""Fixtures of the drills' short form."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from tests.drills.distributed import PROCESSES
from tests.drills.nursery import Nursery
from tests.drills.servers import Servers
from tests.drills.trial import Place

SEED = 20_261_125


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Who starts Sayso's processes."""
    with Nursery() as nursery:
        yield nursery


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Servers]]:
    """A broker and a database for all drills that want them."""
    with ExitStack() as stack:
        yield cache(lambda: stack.enter_context(Servers(tmp_path_factory.mktemp("servers"), PROCESSES)))


@pytest.fixture
def place(nursery: Nursery, servers: Callable[[], Servers], tmp_path: Path) -> Place:
    """Where a drill happens."""
    print(f"seed {SEED}")  # noqa: T201  # shown where a test fails
    return Place(tmp_path, SEED, nursery, servers)
