"""Every drill, by its row of the issue's table."""

from collections.abc import Mapping
from typing import NamedTuple

from tests.drills.rows import row_01, row_03, row_06, row_09
from tests.drills.trial import Drill


class Row(NamedTuple):
    number: int
    title: str
    promises: str
    drills: Mapping[str, Drill]
    """By the form of Sayso that they are about."""


ROWS = {
    row.number: row
    for row in (
        Row(1, "kill -9 at a named point", "P1-P5", {"embedded": row_01.embedded}),
        Row(3, "an answer before the data is synced", "P2", {"embedded": row_03.run}),
        Row(9, "disk full, read-only, I/O error", "P2, P9", {"embedded": row_09.embedded}),
        Row(6, "SQLite's log cut at any byte", "P2, P4", {"embedded": row_06.run}),
    )
}
