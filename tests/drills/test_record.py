"""The record of long runs, and the document that shows it."""

import json
from dataclasses import asdict

from tests.drills.checker import Counts, Finding
from tests.drills.record import BEGIN, DOCUMENT, END, RECORD, Result, lines, totals, with_table
from tests.drills.trial import Trial

RUN = {"date": "2026-11-25T18:00:00+00:00", "commit": "abc", "seed": 1, "seconds": 60}


def line(row: int, fault: str, trials: int, failures: int, counts: Counts) -> str:
    came = {"row": row, "fault": fault, "trials": trials, "failures": failures}
    return json.dumps(RUN | came | asdict(counts))


def test_trials_of_all_runs_add_up() -> None:
    record = [
        line(6, "cut", 100, 0, Counts(10, 12, 10)),
        line(1, "after-poll", 5, 0, Counts()),
        line(6, "cut", 50, 1, Counts(20, 21, 19, 1, 2)),
    ]
    first, second = totals(record)
    assert (first.row, first.fault, first.trials) == (1, "after-poll", 5)
    assert (second.trials, second.failures, second.counts) == (150, 1, Counts(30, 33, 29, 1, 2))


def test_what_failed_is_kept_with_its_own_seed() -> None:
    result, finding = Result(19, "anything"), Finding("P3", "handed over twice", "somewhere")
    for seed in range(7, 10):
        result.add(Trial("anything", [finding] if seed == 8 else [], seed=seed))
    (line,) = lines([result], RUN)
    told = json.loads(line)
    assert (told["trials"], told["failures"], told["seeds_failed"]) == (3, 1, [8])
    assert told["duplicates"] == 0


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
