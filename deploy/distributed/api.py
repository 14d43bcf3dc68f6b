"""The HTTP interface: one process of many. It decides nothing: it publishes commands, and reads views."""

from typing import Self

from fastapi import FastAPI

from deploy.clock import utc_now
from deploy.distributed.stores import SharedStores
from deploy.distributed.watches import Watches
from deploy.http import call_intake, http_app, open_spool
from deploy.observability import Observability
from deploy.parts import (
    client_of,
    feeds_of,
    names_of,
    seal_of,
    topics_of,
)
from deploy.settings import Settings
from producers.kafka_door import KafkaDoor
from projections.listening import ChangeListener
from projections.queries import Queries
from schemas.topics import Topic
from schemas.tracing import Channel


class ApiProcess:
    """The HTTP interface over brokers and PostgreSQL; serving it is for a server."""

    def __init__(self, settings: Settings) -> None:
        """Open what is shared.

        Raises:
            SettingsError, StoresUnavailable: as `SharedStores` does.
        """
        self.settings = settings
        self._topics = topics_of(settings)
        self.observability = Observability.to(settings.otlp_url)
        self.stores = SharedStores(settings)
        self.waiting_calls = self.stores.waiting_calls()
        self.spool = open_spool(settings)
        self.feeds = feeds_of(settings)
        self.listener = ChangeListener(self.stores.views, self.feeds)
        self.door = KafkaDoor(
            client_of(settings),
            self._topics[Topic.COMMANDS],
            self._topics[Topic.RECEIPTS],
            settings.partitions,
            names_of(settings),
            seal_of(settings),
            Queries(self.stores.views).receipt_answer,
        )
        self._watches = Watches(client_of(settings), self._topics[Topic.COMMANDS], self.stores.views)
        self.calls = call_intake(
            self.stores, self.spool, self.door, self.observability, utc_now, self.waiting_calls
        )
        self.app = self._app()

    def __enter__(self) -> Self:
        """Begin to hear of receipts and changes."""
        self.listener.start()
        self.door.start()
        self._watches.start()
        self.calls.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let everything go."""
        self.calls.stop()
        self._watches.stop()
        self.door.close()
        self.spool.close()
        self.waiting_calls.close()
        self.listener.stop()
        self.observability.close()
        self.stores.close()

    def let_go(self) -> None:
        """End the live streams, for a server that is about to stop."""
        self.feeds.close()

    def _app(self) -> FastAPI:
        readiness = {
            **self._watches.checks,
            "door": lambda: None if self.door.following else "Receipts are not heard of any more.",
            "listener": lambda: None if self.listener.listening else "Changes are not heard of.",
        }
        return http_app(
            self.settings,
            self.observability,
            self.stores,
            self.calls,
            Channel("kafka", self._topics[Topic.COMMANDS]),
            self.feeds,
            readiness,
            utc_now,
        )
