import resource
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ledger import Ledger, LedgerUnavailable, PositionConflict, VersionConflict
from schemas import codec
from schemas.events import Recorded
from schemas.keystore import KeyStore
from tests.domain.ledger.conftest import Opener
from tests.domain.ledger.given import OPENED, READ, History, debited


def everything(ledger: Ledger) -> tuple[int | None, list[tuple[int, bytes]]]:
    return ledger.position(), ledger.notifications(after=0, limit=1_000)


# --- appending ------------------------------------------------------------------------------------


def test_a_new_ledger_is_empty(ledger: Ledger) -> None:
    assert ledger.position() is None
    assert ledger.last_notification() == 0
    assert everything(ledger) == (None, [])
    assert ledger.read("a1") == []


def test_a_batch_is_stored_with_its_position(ledger: Ledger, history: History) -> None:
    batch = [*history.of("c1", OPENED, READ), *history.of("a1", debited(49))]
    assert ledger.append(batch, position=17) == range(1, 4)
    assert ledger.position() == 17
    assert ledger.last_notification() == 3
    assert ledger.read("c1") == batch[:2]
    assert ledger.read("a1") == batch[2:]


def test_the_next_batch_goes_on_where_the_last_one_ended(ledger: Ledger, history: History) -> None:
    first = history.of("a1", debited(49), debited(48))
    second = history.of("a1", debited(47))
    ledger.append(first, 1)
    assert ledger.append(second, 2) == range(3, 4)
    assert ledger.read("a1") == first + second


def test_a_batch_without_events_moves_the_position(ledger: Ledger) -> None:
    assert list(ledger.append([], position=0)) == []
    assert ledger.append([], position=9) == range(1, 1)
    assert ledger.position() == 9


def test_what_was_stored_is_there_after_opening_again(open_ledger: Opener, history: History) -> None:
    batch = history.of("c1", OPENED, READ)
    open_ledger().append(batch, 4)
    again = open_ledger()
    assert again.position() == 4
    assert again.read("c1") == batch
    again.append(history.of("c1", READ), 5)
    assert len(again.read("c1")) == 3


def test_an_owner_that_lost_its_shard_writes_nothing_more(open_ledger: Opener, history: History) -> None:
    """The zombie: its batch overlaps the new owner's, and its position is even the greater one."""
    zombie, owner = open_ledger(), open_ledger()
    zombie.append(history.of("a1", debited(49)), 10)
    owner = open_ledger()
    owner.append(history.of("a1", debited(48)), 15)
    before = everything(owner)
    with pytest.raises(PositionConflict, match="shard-0 is not at 10"):
        zombie.append(History().of("c9", OPENED), 20)
    assert everything(owner) == before
    owner.append(history.of("a1", debited(47)), 16)


def test_of_two_first_owners_one_writes(open_ledger: Opener) -> None:
    first, second = open_ledger(), open_ledger()
    first.append([], 1)
    with pytest.raises(PositionConflict, match="shard-0 is not at None"):
        second.append([], 1)


@pytest.mark.parametrize("version", [1, 2, 4, 9])
def test_a_version_that_is_not_the_streams_next_is_refused(
    ledger: Ledger, history: History, version: int
) -> None:
    ledger.append(history.of("a1", debited(49), debited(48)), 1)
    before = everything(ledger)
    (fresh,) = History().of("r1", READ)
    wrong = Recorded("a1", version, debited(47), fresh.context)
    with pytest.raises(VersionConflict):
        ledger.append([fresh, wrong], 2)
    assert everything(ledger) == before
    ledger.append([fresh, Recorded("a1", 3, debited(47), fresh.context)], 2)


def test_the_same_version_twice_in_a_batch_is_refused(ledger: Ledger) -> None:
    with pytest.raises(VersionConflict):
        ledger.append([*History().of("a1", debited(49)), *History().of("a1", debited(48))], 1)
    assert everything(ledger) == (None, [])


def test_a_second_receipt_of_the_same_command_is_refused(ledger: Ledger) -> None:
    ledger.append(History().of("r1", READ), 1)
    with pytest.raises(VersionConflict):
        ledger.append(History().of("r1", READ), 2)


def test_a_stream_that_begins_in_the_middle_is_refused(ledger: Ledger) -> None:
    (event,) = History().of("a1", debited(49))
    with pytest.raises(VersionConflict):
        ledger.append([Recorded("a1", 2, event.event, event.context)], 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(st.lists(st.sampled_from(["a1", "c1", "c2", "r1"]), max_size=30), max_size=20))
