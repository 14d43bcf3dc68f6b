"""The command line of the distributed form, for what goes wrong: dead letters, and restoring."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Annotated

import typer
from rich.table import Column, Table

from deploy import restore as restoring
from deploy.archive import NothingThere
from deploy.distributed import letters as on_the_shelf
from deploy.distributed import roles
from deploy.distributed.asking import on_brokers, said_of
from deploy.distributed.stores import SharedStores
from deploy.parts import client_of, event_topics_of, topics_of
from deploy.saying import out
from deploy.settings import Settings
from domain.ledger import Ledger
from schemas.letters import Letter
from schemas.topics import Topic

dead = typer.Typer(help="What came in and could not be used.", no_args_is_help=True)
restore = typer.Typer(help="Ledgers from topics, and topics from ledgers.", no_args_is_help=True)

Origin = Annotated[str, typer.Argument(help="Where it lay, as `sayso dead list` names it.")]


@dead.command(name="list")
def list_letters() -> None:
    """List what came in and could not be used: where it lay, why, whose, and when."""
    settings = on_brokers(checked=False)
    whole = partial(Column, no_wrap=True, overflow="ignore")  # to be copied: `show` and `replay` take it
    table = Table(whole("Origin"), "Reason", "Account", "At", "Bytes", box=None)
    for letter in _letters(settings):
        size = "" if letter.value is None else f"{len(letter.value):,}"
        at = f"{letter.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(letter.origin, letter.reason.value, letter.account or "", at, size)
    out.print(table if table.row_count else "There are no dead letters.")


@dead.command()
def show(origin: Origin) -> None:
    """Show one of them: what is wrong with it, and its very bytes."""
    letter = _letter(on_brokers(checked=False), origin)
    typer.echo(f"{letter.reason.value}: {letter.detail}", err=True)
    sys.stdout.buffer.write(letter.value or b"")
    sys.stdout.buffer.flush()


@dead.command()
def replay(origin: Origin) -> None:
    """Put one of them on the commands topic again, once what was wrong is put right."""
    settings = on_brokers(checked=False)
    letter = _letter(settings, origin)
    if letter.key is None:
        raise NothingThere(
            f"The record from {origin} has no key, and would come back: publish it anew, with one."
        )
    commands_topic = topics_of(settings)[Topic.COMMANDS]
    with said_of(settings):
        on_the_shelf.replay(client_of(settings), commands_topic, settings.partitions, letter)
    out.print(f"{origin} is on {commands_topic} again.")


@restore.command()
def ledger() -> None:
    """Build empty ledgers from the topics alone. Nothing else may be at work."""
    with _everything() as (settings, ledgers):
        restoring.ledger_from_topics(ledgers, client_of(settings), event_topics_of(settings), out)
        out.print(f"{len(ledgers)} ledgers hold what the topics do.")


@restore.command(name="topics")
def fill_topics() -> None:
    """Fill empty topics from the ledgers. Nothing else may be at work."""
    with _everything() as (settings, ledgers):
        relay_id = partial(roles.relay_id, settings)
        restoring.topics_from_ledgers(ledgers, client_of(settings), event_topics_of(settings), relay_id, out)
        out.print(f"The topics hold what {len(ledgers)} ledgers do.")


@contextmanager
def _everything() -> Iterator[tuple[Settings, dict[int, Ledger]]]:
    settings = on_brokers()
    with ExitStack() as opened:
        stores = SharedStores(settings)
        opened.callback(stores.close)
        ledgers = {shard: stores.ledger(shard, stores.keys) for shard in range(settings.partitions)}
        for each in ledgers.values():
            opened.callback(each.close)
        yield settings, ledgers


def _letters(settings: Settings) -> Iterator[Letter]:
    with said_of(settings):
        yield from on_the_shelf.letters(client_of(settings), topics_of(settings)[Topic.DEAD_LETTERS])


def _letter(settings: Settings, origin: str) -> Letter:
    found = next((letter for letter in _letters(settings) if letter.origin == origin), None)
    if found is None:
        raise NothingThere(f"There is no dead letter from {origin}; `sayso dead list` names all.")
    return found
