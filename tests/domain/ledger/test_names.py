from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ledger import StreamNames

NAMES = StreamNames(b"s" * 32)
OTHER_SECRET = StreamNames(b"t" * 32)
UUID7 = UUID("0193580a-1111-7abc-8def-000000000001")
Namer = Callable[[StreamNames], str]

KINDS: dict[str, Namer] = {
    "a": lambda names: names.account("acme"),
    "c": lambda names: names.conversation("acme", "+14155550123"),
    "p": lambda names: names.candidate("acme", "candidate-1"),
    "r": lambda names: names.receipt("acme", UUID7),
}


@pytest.mark.parametrize(("letter", "name"), KINDS.items(), ids=KINDS)
def test_a_name_is_its_kinds_letter_and_a_keyed_hash(letter: str, name: Namer) -> None:
    assert name(NAMES)[0] == letter
    assert name(NAMES) == name(StreamNames(b"s" * 32))
    assert name(NAMES) != name(OTHER_SECRET)
    assert set(name(NAMES)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def test_names_are_for_ever() -> None:
    """A ledger's events are found by these: another way of naming would lose them all."""
    assert [name(NAMES) for name in KINDS.values()] == [
        "aIXlA_OhSudDCzuU3DnsFhQ",
        "cMPXYrxR1qQDAs6mlZyjZtA",
        "p_jeZPPfTcUUY1XSSgVDruQ",
        "r0193580a11117sIqbV-y6WQ3x5UZ",
    ]


def test_kinds_and_accounts_do_not_share_names() -> None:
    assert NAMES.conversation("acme", "x")[1:] != NAMES.candidate("acme", "x")[1:]
    assert NAMES.conversation("acme", "x") != NAMES.conversation("other", "x")
    assert NAMES.receipt("acme", UUID7) != NAMES.receipt("other", UUID7)


def test_receipts_of_version_7_ids_sort_by_time() -> None:
    ids = [UUID(int=UUID7.int + (number << 80)) for number in range(100)]
    names = [NAMES.receipt("acme", command_id) for command_id in ids]
    assert names == sorted(names)
    assert names[0].startswith("r0193580a1111")


@given(st.uuids(), st.uuids())
def test_every_command_has_a_receipt_of_its_own(first: UUID, second: UUID) -> None:
    same = NAMES.receipt("acme", first) == NAMES.receipt("acme", second)
    assert same == (first == second)


def test_any_other_version_of_id_will_do() -> None:
    assert len({NAMES.receipt("acme", uuid4()) for _ in range(100)}) == 100


def test_a_fingerprint_tells_contents_apart() -> None:
    assert NAMES.fingerprint(b"{}") == NAMES.fingerprint(b"{}")
    assert NAMES.fingerprint(b"{}") != NAMES.fingerprint(b"[]")
    assert NAMES.fingerprint(b"{}") != OTHER_SECRET.fingerprint(b"{}")
    assert len(NAMES.fingerprint(b"")) == 32


@pytest.mark.parametrize("length", [0, 15, 65])
def test_a_secret_that_keeps_nothing_secret_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="16 to 64 bytes"):
        StreamNames(b"s" * length)