def test_every_stream_reads_as_it_was_written(
    tmp_path: Path, keys: KeyStore, batches: list[list[str]]
) -> None:
    for file in tmp_path.glob("any.db*"):
        file.unlink()
    ledger = Ledger.open(tmp_path / "any.db", 0, keys)
    history, written = History(), list[Recorded]()
    for position, streams in enumerate(batches):
        batch = [recorded for stream in streams for recorded in history.of(stream, READ)]
        ids = ledger.append(batch, position)
        assert ids == range(len(written) + 1, len(written) + len(batch) + 1)
        written += batch
    for stream in ("a1", "c1", "c2", "r1"):
        assert ledger.read(stream) == [event for event in written if event.stream == stream]
    notified = [codec.decode(data, keys) for _, data in ledger.notifications(0, 1_000)]
    assert notified == written
    ledger.close()


# --- reading --------------------------------------------------------------------------------------


def test_a_part_of_a_stream_can_be_read(ledger: Ledger, history: History) -> None:
    """Long enough for milestones, with another stream in between."""
    for position in range(8):
        ledger.append([*history.of("a1", *[READ] * 100), *history.of("c1", *[READ] * 3)], position)

    def versions(after: int = 0, limit: int | None = None, to: int | None = None) -> list[int]:
        return [recorded.version for recorded in ledger.read("a1", after, limit, to)]

    assert versions() == list(range(1, 801))
    assert versions(after=797) == [798, 799, 800]
    assert versions(after=800) == versions(after=900) == versions(to=0) == versions(limit=0) == []
    assert versions(limit=3) == versions(to=3) == [1, 2, 3]
    assert versions(after=254, limit=4) == [255, 256, 257, 258]
    assert versions(after=255, to=257) == [256, 257]
    assert versions(after=10, to=700, limit=2) == [11, 12]
    assert versions(after=798, limit=10) == [799, 800]
    assert versions(to=800, after=799) == versions(to=900, after=799) == [800]


def test_notifications_come_in_order_without_gaps(ledger: Ledger, history: History) -> None:
    for position in range(5):
        ledger.append([*history.of("c1", READ), *history.of("a1", debited(position))], position)
    assert [number for number, _ in ledger.notifications(0, 100)] == list(range(1, 11))
    assert [number for number, _ in ledger.notifications(3, 4)] == [4, 5, 6, 7]
    assert [number for number, _ in ledger.notifications(3, 4, to=5)] == [4, 5]
    assert ledger.notifications(0, 100, to=0) == ledger.notifications(10, 100) == []


def test_of_many_receipts_those_that_are_there_are_found(ledger: Ledger) -> None:
    receipts = [recorded for number in range(50) for recorded in History().of(f"r{number}", READ)]
    ledger.append(receipts, 1)
    asked = ["r7", "none", "r49", "r7"]
    assert ledger.existing(asked) == {"r7": receipts[7], "r49": receipts[49]}
    assert ledger.existing([]) == {}


def test_an_erased_person_is_read_as_erased(ledger: Ledger, keys: KeyStore, history: History) -> None:
    ledger.append(history.of("c1", OPENED, READ), 1)
    keys.erase("c1")
    opened, read = ledger.read("c1")
    assert (opened.event, read.event) == (OPENED.model_copy(update={"number": codec.ERASED}), READ)


def test_a_key_that_another_process_made_meanwhile_is_used(
    ledger: Ledger, keys: KeyStore, tmp_path: Path, history: History
) -> None:
    keys.prepare("c1")
    elsewhere = KeyStore(tmp_path / "keys.db", b"m" * 32)
    elsewhere.ensure(["c1"])
    batch = history.of("c1", OPENED)
    ledger.append(batch, 1)
    assert codec.decode(ledger.notifications(0, 1)[0][1], elsewhere) == batch[0]
    elsewhere.close()


# --- snapshots ------------------------------------------------------------------------------------


def test_the_newest_snapshot_is_kept(ledger: Ledger) -> None:
    assert ledger.load_snapshot("a1") is None
    ledger.save_snapshot("a1", 5, b"five")
    ledger.save_snapshot("a1", 9, b"nine")
    ledger.save_snapshot("a1", 7, b"seven, late")
    ledger.save_snapshot("a1", 9, b"nine again")
    ledger.save_snapshot("a2", 1, b"another's")
    assert ledger.load_snapshot("a1") == (9, b"nine again")
    assert ledger.load_snapshot("a2") == (1, b"another's")


