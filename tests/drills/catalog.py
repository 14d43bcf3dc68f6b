"""Every drill, by its row of the issue's table."""

from collections.abc import Mapping
from typing import NamedTuple

from tests.drills.rows import (
    row_01,
    row_02,
    row_03,
    row_04,
    row_05,
    row_06,
    row_07,
    row_08,
    row_09,
    row_10,
    row_11,
    row_12,
    row_13,
    row_14,
    row_15,
    row_16,
    row_16_spooled,
    row_19,
    row_20,
    storm,
)
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
        Row(0, "all of these, one upon the other", "P1-P5, P9", {"distributed": storm.distributed}),
        Row(
            1,
            "kill -9 at a named point",
            "P1-P5",
            {"embedded": row_01.embedded, "distributed": row_01.distributed},
        ),
        Row(2, "kill -9 at random", "P1-P5", {"distributed": row_02.distributed}),
        Row(
            3,
            "an answer before the data is synced",
            "P2",
            {"embedded": row_03.embedded, "distributed": row_03.distributed},
        ),
        Row(
            4,
            "a broker killed",
            "P5",
            {"distributed": row_04.distributed, "three nodes": row_04.three_nodes},
        ),
        Row(
            5, "PostgreSQL stopped at once, its backends killed", "P2-P5", {"distributed": row_05.distributed}
        ),
        Row(6, "SQLite's log cut at any byte", "P2, P4", {"embedded": row_06.run}),
        Row(
            7,
            "links cut, half open, reset, slow, one way",
            "P1-P5",
            {"embedded": row_07.embedded, "distributed": row_07.distributed},
        ),
        Row(8, "the end of a Kafka transaction held back", "P5", {"distributed": row_08.distributed}),
        Row(
            9,
            "disk full, read-only, I/O error",
            "P2, P9",
            {"embedded": row_09.embedded, "distributed": row_09.distributed},
        ),
        Row(10, "the clock jumps", "P1, P3", {"embedded": row_10.run}),
        Row(11, "status callbacks in every order", "P3, P4", {"embedded": row_11.decisions}),
        Row(12, "poison among good commands", "P9", {"distributed": row_12.distributed}),
        Row(13, "consumers joining and leaving", "P2, P5", {"distributed": row_13.distributed}),
        Row(14, "a consumer a hundred times slower", "P5", {"distributed": row_14.distributed}),
        Row(15, "zombie: an owner stopped past its session", "P2, P5", {"distributed": row_15.distributed}),
        Row(
            16,
            "STOP races texts",
            "P1",
            {"embedded": row_16.races, "distributed": row_16_spooled.distributed},
        ),
        Row(19, "everything in one thread, from a seed", "P1-P5", {"embedded": row_19.run}),
        Row(
            20,
            "the worst weather, and killed every few seconds",
            "P1-P5",
            {"embedded": row_20.embedded, "distributed": row_20.distributed},
        ),
    )
}
