"""What a ledger does, wherever it is kept."""

import sqlite3
from itertools import count

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ledger import Ledger, PositionConflict, VersionConflict
from schemas import codec
from schemas.events import Recorded
from schemas.keystore import KeyStore
from tests.domain.ledger.conftest import Opener
from tests.domain.ledger.given import OPENED, READ, History, debited
from tests.domain.ledger.places import Place

_shards = count(1)


def everything(ledger: Ledger) -> tuple[int, list[tuple[int, bytes]]]:
    return ledger.position(), ledger.notifications(after=0, limit=1_000)


# --- appending ------------------------------------------------------------------------------------


def test_a_new_ledger_is_empty(ledger: Ledger) -> None:
    assert ledger.position() == 0
    assert ledger.last_notification() == 0
    assert everything(ledger) == (0, [])
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


def test_what_was_stored_is_there_after_opening_again(
    ledger: Ledger, open_ledger: Opener, history: History
) -> None:
    batch = history.of("c1", OPENED, READ)
    ledger.append(batch, 4)
    again = open_ledger()
    assert again.take() == again.position() == 4
    assert again.read("c1") == batch
    again.append(history.of("c1", READ), 5)
    assert len(again.read("c1")) == 3


def test_the_position_may_stay_and_never_goes_back(ledger: Ledger, history: History) -> None:
    ledger.append(history.of("a1", debited(49)), 4)
    ledger.append(history.of("a1", debited(48)), 4)
    with pytest.raises(ValueError, match="cannot move"):
        ledger.append(history.of("a1", debited(47)), 3)
    assert (ledger.position(), ledger.last_notification()) == (4, 2)


# --- one owner ------------------------------------------------------------------------------------


def test_a_new_ledger_is_taken_at_position_0(open_ledger: Opener) -> None:
    assert open_ledger().take() == 0


def test_who_only_reads_takes_nothing(ledger: Ledger, open_ledger: Opener, history: History) -> None:
    reader = open_ledger()
    assert everything(reader) == (0, [])
    ledger.append(history.of("a1", debited(49)), 1)
    assert everything(reader) == everything(ledger)


def test_who_only_reads_cannot_append(open_ledger: Opener, history: History) -> None:
    with pytest.raises(ValueError, match="opened to be read"):
        open_ledger().append(history.of("a1", debited(49)), 1)


def test_an_owner_that_lost_its_shard_writes_nothing_more(
    ledger: Ledger, open_ledger: Opener, history: History
) -> None:
    """The zombie: its batch overlaps the new owner's, and its position is even the greater one."""
    ledger.append(history.of("a1", debited(49)), 10)
    owner = open_ledger()
    owner.take()
    owner.append(history.of("a1", debited(48)), 15)
    before = everything(owner)
    with pytest.raises(PositionConflict, match="shard-0 is not as it was left"):
        ledger.append(History().of("c9", OPENED), 20)
    assert everything(owner) == before
    owner.append(history.of("a1", debited(47)), 16)


def test_an_owner_that_lost_its_shard_writes_nothing_even_where_nothing_happened_since(
    ledger: Ledger, open_ledger: Opener, history: History
) -> None:
    owner = open_ledger()
    assert owner.take() == 0
    for batch in ([], history.of("a1", debited(49))):
        with pytest.raises(PositionConflict):
            ledger.append(batch, 0)
    assert everything(owner) == (0, [])
    owner.append(batch, 0)


def test_a_former_owner_hears_of_its_loss_before_it_hears_of_a_conflict(
    ledger: Ledger, open_ledger: Opener, history: History
) -> None:
    owner = open_ledger()
    owner.take()
    gap = history.of("a1", debited(49), debited(48))[1:]
    with pytest.raises(PositionConflict):
        ledger.append(gap, 1)


def test_an_owner_can_ask_whether_it_still_is_one(ledger: Ledger, open_ledger: Opener) -> None:
    assert ledger.owned()
    other = open_ledger()
    assert not other.owned()
    other.take()
    assert (ledger.owned(), other.owned()) == (False, True)


def test_a_ledger_that_was_lost_can_be_taken_again(
    ledger: Ledger, open_ledger: Opener, history: History
) -> None:
    other = open_ledger()
    other.take()
    other.append(history.of("a1", debited(49)), 7)
    assert ledger.take() == 7
    assert ledger.append(history.of("a1", debited(48)), 8) == range(2, 3)
    with pytest.raises(PositionConflict):
        other.append(history.of("a1", debited(47)), 8)


