import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from schemas.keystore import (
    ErasureIncomplete,
    KeyConflict,
    KeyStore,
    KeyStoreUnavailable,
    WrongMasterKey,
)
from schemas.keystore import store as store_module
from schemas.keystore.sqlite import SqliteKeyTable
from schemas.sealing import SealingKey
from tests.support.wire import Wire

MASTER = b"m" * 32
BOUND = b"to this"
Opener = Callable[[], KeyStore]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.db"


@pytest.fixture
def open_on_sqlite(path: Path) -> Opener:
    return lambda: KeyStore.open(path, MASTER)


@pytest.fixture
def open_on_postgres(database: str) -> Opener:
    return lambda: KeyStore.open_postgres(database, MASTER)


@pytest.fixture(params=["open_on_sqlite", "open_on_postgres"])
def open_store(request: pytest.FixtureRequest) -> Iterator[Opener]:
    """Opens the same keys as often as asked, as other processes would."""
    stores: list[KeyStore] = []
    opens: Opener = request.getfixturevalue(request.param)

    def opener() -> KeyStore:
        stores.append(opens())
        return stores[-1]

    yield opener
    for store in stores:
        store.close()


@pytest.fixture
def store(open_store: Opener) -> KeyStore:
    return open_store()


def found(store: KeyStore, stream: str) -> SealingKey:
    key = store.cipher(stream)
    assert key is not None
    return key


def test_a_stream_without_a_key_has_none(store: KeyStore) -> None:
    assert store.cipher("c1") is None


def test_a_key_outlives_the_process(open_store: Opener) -> None:
    first = open_store()
    first.ensure(["c1"])
    box = found(first, "c1").seal(b"hello", BOUND)
    assert found(open_store(), "c1").open(box, BOUND) == b"hello"


def test_each_stream_has_its_own_key(store: KeyStore) -> None:
    store.ensure(["c1", "c2"])
    box = found(store, "c1").seal(b"hello", BOUND)
    with pytest.raises(ValueError, match="broken"):
        found(store, "c2").open(box, BOUND)


def test_a_key_that_is_there_stays(store: KeyStore) -> None:
    store.ensure(["c1"])
    key = found(store, "c1")
    store.ensure(["c1", "c2"])
    assert found(store, "c1") is key


def test_a_prepared_key_works_at_once_but_is_nobody_elses_before_the_flush(open_store: Opener) -> None:
    ours, theirs = open_store(), open_store()
    prepared = ours.prepare("c1")
    assert ours.prepare("c1") is prepared
    assert ours.cipher("c1") is prepared
    assert theirs.cipher("c1") is None
    ours.flush()
    assert ours.cipher("c1") is prepared
    assert found(theirs, "c1").open(prepared.seal(b"hello", BOUND), BOUND) == b"hello"


def test_a_key_made_elsewhere_meanwhile_is_the_one_that_counts(open_store: Opener) -> None:
    ours, theirs = open_store(), open_store()
    lost = ours.prepare("c1")
    ours.prepare("c2")
    theirs.ensure(["c1"])
    with pytest.raises(KeyConflict):
        ours.flush()
    box = found(theirs, "c1").seal(b"hello", BOUND)
    assert ours.prepare("c1") is not lost
    assert found(ours, "c1").open(box, BOUND) == b"hello"
    assert theirs.cipher("c2") is None  # nothing of that flush was stored


def test_an_erased_key_is_gone_for_good(open_store: Opener) -> None:
    store = open_store()
    store.ensure(["c1", "c2"])
    store.erase("c1")
    assert store.cipher("c1") is None
    assert open_store().cipher("c1") is None
    assert store.cipher("c2") is not None


def test_erasing_twice_or_nothing_is_harmless(store: KeyStore) -> None:
    store.ensure(["c1"])
    for stream in ("c1", "c1", "never"):
        store.erase(stream)
    assert store.cipher("c1") is None


def test_a_prepared_key_can_be_erased(store: KeyStore) -> None:
    store.prepare("c1")
    store.erase("c1")
    store.flush()
    assert store.cipher("c1") is None


