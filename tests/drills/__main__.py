"""The long form of the drills: `python -m tests.drills`; `--help` tells what can be chosen.

It may be stopped at any time: what was done until then is on the record.
"""

import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from deploy.logs import configure_logs
from tests.drills import record
from tests.drills.catalog import ROWS, Row
from tests.drills.distributed import PROCESSES
from tests.drills.nursery import Nursery
from tests.drills.record import Result
from tests.drills.servers import Servers
from tests.drills.trial import Drill, NoSuchFault, Place, Trial

MINUTES = 5.0
FINDINGS_SHOWN = 20
COLUMNS_MIN = 120
console = Console()
console.width = max(console.width, COLUMNS_MIN)


app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command()
def main(
    row: Annotated[list[int] | None, typer.Option(help="Only this row; may be repeated.")] = None,
    form: Annotated[str | None, typer.Option(help="Only this form, such as embedded or distributed.")] = None,
    fault: Annotated[list[str] | None, typer.Option(help="Only this fault; may be repeated.")] = None,
    minutes: Annotated[float, typer.Option(help="For each row and form.")] = MINUTES,
    trials: Annotated[int | None, typer.Option(help="At most so many trials for each.")] = None,
    seed: Annotated[int | None, typer.Option(help="Repeats a run; a new one if not given.")] = None,
    record_it: Annotated[bool, typer.Option("--record/--no-record", help="Add to docs/drills.jsonl.")] = True,
) -> None:
    """Inject faults again and again, check the promises after each, and keep the record."""
    configure_logs("critical")  # what drills in this very process provoke, others tell in their own logs
    seed = secrets.randbits(31) if seed is None else seed
    console.print(f"seed {seed}: repeat with --seed {seed}")
    failed, others = list[bool](), list[str]()
    for one in [ROWS[number] for number in row or sorted(ROWS)]:
        for name, drill in one.drills.items():
            if form in (None, name):
                limits, faults = _Limits(minutes, trials), frozenset(fault or ())
                try:
                    failed.append(_run(one, drill, limits, seed, faults, record_it))
                except NoSuchFault as no:
                    others.append(str(no))
    if not failed:
        raise typer.BadParameter(f"There are these: {', '.join(others)}.", param_hint="--fault, --form")
    sys.exit(any(failed))


class _Limits:
    def __init__(self, minutes: float, trials: int | None) -> None:
        self.until = time.monotonic() + 60 * minutes
        self.trials = trials

    def passed(self, trials: int) -> bool:
        return time.monotonic() > self.until or (self.trials is not None and trials >= self.trials)


def _run(row: Row, drill: Drill, limits: _Limits, seed: int, faults: frozenset[str], record_it: bool) -> bool:
    """Run one drill for as long as it may; whether anything failed. A failure ends it and keeps its files."""
    began, folder = datetime.now(UTC), Path(tempfile.mkdtemp(prefix=f"sayso-drill-{row.number}-"))
    results: dict[str, Result] = {}
    failed: Trial | None = None
    try:
        with (
            Nursery() as nursery,
            ExitStack() as stack,
            Live(console=console, auto_refresh=False) as live,
        ):
            servers = cache(lambda: stack.enter_context(Servers(folder / "servers", PROCESSES)))
            for trial in _trials(drill, Place(folder, seed, nursery, servers, faults)):
                results.setdefault(trial.fault, Result(row.number, trial.fault)).add(trial)
                live.update(_table(row, results), refresh=True)
                _tell_more(trial)
                failed = trial if trial.findings else None
                if failed or limits.passed(sum(result.trials for result in results.values())):
                    break
    except KeyboardInterrupt:
        console.print("Stopped.")
    if failed:
        _tell(row, failed, seed, folder)
    else:
        shutil.rmtree(folder)
    if record_it and results:
        record.keep(results.values(), seed, began)
    return failed is not None


def _trials(drill: Drill, place: Place) -> Iterator[Trial]:
    with closing(drill(place)) as trials:  # type: ignore[type-var]  # a generator, which has `close`
        yield from trials


def _tell(row: Row, trial: Trial, seed: int, folder: Path) -> None:
    console.print(f"[red]{trial.fault}: {len(trial.findings)} findings, with seed {seed}; files in {folder}")
    for finding in trial.findings[:FINDINGS_SHOWN]:
        console.print(f"  {finding.promise}  {finding.rule}  {finding.where}", markup=False)
    if trial.seed is not None:
        again = f'--row {row.number} --fault "{trial.fault}" --seed {trial.seed} --trials 1'
        console.print(f"  This trial alone: {again}", markup=False, soft_wrap=True)


def _tell_more(trial: Trial) -> None:
    """What a drill counts besides what all of them do."""
    if trial.told:
        table = Table("", "", title=trial.fault, show_header=False)
        for name, figure in trial.told.items():
            table.add_row(name, f"{figure:,}" if isinstance(figure, int) else str(figure))
        console.print(table)


def _table(row: Row, results: dict[str, Result]) -> Table:
    table = Table("fault", title=f"{row.number} {row.title} ({row.promises})")
    for name in ("trials", "failures", "commands", "attempts", "receipts", "duplicates", "losses"):
        table.add_column(name, justify="right")
    for result in sorted(results.values(), key=lambda one: one.fault):
        counts = result.counts
        figures = (
            result.trials, result.failures,
            counts.commands, counts.attempts, counts.receipts, counts.duplicates, counts.losses,
        )  # fmt: skip
        table.add_row(result.fault, *(f"{figure:,}" for figure in figures))
    return table


if __name__ == "__main__":
    app()