def test_to_resume_costs_nothing_and_changes_nothing_while_all_is_well(
    ledger: Ledger, open_ledger: Opener, history: History
) -> None:
    assert ledger.resume() == 0
    ledger.append(history.of("a1", debited(49)), 5)
    assert ledger.resume() == 5
    with pytest.raises(ValueError, match="opened to be read"):
        open_ledger().resume()


def test_shards_know_nothing_of_each_other(ledger: Ledger, place: Place, keys: KeyStore) -> None:
    other = place.ledger(keys, shard=1)
    other.take()
    other.append(History().of("a1", debited(9)), 3)
    assert everything(ledger) == (0, [])
    assert ledger.append(History().of("a1", debited(49)), 1) == range(1, 2)
    assert [recorded.event for recorded in other.read("a1")] == [debited(9)]


# --- one order ------------------------------------------------------------------------------------


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
    assert everything(ledger) == (0, [])


def test_a_second_receipt_of_the_same_command_is_refused(ledger: Ledger) -> None:
    ledger.append(History().of("r1", READ), 1)
    with pytest.raises(VersionConflict):
        ledger.append(History().of("r1", READ), 2)


def test_a_stream_that_begins_in_the_middle_is_refused(ledger: Ledger) -> None:
    (event,) = History().of("a1", debited(49))
    with pytest.raises(VersionConflict):
        ledger.append([Recorded("a1", 2, event.event, event.context)], 1)


def test_an_event_carries_its_number(ledger: Ledger, history: History) -> None:
    for position in (1, 2):
        ledger.append([*history.of("c1", OPENED, READ), *history.of("a1", debited(position))], position)
    found = ledger.notifications(0, 100)
    assert [codec.peek(data).sequence for _, data in found] == [number for number, _ in found]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(st.lists(st.sampled_from(["a1", "c1", "c2", "r1"]), max_size=30), max_size=20))
def test_every_stream_reads_as_it_was_written(place: Place, keys: KeyStore, batches: list[list[str]]) -> None:
    ledger = place.ledger(keys, shard=next(_shards))
    ledger.take()
    history, written = History(), list[Recorded]()
    for position, streams in enumerate(batches):
        batch = [recorded for stream in streams for recorded in history.of(stream, READ)]
        stored = ledger.append(batch, position)
        assert stored == range(len(written) + 1, len(written) + len(batch) + 1)
        written += batch
    for stream in ("a1", "c1", "c2", "r1"):
        assert ledger.read(stream) == [event for event in written if event.stream == stream]
    notified = [codec.decode(data, keys) for _, data in ledger.notifications(0, 1_000)]
    assert notified == written


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
    ledger: Ledger, keys: KeyStore, place: Place, history: History
) -> None:
    keys.prepare("c1")
    elsewhere = place.keys()
    elsewhere.ensure(["c1"])
    batch = history.of("c1", OPENED)
    ledger.append(batch, 1)
    assert codec.decode(ledger.notifications(0, 1)[0][1], elsewhere) == batch[0]


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
    ledger: Ledger, keys: KeyStore, place: Place
) -> None:
    keys.ensure(["c1"])
    ledger.save_snapshot("c1", 3, b"a private matter")
    assert ledger.load_snapshot("c1") == (3, b"a private matter")
    ((stored,),) = place.execute("SELECT state FROM {snapshots}")
    assert b"private" not in stored
    keys.erase("c1")
    assert ledger.load_snapshot("c1") is None
    keys.ensure(["c1"])
    assert ledger.load_snapshot("c1") is None


def test_a_snapshot_that_was_changed_is_no_snapshot(ledger: Ledger, keys: KeyStore, place: Place) -> None:
    keys.ensure(["c1"])
    ledger.save_snapshot("c1", 3, b"state")
    place.execute("UPDATE {snapshots} SET originator_version = 4")
    assert ledger.load_snapshot("c1") is None


# --- what the place itself guarantees ---------------------------------------------------------------


@pytest.mark.parametrize("change", ["DELETE FROM {events}", "UPDATE {events} SET topic = 'other'"])
def test_history_is_not_open_to_argument(ledger: Ledger, place: Place, history: History, change: str) -> None:
    ledger.append(history.of("a1", debited(49)), 1)
    before = everything(ledger)
    with pytest.raises((sqlite3.IntegrityError, psycopg.Error), match="argument"):
        place.execute(change)
    assert everything(ledger) == before
