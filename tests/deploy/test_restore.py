"""From the topics alone to a ledger and back, the same to the last byte, or a clear no."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console

from consumers.merging import LogBroken
from deploy import restore
from deploy.local.broker import Broker
from deploy.restore import NotEmpty, NotRestored, Proof, ledger_from_topics, prove, topics_from_ledgers
from domain.ledger import Ledger
from projections.source import SourceUnavailable
from schemas.keystore import KeyStore
from tests.projections.history import History
from tests.support.event_topics import create_topics, published, things_happen
from tests.support.relays import Office, reaches

MASTER_KEY = b"m" * 32


class Files:
    """Ledgers of several shards in a folder, with one keystore."""

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        folder.mkdir(exist_ok=True)
        self.keys = KeyStore.open(folder / "keys.db", MASTER_KEY)
        opened.callback(self.keys.close)
        self.ledgers = {
            shard: Ledger.open(folder / f"ledger-{shard}.db", shard, self.keys) for shard in (0, 1)
        }
        for ledger in self.ledgers.values():
            opened.callback(ledger.close)

    def filled(self, times: int) -> "Files":
        for ledger in self.ledgers.values():
            ledger.take()
            recorded = things_happen(History(), times).recorded
            ledger.append(recorded, recorded[-1].context.position)
        return self

    def stored(self, shard: int) -> list[bytes]:
        return [data for _, data in self.ledgers[shard].notifications(0, 1_000_000)]


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=300)


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def office(broker: Broker) -> Office:
    return Office(broker)


def fill(office: Office, files: Files, console: Console) -> dict[int, Proof]:
    prefix = office.transactional_id
    return topics_from_ledgers(
        files.ledgers, office.client, office.topics, lambda shard: f"{prefix}-{shard}", console
    )


def test_there_and_back_again_every_byte_is_the_same(
    office: Office, broker: Broker, tmp_path: Path, opened: ExitStack, console: Console
) -> None:
    files = Files(tmp_path / "first", opened).filled(1_500)
    there = fill(office, files, console)
    for shard in files.ledgers:
        assert published(broker, office.topics, shard) == files.stored(shard)
    again = Files(tmp_path / "again", opened)
    back = ledger_from_topics(again.ledgers, office.client, office.topics, console)
    assert back == there
    for shard, ledger in again.ledgers.items():
        assert again.stored(shard) == files.stored(shard)
        assert ledger.position() == files.ledgers[shard].position()
        assert ledger.read("account", after=1_400) == files.ledgers[shard].read("account", after=1_400)
    assert "4,500 events on both sides" in said(console)
    assert "Restoring shard 1" in said(console)
    assert "The keys are not on the topics" in said(console)


def test_a_restored_ledger_goes_on(
    office: Office, tmp_path: Path, opened: ExitStack, console: Console
) -> None:
    history = things_happen(office.history, 20)
    with office.relaying() as relay:
        reaches(relay, 60)
        office.until_visible()
    again = Files(tmp_path / "again", opened)
    ledger_from_topics(again.ledgers, office.client, office.topics, console)
    ledger = again.ledgers[0]
    assert (ledger.position(), ledger.last_notification()) == (20, 60)
    things_happen(history, 1)
    assert ledger.append(history.recorded[60:], 21) == range(61, 64)


def test_a_ledger_in_postgresql_is_restored_as_well(
    office: Office, database: str, tmp_path: Path, opened: ExitStack, console: Console
) -> None:
    things_happen(office.history, 400)
    with office.relaying() as relay:
        reaches(relay, 1_200)
        office.until_visible()
    keys = KeyStore.open(tmp_path / "keys.db", MASTER_KEY)
    opened.callback(keys.close)
    ledger = Ledger.open_postgres(database, 0, keys)
    opened.callback(ledger.close)
    proofs = ledger_from_topics({0: ledger}, office.client, office.topics, console)
    assert (proofs[0].events, proofs[0].last) == (1_200, 1_200)
    assert [data for _, data in ledger.notifications(0, 2_000)] == office.stored


def test_the_checksum_is_one_that_anybody_can_compute(tmp_path: Path, opened: ExitStack) -> None:
    files = Files(tmp_path, opened).filled(3)
    whole = b"".join(len(data).to_bytes(8, "big") + data for data in files.stored(0))
    assert prove(files.ledgers[0]) == Proof(9, 9, hashlib.sha256(whole).hexdigest())


def test_only_empty_ledgers_are_restored(
    office: Office, tmp_path: Path, opened: ExitStack, console: Console
) -> None:
    files = Files(tmp_path, opened).filled(1)
    with pytest.raises(NotEmpty, match="The ledger of shard 0 holds 3 events"):
        ledger_from_topics(files.ledgers, office.client, office.topics, console)


def test_only_empty_topics_are_filled(
    office: Office, tmp_path: Path, opened: ExitStack, console: Console
) -> None:
    files = Files(tmp_path, opened).filled(1)
    fill(office, files, console)
    with pytest.raises(NotEmpty, match="The topics hold 3 events of shard 0"):
        fill(office, files, console)


def test_topics_that_lack_an_event_restore_nothing_more_than_is_before_it(
    office: Office, tmp_path: Path, opened: ExitStack, console: Console
) -> None:
    things_happen(office.history, 4)
    with office.producer() as producer:
        producer.begin()
        producer.publish(office.relay()._sorted(office.stored[:5]))
        relay = office.relay()
        relay._position = 7
        producer.publish(relay._sorted(office.stored[7:]))
    again = Files(tmp_path, opened)
    with pytest.raises(LogBroken, match="Event 6 is missing"):
        ledger_from_topics(again.ledgers, office.client, office.topics, console)
    assert again.stored(0) == office.stored[:5]


def test_what_is_not_equal_is_said(
    office: Office, tmp_path: Path, opened: ExitStack, console: Console
) -> None:
    files = Files(tmp_path / "first", opened).filled(2)
    fill(office, files, console)
    other = Files(tmp_path / "other", opened).filled(2)
    with pytest.raises(NotRestored, match="Shard 0 is not the same"):
        restore._proof_of(0, other.ledgers[0], office.client, office.topics, console)


def test_topics_that_cannot_be_filled_are_said(
    broker: Broker, tmp_path: Path, opened: ExitStack, console: Console
) -> None:
    office = Office(broker)
    files = Files(tmp_path, opened).filled(2)
    one = create_topics(broker, partitions=1)
    with pytest.raises(SourceUnavailable, match=r"Partition 1 of .* has no leader"):
        topics_from_ledgers(files.ledgers, office.client, one, lambda shard: f"no-{shard}", console)
