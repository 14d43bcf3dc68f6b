"""What came in and could not be used is kept, sealed, and read in bounded pages."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from cryptography.exceptions import InvalidTag

from producers.dead_letters import DeadLetters

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = bytes(range(32))


Opened = Callable[[bytes], DeadLetters]
"""The store, opened with that key: the same one every time."""


@pytest.fixture(params=["on_sqlite", "on_postgres"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    if request.param == "on_sqlite":
        return lambda key: DeadLetters.on_sqlite(str(tmp_path / "letters.sqlite"), key)
    dsn = request.getfixturevalue("database")
    return lambda key: DeadLetters.on_postgres(dsn, key)


@pytest.fixture
def letters(opened: Opened) -> Iterator[DeadLetters]:
    store = opened(KEY)
    yield store
    store.close()


def keep(letters: DeadLetters, account: str | None = "acme", body: bytes = b"Body=call+me") -> int:
    return letters.keep("twilio-inbound", "fields_wrong", body, account, NOW)


def test_a_letter_can_be_read_again(letters: DeadLetters) -> None:
    shown = letters.show(keep(letters))
    assert shown is not None
    letter, body = shown
    assert body == b"Body=call+me"
    assert (letter.at, letter.source, letter.reason) == (NOW, "twilio-inbound", "fields_wrong")
    assert (letter.account, letter.body_bytes) == ("acme", 12)


def test_nothing_a_person_wrote_lies_readable_on_the_disk(tmp_path: Path) -> None:
    letters = DeadLetters.on_sqlite(str(tmp_path / "letters.sqlite"), KEY)
    keep(letters, body=b"Body=my+secret+words")
    letters.close()
    for file in tmp_path.iterdir():
        assert b"secret" not in file.read_bytes()


def test_nothing_a_person_wrote_is_readable_in_the_rows(database: str) -> None:
    letters = DeadLetters.on_postgres(database, KEY)
    keep(letters, body=b"Body=my+secret+words")
    letters.close()
    with psycopg.connect(database) as connection:
        (sealed,) = connection.execute("SELECT sealed FROM dead_letters").fetchone() or ()
    assert b"secret" not in sealed


def test_processes_that_start_at_once_share_one_store(database: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        stores = list(threads.map(lambda key: DeadLetters.on_postgres(database, key), [KEY] * 4))
    keep(stores[0])
    assert [store.count() for store in stores] == [1] * 4
    for store in stores:
        store.close()


def test_another_key_opens_nothing(letters: DeadLetters, opened: Opened) -> None:
    letter_id = keep(letters)
    other = opened(bytes(32))
    with pytest.raises(InvalidTag):
        other.show(letter_id)
    other.close()


def test_pages_go_from_the_newest_back_and_each_account_sees_its_own(letters: DeadLetters) -> None:
    mine = [keep(letters) for _ in range(5)]
    theirs = keep(letters, account="other")
    lost = keep(letters, account=None)
    first = letters.page("acme", limit=3)
    assert [letter.id for letter in first] == mine[:1:-1]
    assert [letter.id for letter in letters.page("acme", 3, before=first[-1].id)] == [mine[1], mine[0]]
    assert [letter.id for letter in letters.page(None, limit=2)] == [lost, theirs]
    assert (letters.count("acme"), letters.count()) == (5, 7)
    assert letters.show(theirs, "acme") is None


def test_letters_outlive_the_process(letters: DeadLetters, opened: Opened) -> None:
    letter_id = keep(letters)
    letters.close()
    again = opened(KEY)
    assert again.show(letter_id) is not None
    again.close()
