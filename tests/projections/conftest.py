from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.projections.history import History
from tests.projections.views import Views


@pytest.fixture
def views(tmp_path: Path) -> Iterator[Views]:
    views = Views(tmp_path)
    yield views
    views.close()


@pytest.fixture
def history() -> History:
    return History()
