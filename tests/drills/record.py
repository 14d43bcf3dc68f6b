"""The record of all long runs: a line of JSON per run and fault in `docs/drills.jsonl`, never changed."""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.drills.checker import NONE, Counts
from tests.drills.trial import Trial

PROJECT = Path(__file__).parents[2]
RECORD = PROJECT / "docs" / "drills.jsonl"
DOCUMENT = PROJECT / "docs" / "drills.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


@dataclass
class Result:
    """What came of one fault."""

    row: int
    fault: str
    trials: int = 0
    failures: int = 0
    counts: Counts = NONE
    seeds_failed: list[int] = field(default_factory=list)
    """Of trials that have seeds of their own."""

    def add(self, trial: Trial) -> None:
        self.trials += 1
        self.failures += bool(trial.findings)
        if trial.findings and trial.seed is not None:
            self.seeds_failed.append(trial.seed)
        self.counts += trial.counts


def keep(results: Iterable[Result], seed: int, began: datetime) -> None:
    """Add a line for each of `results` to the record, and bring the document's table up to date."""
    head: dict[str, Any] = {
        "date": began.isoformat(timespec="seconds"),
        "commit": _commit(),
        "seed": seed,
        "seconds": round((datetime.now(UTC) - began).total_seconds()),
    }
    with RECORD.open("a") as record:
        record.writelines(f"{line}\n" for line in lines(results, head))
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(), RECORD.read_text().splitlines()))


def lines(results: Iterable[Result], head: Mapping[str, Any]) -> Iterator[str]:
    """What is kept of each of `results`, after what all have in common."""
    for result in results:
        fields = asdict(result)
        del fields["counts"]
        if not result.seeds_failed:
            del fields["seeds_failed"]
        yield json.dumps({**head, **fields, **asdict(result.counts)})


def totals(record: Iterable[str]) -> list[Result]:
    """All runs of each fault together, in the order of rows."""
    found: dict[tuple[int, str], Result] = {}
    for line in record:
        run = json.loads(line)
        result = found.setdefault((run["row"], run["fault"]), Result(run["row"], run["fault"]))
        result.trials += run["trials"]
        result.failures += run["failures"]
        result.counts += Counts(*(run[name] for name in asdict(Counts())))
    return [found[name] for name in sorted(found)]


def with_table(document: str, record: Sequence[str]) -> str:
    """`document` with the table of results as the record has them. Raises ValueError without the marks."""
    before, rest = document.split(BEGIN)
    _, after = rest.split(END)
    heads = ("row", "fault", "trials", "failures", *asdict(Counts()))
    rows = [
        (result.row, result.fault, result.trials, result.failures, *astuple(result.counts))
        for result in totals(record)
    ]
    table = [heads, ("---:", ":---", *["---:"] * (len(heads) - 2)), *rows]
    written = "\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in table)
    return f"{before}{BEGIN}\n\n{written}\n\n{END}{after}"


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _commit() -> str:
    asked = ["git", "rev-parse", "--short=10", "HEAD"]
    return subprocess.run(asked, cwd=PROJECT, check=True, capture_output=True, text=True).stdout.strip()
