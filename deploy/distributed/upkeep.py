"""The command line of the distributed form, for what goes wrong: restoring."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import typer

from deploy import restore as restoring
from deploy.distributed import roles
from deploy.distributed.asking import on_brokers
from deploy.distributed.stores import SharedStores
from deploy.parts import client_of, event_topics_of
from deploy.saying import out
from deploy.settings import Settings
from domain.ledger import Ledger

restore = typer.Typer(help="Ledgers from topics, and topics from ledgers.", no_args_is_help=True)


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
