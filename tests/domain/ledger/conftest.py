from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.ledger import Ledger
from schemas.keystore import KeyStore
from tests.domain.ledger.given import History
from tests.domain.ledger.places import OnPostgres, OnSqlite, Place

Opener = Callable[[], Ledger]


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[OnSqlite]:
    place = OnSqlite(tmp_path)
    yield place
    place.close()


@pytest.fixture
def on_postgres(database: str) -> Iterator[OnPostgres]:
    place = OnPostgres(database)
    yield place
    place.close()


@pytest.fixture(params=["on_sqlite", "on_postgres"])
def place(request: pytest.FixtureRequest) -> Place:
    """Each place in turn. A module about one of them has a fixture of this name that gives no other."""
    found: Place = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def keys(place: Place) -> KeyStore:
    return place.keys()


@pytest.fixture
def open_ledger(place: Place, keys: KeyStore) -> Opener:
    """Opens the same shard as often as asked, as other owners would; nobody has taken it."""
    return lambda: place.ledger(keys)


@pytest.fixture
def ledger(open_ledger: Opener) -> Ledger:
    """Taken."""
    ledger = open_ledger()
    ledger.take()
    return ledger


@pytest.fixture
def history() -> History:
    return History()
