"""A ledger in PostgreSQL: connections that break, owners that race, and what the server promises."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from time import monotonic, sleep

import psycopg
import pytest

from domain.ledger import Ledger, LedgerUnavailable, OutcomeUnknown, PositionConflict
from domain.ledger.postgres.connections import LedgerDatastore
from schemas.events import SegmentsDebited
from schemas.keystore import KeyStore
from schemas.postgres import CONNECTIONS_KEPT, CONNECTIONS_MAX, Connections
from tests.domain.ledger.conftest import Opener
from tests.domain.ledger.given import OPENED, READ, History, debited
from tests.domain.ledger.places import OnPostgres
from tests.support.wire import Wire

PATIENCE_S = 60
OTHERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
KILL = OTHERS.replace("pid FROM", "pg_terminate_backend(pid, 60000) FROM")
KILL_WHO_WAITS = f"{KILL} AND wait_event_type = 'Lock'"
WAITING = f"{OTHERS} AND wait_event_type = 'Lock'"


@pytest.fixture
def place(on_postgres: OnPostgres) -> OnPostgres:
    return on_postgres


@pytest.fixture
def wire(database: str) -> Iterator[Wire]:
    wire = Wire(database)
    yield wire
    wire.close()


@pytest.fixture
def far(wire: Wire, keys: KeyStore) -> Iterator[Ledger]:
    """Taken, over a wire; its statements are prepared, so that the next answer is about what is stored."""
    ledger = Ledger.open_postgres(wire.dsn, 0, keys)
    ledger.take()
    ledger.append([], 0)
    yield ledger
    ledger.close()


def until(true: Callable[[], object]) -> None:
    deadline_s = monotonic() + PATIENCE_S
    while not true():
        assert monotonic() < deadline_s, "it never came to pass"
        sleep(0.01)


def everything(ledger: Ledger) -> tuple[int, list[tuple[int, bytes]]]:
    return ledger.position(), ledger.notifications(after=0, limit=1_000)


@contextmanager
def holding(place: OnPostgres, statement: str) -> Iterator[psycopg.Connection]:
    """Somebody's transaction that has executed `statement` and is not at its end."""
    with closing(psycopg.connect(place.dsn)) as other:
        other.execute(statement.encode())
        yield other


# --- connections that break -------------------------------------------------------------------------


def test_connections_that_died_while_nobody_used_them_are_replaced_unnoticed(
    place: OnPostgres, ledger: Ledger, history: History
) -> None:
    ledger.append(history.of("c1", OPENED), 1)
    place.execute(KILL)
    assert ledger.append(history.of("c1", READ), 2) == range(2, 3)
    place.execute(KILL)
    assert len(ledger.read("c1")) == 2


def test_a_backend_that_is_killed_in_mid_append_leaves_the_ledger_as_it_was(
    place: OnPostgres, ledger: Ledger, history: History
) -> None:
    ledger.append(history.of("a1", debited(49)), 1)
    before = everything(ledger)
    batch = history.of("a1", *[READ] * 50)
    with ThreadPoolExecutor(1) as threads:
        with holding(place, "SELECT FROM ledger_0_tracking FOR UPDATE"):
            appending = threads.submit(ledger.append, batch, 2)
            until(lambda: place.execute(KILL_WHO_WAITS))
        with pytest.raises(LedgerUnavailable) as caught:
            appending.result(PATIENCE_S)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert everything(ledger) == before
    assert ledger.append(batch, 2) == range(2, 52)


def test_a_batch_whose_answer_was_lost_counts_as_what_it_is_stored(
    far: Ledger, wire: Wire, history: History
) -> None:
    wire.lose_the_next_answer()
    batch = history.of("a1", debited(49), debited(48))
    assert far.append(batch, 7) == range(1, 3)
    assert far.read("a1") == batch
    assert far.append(history.of("a1", debited(47)), 8) == range(3, 4)


@pytest.mark.parametrize("batch", [[], [debited(49)]])
def test_a_batch_whose_answer_is_lost_with_the_database_is_in_doubt_until_that_is_back(
    far: Ledger, wire: Wire, history: History, batch: list[SegmentsDebited]
) -> None:
    wire.lose_the_next_answer(then_refuse=True)
    with pytest.raises(OutcomeUnknown):
        far.append(history.of("a1", *batch), 7)
    for _ in range(2):
        with pytest.raises(LedgerUnavailable):
            far.resume()
        with pytest.raises(ValueError, match="resume first"):
            far.append([], 8)
    wire.mend()
    assert far.resume() == 7
    assert far.last_notification() == len(batch)
    next_one = history.of("a1", debited(48))
    assert far.append(next_one, 8) == range(len(batch) + 1, len(batch) + 2)


def test_who_is_in_doubt_learns_that_another_took_over(
    far: Ledger, wire: Wire, open_ledger: Opener, history: History
) -> None:
    wire.lose_the_next_answer(then_refuse=True)
    with pytest.raises(OutcomeUnknown):
        far.append(history.of("a1", debited(49)), 7)
    successor = open_ledger()
    assert successor.take() == 7
    wire.mend()
    with pytest.raises(PositionConflict):
        far.resume()
    assert successor.append(history.of("a1", debited(48)), 8) == range(2, 3)


def test_a_batch_that_could_not_be_sent_is_not_in_doubt(far: Ledger, wire: Wire, history: History) -> None:
    wire.cut()
    batch = history.of("a1", debited(49))
    with pytest.raises(LedgerUnavailable) as caught:
        far.append(batch, 7)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert far.resume() == 0
    wire.mend()
    assert far.append(batch, 7) == range(1, 2)