def test_after_an_erasure_the_stream_may_get_a_new_key_that_opens_nothing_old(store: KeyStore) -> None:
    store.ensure(["c1"])
    old = found(store, "c1").seal(b"before", BOUND)
    store.erase("c1")
    store.ensure(["c1"])
    new = found(store, "c1").seal(b"after", BOUND)
    assert found(store, "c1").open(old, BOUND) is None
    assert found(store, "c1").open(new, BOUND) == b"after"
    store.erase("c1")
    assert store.prepare("c1").open(new, BOUND) is None


def test_other_processes_see_an_erasure_when_they_look_again(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "ERASURE_SEEN_WITHIN_S", 0)
    ours, theirs = open_store(), open_store()
    ours.ensure(["c1", "c2"])
    kept = found(theirs, "c2")
    assert found(theirs, "c2") is kept
    ours.erase("c1")
    assert theirs.cipher("c1") is None
    assert theirs.cipher("c2") is not None


def test_the_cache_is_bounded(store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "CACHED_KEYS_MAX", 3)
    streams = [f"c{n}" for n in range(10)]
    store.ensure(streams)
    assert len(store._cache) == 3
    assert all(store.cipher(stream) for stream in streams)
    assert len(store._cache) == 3


def test_many_threads_may_use_it(store: KeyStore) -> None:
    streams = [f"c{n % 50}" for n in range(400)]

    store.ensure(streams)

    def seal_and_open(stream: str) -> bytes | None:
        return found(store, stream).open(found(store, stream).seal(stream.encode(), BOUND), BOUND)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(seal_and_open, streams)) == [stream.encode() for stream in streams]


def test_many_processes_may_make_keys_at_once(open_store: Opener) -> None:
    """Whoever loses takes the winner's; nobody waits for ever."""
    streams = [f"c{n}" for n in range(200)]

    def make(store: KeyStore, there: list[str]) -> list[bytes]:
        while True:
            try:
                store.ensure(there)
            except KeyConflict:
                continue
            return [found(store, stream).seal(b"hello", BOUND) for stream in streams]

    with ThreadPoolExecutor(4) as threads:
        processes = [open_store() for _ in range(4)]
        made = list(threads.map(make, processes, [streams, streams[::-1]] * 2))
    store = open_store()
    for boxes in made:
        for stream, box in zip(streams, boxes, strict=True):
            assert found(store, stream).open(box, BOUND) == b"hello"


def test_keys_that_are_loaded_together_are_at_hand(open_store: Opener) -> None:
    ours, theirs = open_store(), open_store()
    ours.ensure(["c1", "c2"])
    ours.erase("c2")
    theirs.load(["c1", "c2", "c3", "c1"])
    assert found(theirs, "c1").open(found(ours, "c1").seal(b"hello", BOUND), BOUND) == b"hello"
    assert [theirs.prepare(stream).generation for stream in ("c1", "c2", "c3")] == [1, 2, 1]
    theirs.flush()
    assert found(ours, "c2").generation == 2


def test_what_was_loaded_and_then_made_elsewhere_is_a_conflict(open_store: Opener) -> None:
    ours, theirs = open_store(), open_store()
    ours.load(["c1"])
    theirs.ensure(["c1"])
    ours.prepare("c1")
    with pytest.raises(KeyConflict):
        ours.flush()
    ours.load(["c1"])
    assert ours.prepare("c1").open(found(theirs, "c1").seal(b"hello", BOUND), BOUND) == b"hello"


# --- the master key ---------------------------------------------------------------------------------


def test_a_file_alone_opens_nothing(path: Path, open_on_sqlite: Opener) -> None:
    with closing(open_on_sqlite()) as store:
        store.ensure(["c1"])
    with pytest.raises(WrongMasterKey):
        KeyStore.open(path, b"x" * 32)


def test_a_database_alone_opens_nothing(database: str, open_on_postgres: Opener) -> None:
    with closing(open_on_postgres()) as store:
        store.ensure(["c1"])
    with pytest.raises(WrongMasterKey):
        KeyStore.open_postgres(database, b"x" * 32)


