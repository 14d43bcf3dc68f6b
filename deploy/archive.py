"""What was decided and what is shown of it, wherever it is kept: for whoever looks at all of it."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from consumers.topic_log import TopicLog
from deploy.distributed.stores import SharedStores
from deploy.parts import client_of, event_topics_of
from deploy.settings import Settings
from deploy.stores import LEDGER_FILE, SHARD, Stores
from projections import catalog
from projections.source import EventSource
from projections.tracking import source_of
from schemas.keystore import KeyStore


class NothingThere(Exception):
    """What was named does not exist; the message says what does."""


@dataclass(frozen=True)
class Archive:
    """Every event, by the name of its shard, and the views.

    Attributes:
        sources: logs for one reader; with brokers, what is on the topics.
        keys: open what people wrote.
        views: the database of the views, whose tables are there.
    """

    sources: Mapping[str, EventSource]
    keys: KeyStore
    views: Engine


@contextmanager
def opened(settings: Settings) -> Iterator[Archive]:
    """What a Sayso has kept that has run before, whether or not it runs now.

    Raises:
        NothingThere: none has run in that folder.
        SettingsError, StoresUnavailable: as the stores do.
    """
    with ExitStack() as stack:
        yield (_in_files if settings.kafka_bootstrap is None else _on_brokers)(settings, stack)


def require_files(folder: Path) -> None:
    """Return if a Sayso has run in that folder.

    Raises:
        NothingThere: none has.
    """
    if not (folder / LEDGER_FILE).exists():
        raise NothingThere(f"There is no ledger in {folder}. Set SAYSO_DATA_DIR to where Sayso works.")


def _in_files(settings: Settings, stack: ExitStack) -> Archive:
    require_files(settings.data_dir)
    stores = Stores(settings)
    stack.callback(stores.close)
    catalog.prepare(stores.views, [source_of(SHARD)])
    return Archive({source_of(SHARD): stores.ledger}, stores.keys, stores.views)


def _on_brokers(settings: Settings, stack: ExitStack) -> Archive:
    stores = SharedStores(settings)
    stack.callback(stores.close)
    client, topics = client_of(settings), event_topics_of(settings).values()
    sources: dict[str, EventSource] = {}
    for shard in range(settings.partitions):
        log = TopicLog(shard, client, topics)
        stack.callback(log.close)
        sources[source_of(shard)] = log
    return Archive(sources, stores.keys, stores.views)
