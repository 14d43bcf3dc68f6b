from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.ledger import Ledger
from schemas.keystore import KeyStore
from tests.domain.ledger.given import History

Opener = Callable[[], Ledger]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[KeyStore]:
    store = KeyStore(tmp_path / "keys.db", b"m" * 32)
    yield store
    store.close()


@pytest.fixture
def open_ledger(path: Path, keys: KeyStore) -> Iterator[Opener]:
    """Opens the same shard as often as asked, as other owners would."""
    ledgers: list[Ledger] = []

    def opener() -> Ledger:
        ledgers.append(Ledger.open(path, 0, keys))
        return ledgers[-1]

    yield opener
    for ledger in ledgers:
        ledger.close()


@pytest.fixture
def ledger(open_ledger: Opener) -> Ledger:
    return open_ledger()


@pytest.fixture
def history() -> History:
    return History()
