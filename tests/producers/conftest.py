"""One Sayso for each file of tests: each test makes accounts of its own."""

from collections.abc import Iterator

import pytest

from deploy.logs import configure_logs
from tests.producers.world import World, running


@pytest.fixture(scope="module", autouse=True)
def _logs() -> None:
    """Everything is logged: some tests look at it, and it stands beside whichever fails."""
    configure_logs("debug")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("sayso")) as world:
        yield world
