"""The command line: `sayso`, or `python -m deploy`."""

import typer
from rich.console import Console

app = typer.Typer(help="Sayso: texting for hiring products.", no_args_is_help=True, add_completion=False)
console = Console()
