"""The table of promises names tests that there are, and has all nineteen parts of the product."""

import re
from pathlib import Path

HERE = Path(__file__).parent
TABLE = (HERE / "README.md").read_text()
NAMED = re.findall(r"`((?:\w+/)?test_\w+\.py)::(test_\w+)`", TABLE)


def test_every_test_it_names_exists() -> None:
    missing = [f"{file}::{test}" for file, test in NAMED if f"def {test}(" not in _text(file)]
    assert missing == []


def test_every_promise_is_shown_by_a_test() -> None:
    rows = [line for line in TABLE.splitlines() if line.startswith("| ") and "| shown by |" not in line]
    assert [row for row in rows if "::test_" not in row] == []
    assert [int(number) for number in re.findall(r"^\| \*\*(\d+) ", TABLE, re.MULTILINE)] == list(
        range(1, 21)
    )


def test_every_file_of_a_part_is_named() -> None:
    parts = {path.name for path in HERE.glob("test_[0-9]*.py")}
    assert len(parts) == 20
    assert parts <= {file for file, _ in NAMED}


def _text(file: str) -> str:
    return (HERE / file if "/" not in file else HERE.parent / file).read_text()
