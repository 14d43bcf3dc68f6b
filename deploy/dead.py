"""The command line for what came in and could not be used, in either form."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from deploy.archive import NothingThere
from deploy.choosing import OfDemo, settings_of
from deploy.dead_letters import Kept, opened
from deploy.saying import out, printable
from deploy.saying import show as print_table

dead = typer.Typer(help="What came in and could not be used.", no_args_is_help=True)

Origin = Annotated[str, typer.Argument(help="What `sayso dead list` calls it.")]


@dead.command(name="list")
def list_letters(demo: OfDemo = None) -> None:
    """List what came in and could not be used: where it lay, why, whose, and when."""
    whole = Column("Origin", no_wrap=True, overflow="ignore")  # to be copied: `show` and `replay` take it
    table = Table(whole, "Reason", "Account", "At", "Bytes", box=None)
    with opened(settings_of(demo)) as letters:
        for letter in letters:
            size = "" if letter.size_bytes is None else f"{letter.size_bytes:,}"
            at = f"{letter.at:%Y-%m-%d %H:%M:%S}"
            said = (letter.origin, letter.reason, letter.account or "", at, size)
            table.add_row(*(Text(printable(one)) for one in said))
    if table.row_count:
        print_table(table, out)
    else:
        out.print("There are no dead letters.")


@dead.command()
def show(origin: Origin, demo: OfDemo = None) -> None:
    """Show one of them: what is wrong with it, and its very bytes; at a terminal, escaped."""
    with opened(settings_of(demo)) as letters:
        letter = _named(letters, origin)
        content = letter.content()
    typer.echo(printable(f"{letter.reason}: {letter.detail}"), err=True)
    if sys.stdout.isatty():  # whoever wrote it would else write to the operator's terminal
        lines = content.decode(errors="backslashreplace").split("\n")
        typer.echo("\n".join(map(printable, lines)))
        return
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


@dead.command()
def replay(origin: Origin, demo: OfDemo = None) -> None:
    """Send one of them again, once what was wrong is put right. It stays in the list."""
    with opened(settings_of(demo)) as letters:
        out.print(printable(_named(letters, origin).replay()), markup=False)


def _named(letters: Iterable[Kept], origin: str) -> Kept:
    found = next((letter for letter in letters if letter.origin == origin), None)
    if found is None:
        raise NothingThere(f"There is no dead letter from {origin}; `sayso dead list` names all.")
    return found