def test_a_persons_snapshot_is_sealed_and_goes_with_the_key(
    ledger: Ledger, keys: KeyStore, path: Path
) -> None:
    keys.ensure(["c1"])
    ledger.save_snapshot("c1", 3, b"a private matter")
    assert ledger.load_snapshot("c1") == (3, b"a private matter")
    assert not any(b"private" in file.read_bytes() for file in path.parent.iterdir())
    keys.erase("c1")
    assert ledger.load_snapshot("c1") is None
    keys.ensure(["c1"])
    assert ledger.load_snapshot("c1") is None


def test_a_snapshot_that_was_changed_is_no_snapshot(ledger: Ledger, keys: KeyStore, path: Path) -> None:
    keys.ensure(["c1"])
    ledger.save_snapshot("c1", 3, b"state")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE stored_snapshots SET originator_version = 4")
    database.close()
    assert ledger.load_snapshot("c1") is None


# --- when the file cannot be written or read ------------------------------------------------------


def test_a_full_disk_leaves_the_ledger_as_it_was(ledger: Ledger, history: History) -> None:
    ledger.append(history.of("a1", debited(49)), 1)
    before = everything(ledger)
    with ledger._datastore.transaction(commit=True) as cursor:
        cursor.execute("PRAGMA max_page_count = 1")  # SQLite makes it as many as there are
    many = history.of("c1", *[READ] * 1_000)
    with pytest.raises(LedgerUnavailable, match="database or disk is full"):
        ledger.append(many, 2)
    assert everything(ledger) == before
    with ledger._datastore.transaction(commit=True) as cursor:
        cursor.execute("PRAGMA max_page_count = 1000000")
    ledger.append(many, 2)
    assert ledger.read("c1") == many


def test_a_commit_that_the_file_system_refuses_leaves_the_ledger_as_it_was(
    path: Path, ledger: Ledger, history: History
) -> None:
    ledger.append(history.of("a1", debited(49)), 1)
    before = everything(ledger)
    many = history.of("c1", *[READ] * 1_000)
    log_bytes = path.with_name("ledger.db-wal").stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log_bytes + 20_000, limits[1]))
    try:
        with pytest.raises(LedgerUnavailable, match="disk"):
            ledger.append(many, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert everything(ledger) == before
    ledger.append(many, 2)
    assert ledger.read("c1") == many


def test_a_locked_file_is_told_from_a_conflict(path: Path, ledger: Ledger, history: History) -> None:
    with ledger._datastore.transaction(commit=True) as cursor:
        cursor.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    batch = history.of("a1", debited(49))
    with pytest.raises(LedgerUnavailable, match="locked"):
        ledger.append(batch, 1)
    other.close()
    ledger.append(batch, 1)


def test_a_keystore_that_cannot_be_written_keeps_the_ledger_as_it_was(
    ledger: Ledger, keys: KeyStore, tmp_path: Path, history: History
) -> None:
    other = sqlite3.connect(tmp_path / "keys.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    keys._writer.execute("PRAGMA busy_timeout = 1")
    batch = history.of("c1", OPENED)
    with pytest.raises(LedgerUnavailable, match="locked"):
        ledger.append(batch, 1)
    other.close()
    assert everything(ledger) == (None, [])
    ledger.append(batch, 1)


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path, keys: KeyStore) -> None:
    (tmp_path / "notes.txt").write_text("dear diary" * 1_000)
    with pytest.raises(LedgerUnavailable, match="not a database"):
        Ledger.open(tmp_path / "notes.txt", 0, keys)
    with pytest.raises(LedgerUnavailable, match="unable to open"):
        Ledger.open(tmp_path / "no" / "folder.db", 0, keys)


# --- what the file itself guarantees --------------------------------------------------------------


@pytest.mark.parametrize("change", ["DELETE FROM stored_events", "UPDATE stored_events SET topic = 'other'"])
def test_history_is_not_open_to_argument(path: Path, ledger: Ledger, history: History, change: str) -> None:
    ledger.append(history.of("a1", debited(49)), 1)
    with sqlite3.connect(path) as database, pytest.raises(sqlite3.IntegrityError, match="argument"):
        database.execute(change)
    database.close()


def test_every_commit_is_synced(ledger: Ledger) -> None:
    with ledger._datastore.transaction(commit=True) as cursor:
        for pragma, value in (("synchronous", 2), ("journal_mode", "wal")):
            cursor.execute(f"PRAGMA {pragma}")
            assert cursor.fetchone()[0] == value


def test_notification_ids_survive_a_vacuum(path: Path, ledger: Ledger, history: History) -> None:
    ledger.append(history.of("a1", debited(49), debited(48)), 1)
    before = everything(ledger)
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("VACUUM")
    database.close()
    assert everything(ledger) == before
