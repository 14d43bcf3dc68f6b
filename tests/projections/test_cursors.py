import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections import cursors
from projections.cursors import BadCursor

printable = st.text(max_size=30).filter(str.isprintable)


@given(st.integers(-(2**63), 2**63 - 1), printable)
def test_a_cursor_gives_back_its_place(number: int, text: str) -> None:
    assert cursors.read("list", cursors.write("list", (number, text)), (int, str)) == (number, text)


@pytest.mark.parametrize(
    "cursor",
    [
        "", "x", "\N{SNOWMAN}", "e30", "bnVsbA", "W10", "A" * 2_000,
        cursors.write("other", (1,)),
        cursors.write("list", ("1",)),
        cursors.write("list", (True,)),
        cursors.write("list", (1, 2)),
        cursors.write("list", (2**63,)),
        base64.urlsafe_b64encode(b"[" * 750).decode(),
    ],
)  # fmt: skip
def test_anything_else_is_a_bad_cursor(cursor: str) -> None:
    with pytest.raises(BadCursor):
        cursors.read("list", cursor, (int,))


@pytest.mark.parametrize("text", ["a\0", "\ud800"])
def test_no_text_that_a_database_cannot_hold_gets_in(text: str) -> None:
    with pytest.raises(BadCursor):
        cursors.read("list", cursors.write("list", (text,)), (str,))


@given(st.text(max_size=60))
def test_no_text_breaks_it(cursor: str) -> None:
    with pytest.raises(BadCursor):
        cursors.read("list", cursor, (int, int, int, int))
