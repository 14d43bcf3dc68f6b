"""Dead letters keep the whole record, and say what is wrong with it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.letters import Letter, Reason, headers_of, letter_of

AT = datetime(2026, 3, 2, 20, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ACCOUNTS = st.none() | st.just("acme")
MAYBE_BYTES = st.none() | st.binary(max_size=50)


@given(st.sampled_from(Reason), ACCOUNTS, MAYBE_BYTES, MAYBE_BYTES, st.lists(st.tuples(TEXTS, st.binary())))
def test_what_a_letter_is_made_of_is_found_in_it(
    reason: Reason,
    account: str | None,
    key: bytes | None,
    value: bytes | None,
    headers: list[tuple[str, bytes]],
) -> None:
    letter = Letter(reason, "sayso.commands/3/14", "Wrong.", AT, account, key, value, headers)
    record_key = None if account is None else account.encode()
    assert letter_of(record_key, value or b"", headers_of(letter)) == letter


def test_what_is_no_letter_says_so() -> None:
    with pytest.raises(ValueError, match="sayso-reason"):
        letter_of(b"acme", b"{}", [])
