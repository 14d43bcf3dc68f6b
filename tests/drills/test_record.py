"""The record of long runs, and the document that shows it."""

import json
from dataclasses import asdict

from tests.drills.checker import Counts
from tests.drills.record import BEGIN, DOCUMENT, END, RECORD, totals, with_table

RUN = {"date": "2026-11-25T18:00:00+00:00", "commit": "abc", "seed": 1, "seconds": 60}


def line(row: int, fault: str, trials: int, failures: int, counts: Counts) -> str:
    came = {"row": row, "fault": fault, "trials": trials, "failures": failures}
    return json.dumps(RUN | came | asdict(counts))


def test_trials_of_all_runs_add_up() -> None:
    lines = [
        line(6, "cut", 100, 0, Counts(10, 12, 10)),
        line(1, "after-poll", 5, 0, Counts()),
        line(6, "cut", 50, 1, Counts(20, 21, 19, 1, 2)),
    ]
    first, second = totals(lines)
    assert (first.row, first.fault, first.trials) == (1, "after-poll", 5)
    assert (second.trials, second.failures, second.counts) == (150, 1, Counts(30, 33, 29, 1, 2))


def test_the_document_shows_them_between_its_marks() -> None:
    document = f"Before\n{BEGIN}\nold\n{END}\nafter\n"
    written = with_table(document, [line(6, "cut", 1_500, 0, Counts(10, 12, 10))])
    assert written.startswith("Before\n")
    assert written.endswith("after\n")
    assert "| 6 | cut | 1,500 | 0 | 10 | 12 | 10 | 0 | 0 |" in written
    assert "old" not in written


def test_the_document_is_up_to_date() -> None:
    document = DOCUMENT.read_text()
    assert with_table(document, RECORD.read_text().splitlines()) == document