def test_a_database_that_cannot_be_reached_is_unavailable(keys: KeyStore, wire: Wire) -> None:
    wire.close()
    with pytest.raises(LedgerUnavailable):
        Ledger.open_postgres(wire.dsn, 0, keys)


def test_a_closed_ledger_is_unavailable(ledger: Ledger) -> None:
    ledger.close()
    with pytest.raises(LedgerUnavailable, match="closed"):
        ledger.read("a1")


# --- owners that race -------------------------------------------------------------------------------


def test_an_append_that_waits_for_a_takeover_comes_too_late(
    place: OnPostgres, ledger: Ledger, history: History
) -> None:
    """It looked at the row before the successor had committed."""
    with ThreadPoolExecutor(1) as threads:
        with holding(place, "UPDATE ledger_0_tracking SET epoch = epoch + 1") as successor:
            appending = threads.submit(ledger.append, history.of("a1", debited(49)), 0)
            until(lambda: place.execute(WAITING))
            successor.commit()
        assert isinstance(appending.exception(PATIENCE_S), PositionConflict)
    assert everything(ledger) == (0, [])


def test_a_takeover_waits_for_what_is_being_stored(
    place: OnPostgres, ledger: Ledger, open_ledger: Opener, history: History
) -> None:
    successor, batch = open_ledger(), history.of("a1", debited(49))
    with ThreadPoolExecutor(2) as threads:
        # An index entry that is not committed yet holds the append up when it has the position's row already.
        with holding(
            place, "INSERT INTO ledger_0_events VALUES (2, 9, 'x', 'x', ''), (1, 9, 'y', 'x', '')"
        ) as other:
            appending = threads.submit(ledger.append, batch, 5)
            until(lambda: len(place.execute(WAITING)) == 1)
            taking = threads.submit(successor.take)
            until(lambda: len(place.execute(WAITING)) == 2)
            other.rollback()
        assert appending.result(PATIENCE_S) == range(1, 2)
        assert taking.result(PATIENCE_S) == 5
    assert successor.append(history.of("a1", debited(48)), 5) == range(2, 3)


def test_of_owners_at_the_same_moment_one_writes_at_a_time(open_ledger: Opener) -> None:
    """Each takes the ledger and stores until it is taken away; whatever was answered is there, once."""
    owners = 4

    def store(owner: int) -> int:
        ledger, history, stored = open_ledger(), History(), 0
        ledger.take()
        try:
            for _ in range(25):
                ledger.append(history.of(f"c{owner}", READ), 0)
                stored += 1
        except PositionConflict:
            pass
        return stored

    with ThreadPoolExecutor(owners) as threads:
        stored = list(threads.map(store, range(owners)))
    reader = open_ledger()
    assert [len(reader.read(f"c{owner}")) for owner in range(owners)] == stored
    assert [number for number, _ in reader.notifications(0, 1_000)] == list(range(1, sum(stored) + 1))


def test_many_may_create_the_tables_at_once(place: OnPostgres) -> None:
    def open_both(shard: int) -> int:
        return place.ledger(place.keys(), shard % 2).take()

    epoch = "SELECT epoch FROM ledger_{}_tracking"
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(open_both, range(8))) == [0] * 8
    assert [place.execute(epoch.format(shard)) for shard in (0, 1)] == [[(4,)]] * 2


# --- what the server promises -----------------------------------------------------------------------


def test_a_batch_larger_than_any_buffer_is_stored(ledger: Ledger, history: History) -> None:
    assert ledger.append(history.of("a1", *[READ] * 10_000), 1) == range(1, 10_001)
    assert len(ledger.read("a1")) == 10_000


def test_every_commit_is_on_disk_whatever_the_database_is_used_to(place: OnPostgres) -> None:
    datastore = LedgerDatastore(f"{place.dsn}?options=-csynchronous_commit%3Doff")
    shown = [datastore.fetch(f"SHOW {setting}".encode()) for setting in ("synchronous_commit", "fsync")]
    assert shown == [[("on",)], [("on",)]]
    datastore.close()


def test_history_cannot_be_emptied(place: OnPostgres, ledger: Ledger, history: History) -> None:
    ledger.append(history.of("a1", debited(49)), 1)
    with pytest.raises(psycopg.Error, match="argument"):
        place.execute("TRUNCATE ledger_0_events")


def test_all_is_looked_up_by_index_even_in_a_small_table(place: OnPostgres, ledger: Ledger) -> None:
    ledger.append(History().of("a1", READ), 1)
    datastore = LedgerDatastore(place.dsn)
    plan = datastore.fetch(
        b"EXPLAIN SELECT FROM unnest(array['a']) AS a (s) WHERE NOT EXISTS"
        b"(SELECT FROM ledger_0_events WHERE originator_id = s AND originator_version = 1)"
    )
    assert "ledger_0_events_pkey" in str(plan)
    datastore.close()


def test_no_more_connections_are_kept_than_are_of_use(database: str) -> None:
    connections = Connections(database)

    def use(_: int) -> None:
        with connections.connection() as connection:
            connection.execute("SELECT pg_sleep(0.01)")

    with ThreadPoolExecutor(2 * CONNECTIONS_MAX) as threads:
        list(threads.map(use, range(4 * CONNECTIONS_MAX)))
    with closing(psycopg.connect(database, autocommit=True)) as looking:
        until(lambda: len(looking.execute(OTHERS).fetchall()) == CONNECTIONS_KEPT)
    connections.close()


def test_a_transaction_that_was_left_open_is_not_handed_on(database: str) -> None:
    connections = Connections(database)
    with connections.connection() as connection:
        connection.execute("BEGIN")
    with connections.connection() as another:
        assert another is not connection
    connections.close()
