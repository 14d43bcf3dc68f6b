"""One Sayso for each file of tests: each test makes accounts of its own."""

from collections.abc import Iterator

import pytest
import structlog

from tests.producers.world import World, running


@pytest.fixture(scope="module", autouse=True)
def _logs() -> Iterator[None]:
    """Warnings and errors of the server's threads stand beside a failing test, and nowhere else."""
    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer(key_order=["event"])],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("sayso")) as world:
        yield world