def test_a_wrapped_key_moved_to_another_stream_is_refused(path: Path, open_on_sqlite: Opener) -> None:
    with closing(open_on_sqlite()) as store:
        store.ensure(["c1", "c2"])
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE keys SET key = (SELECT key FROM keys WHERE stream = 'c1')")
    with closing(open_on_sqlite()) as store, pytest.raises(WrongMasterKey):
        store.cipher("c2")


# --- in a file --------------------------------------------------------------------------------------


@pytest.fixture
def in_file(open_on_sqlite: Opener) -> Iterator[KeyStore]:
    with closing(open_on_sqlite()) as store:
        yield store


def test_nothing_of_an_erased_key_stays_in_the_files(path: Path, in_file: KeyStore) -> None:
    in_file.ensure(f"c{n}" for n in range(200))
    with sqlite3.connect(path) as database:
        (wrapped,) = database.execute("SELECT key FROM keys WHERE stream = 'c77'").fetchone()
    database.close()
    assert wrapped in _all_bytes(path)
    in_file.erase("c77")
    assert wrapped not in _all_bytes(path)


def test_an_erasure_that_a_reader_holds_up_says_so_and_can_be_repeated(path: Path, in_file: KeyStore) -> None:
    in_file.ensure(["c1"])
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM keys").fetchall()
    _writer(in_file).execute("PRAGMA busy_timeout = 1")
    with pytest.raises(ErasureIncomplete, match="c1"):
        in_file.erase("c1")
    assert in_file.cipher("c1") is None
    reader.close()
    in_file.erase("c1")


def test_a_failed_flush_keeps_the_keys_for_the_next(path: Path, in_file: KeyStore) -> None:
    key = in_file.prepare("c1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    _writer(in_file).execute("PRAGMA busy_timeout = 1")
    with pytest.raises(KeyStoreUnavailable, match="locked"):
        in_file.flush()
    other.close()
    in_file.flush()
    assert in_file.cipher("c1") is key


def test_only_its_owner_may_read_the_file(path: Path, in_file: KeyStore) -> None:
    assert path.stat().st_mode & 0o077 == 0


# --- in a database ----------------------------------------------------------------------------------


def test_a_database_that_is_away_says_so_and_is_used_again_when_it_is_back(database: str) -> None:
    wire = Wire(database)
    with closing(wire), closing(KeyStore.open_postgres(wire.dsn, MASTER)) as store:
        store.ensure(["c1"])
        key = store.prepare("c2")
        wire.lose_the_next_answer(then_refuse=True)
        with pytest.raises(KeyStoreUnavailable):
            store.flush()
        with pytest.raises(KeyStoreUnavailable):
            store.cipher("c3")
        wire.mend()
        store.flush()
        assert store.cipher("c2") is key


def test_a_database_that_cannot_be_reached_is_unavailable(database: str) -> None:
    wire = Wire(database)
    wire.close()
    with pytest.raises(KeyStoreUnavailable):
        KeyStore.open_postgres(wire.dsn, MASTER)


def test_the_row_of_an_erased_key_is_cleared_away(database: str, open_on_postgres: Opener) -> None:
    """What is left are traces that PostgreSQL has no words for: see `schemas.keystore.postgres`."""
    with closing(open_on_postgres()) as store, closing(psycopg.connect(database, autocommit=True)) as looking:
        store.ensure(f"c{n}" for n in range(200))
        looking.execute("CHECKPOINT")
        ((wrapped,),) = looking.execute("SELECT key FROM keystore_keys WHERE stream = 'c77'").fetchall()
        assert wrapped in _file(looking)
        store.erase("c77")
        looking.execute("CHECKPOINT")
        assert wrapped not in _file(looking)


def _file(looking: psycopg.Connection) -> bytes:
    row = looking.execute("SELECT pg_read_binary_file(pg_relation_filepath('keystore_keys'))").fetchone()
    assert row is not None
    return bytes(row[0])


def _writer(store: KeyStore) -> sqlite3.Connection:
    assert isinstance(store._table, SqliteKeyTable)
    return store._table._writer


def _all_bytes(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())
