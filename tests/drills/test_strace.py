"""An answer before the sync is told from one after it, in the order in which the kernel heard of them."""

from pathlib import Path

import pytest

from tests.drills.rows.row_03 import answered
from tests.drills.strace import steps

RECEIPT = r'"...\"commandid\":\"01a213e4-f1dd-78b3-a544-6dd4552b82f6\"..."'
GETS = f"11 recvfrom(9<socket:[5]>, {RECEIPT}, 8192, 0, NULL, NULL) = 900"
TELLS = '11 sendto(9<socket:[5]>, "C\\0\\0", 40, 0, NULL, 0) = 40'
SYNCS = "11 fdatasync(4</data/pg_wal/01>) = 0"
REFUSES = r'11 sendto(9<socket:[5]>, "D\0\0\0\17\0\2\0\0\0\1\0\377C", 40, 0, NULL, 0) = 40'
ANOTHER_BEGINS = "12 fdatasync(4</data/pg_wal/01> <unfinished ...>"
ANOTHER_ENDS = "12 <... fdatasync resumed>) = 0"


@pytest.mark.parametrize(
    ("lines", "early"),
    [
        ([GETS, SYNCS, TELLS], 0),
        ([GETS, TELLS, SYNCS], 1),
        ([GETS, TELLS], 1),
        ([SYNCS, GETS, TELLS], 1),
        ([GETS, ANOTHER_BEGINS, ANOTHER_ENDS, TELLS], 0),
        ([GETS, ANOTHER_BEGINS, TELLS, ANOTHER_ENDS], 1),
        ([ANOTHER_BEGINS, GETS, ANOTHER_ENDS, TELLS], 1),
        ([GETS, SYNCS.replace("= 0", "= -1 EIO (Input/output error)"), TELLS], 1),
        ([GETS, SYNCS.replace("pg_wal", "base"), TELLS], 1),
    ],
)
def test_the_server_answers_after_a_sync_that_began_after_it_got_the_batch(
    tmp_path: Path, lines: list[str], early: int
) -> None:
    (tmp_path / "strace").write_text("\n".join(lines) + "\n")
    answers, found = answered(steps(tmp_path / "strace"))
    assert (answers, len(found)) == (1, early)


def test_what_the_server_refused_needs_no_sync(tmp_path: Path) -> None:
    (tmp_path / "strace").write_text(f"{GETS}\n{REFUSES}\n")
    assert answered(steps(tmp_path / "strace")) == (0, [])
