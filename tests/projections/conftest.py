from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.projections.history import History
from tests.projections.views import Server, Views


@pytest.fixture(params=["sqlite", "postgresql"])
def views(request: pytest.FixtureRequest) -> Views:
    """Views in a database of either kind."""
    views: Views = request.getfixturevalue(f"{request.param}_views")
    return views


@pytest.fixture
def sqlite_views(tmp_path: Path) -> Iterator[Views]:
    views = Views.in_folder(tmp_path)
    yield views
    views.close()


@pytest.fixture
def postgresql_views(views_server: Server) -> Iterator[Views]:
    with views_server.engine() as engine:
        yield Views(engine)


@pytest.fixture
def history() -> History:
    return History()
