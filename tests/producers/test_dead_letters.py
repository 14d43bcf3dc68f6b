"""What came in and could not be used is kept, sealed, and read in bounded pages."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from producers.dead_letters import DeadLetters

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "letters.sqlite")


@pytest.fixture
def letters(path: str) -> Iterator[DeadLetters]:
    store = DeadLetters.on_sqlite(path, KEY)
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


def test_nothing_a_person_wrote_lies_readable_on_the_disk(letters: DeadLetters, path: str) -> None:
    keep(letters, body=b"Body=my+secret+words")
    letters.close()
    for file in Path(path).parent.iterdir():
        assert b"secret" not in file.read_bytes()


def test_another_key_opens_nothing(letters: DeadLetters, path: str) -> None:
    letter_id = keep(letters)
    other = DeadLetters.on_sqlite(path, bytes(32))
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


def test_letters_outlive_the_process(letters: DeadLetters, path: str) -> None:
    letter_id = keep(letters)
    letters.close()
    again = DeadLetters.on_sqlite(path, KEY)
    assert again.show(letter_id) is not None
    again.close()
