"""Runs the benchmarks: `python -m tests.benchmarks [NAME...]`; all of them, if none is named.

A benchmark is a module `bench_NAME` beside this one, whose `run()` returns `Result`s.
"""

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.benchmarks.result import Result

COLUMNS_MIN = 120

console = Console()
console.width = max(console.width, COLUMNS_MIN)


def main(names: Sequence[str]) -> None:
    """Run `names` one after the other and show what they found as one table."""
    known = [path.stem.removeprefix("bench_") for path in sorted(Path(__file__).parent.glob("bench_*.py"))]
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"No benchmark is called {', '.join(sorted(unknown))}. There are: {', '.join(known)}.")
    table = Table("benchmark", "figure", "value", "target", "target met")
    for column in table.columns[2:]:
        column.justify = "right"
    for name, result in _results(names or known):
        ratio = result.ratio
        met = "" if ratio is None else f"[{'green' if ratio >= 1 else 'red'}]{ratio:.2f} ×"
        target = "" if result.target is None else _figure(result.target, result.unit)
        table.add_row(name, result.name, _figure(result.value, result.unit), target, met)
    console.print(table)


def _results(names: Sequence[str]) -> Iterator[tuple[str, Result]]:
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=len(names))
        for name in names:
            progress.update(task, description=name)
            module = import_module(f"tests.benchmarks.bench_{name}")
            yield from ((name, result) for result in module.run())
            progress.advance(task)


def _figure(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:,.2f} {unit}"


if __name__ == "__main__":
    main(sys.argv[1:])
