"""Fixtures of the drills' short form."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.nursery import Nursery
from tests.drills.trial import Place

SEED = 20_261_125


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Who starts Sayso's processes."""
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def place(nursery: Nursery, tmp_path: Path) -> Place:
    """Where a drill happens."""
    return Place(tmp_path, SEED, nursery)
