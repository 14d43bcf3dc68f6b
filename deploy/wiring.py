"""How Sayso is put together in one process. For many processes, see `deploy.distributed`."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Self

from fastapi import FastAPI

from consumers.dispatcher import Dispatcher
from consumers.inbox import Inbox
from consumers.observing import ObservedCarriers, ObservedShard, ObservedViews
from consumers.projector import Projected, Projector
from consumers.rates import Rates
from consumers.worker import Worker
from deploy.clock import utc_now
from deploy.http import call_intake, http_app, open_spool
from deploy.observability import Observability
from deploy.parts import (
    callback_of,
    carrier_rates_of,
    limits_of,
    names_of,
    open_carriers,
    open_fetcher,
    patience_of,
    policy_of,
)
from deploy.settings import Settings
from deploy.stores import SHARD, Stores, require_same_names, said_of, sole_owner
from domain.ledger import LedgerUnavailable
from producers.spooled_first import SpooledFirst
from projections import catalog
from projections.watching import DatabaseWatch
from projections.worklist import Worklist
from schemas.tracing import INBOX

SPOOL_FIRST_S_MAX = 10.0
"""How long a start waits until what was spooled is taken in: a STOP among it goes before any text."""
LAG_EVENTS_MAX = 20_000
"""How far the views may be behind before no more traffic should come."""


class Sayso:
    """All of it in one process: one shard, its worker, views, dispatcher and the HTTP door."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime] = utc_now,
        observability: Observability | None = None,
    ) -> None:
        """Open what is in the settings' folder, or begin there.

        Raises:
            AlreadyRunning: another process works in that folder.
            SettingsError: the secrets are others than those that the files were made with.
            StoresUnavailable: the files cannot be opened.
        """
        self.settings = settings
        names = names_of(settings)
        with ExitStack() as opened:
            opened.enter_context(sole_owner(settings.data_dir))
            self.stores = Stores(settings)
            opened.callback(self.stores.close)
            require_same_names(self.stores.ledger, self.stores.keys, names)
            with said_of(settings.data_dir):
                self.inbox = Inbox(self.stores.ledger.take())
            self.spool = open_spool(settings)
            opened.callback(self.spool.close)
            self.carriers = opened.enter_context(open_carriers(settings, clock))
            self.observability = observability or Observability.to(settings.otlp_url)
            metrics, tracer = self.observability.consumers, self.observability.tracer
            self.fetcher = opened.enter_context(
                open_fetcher(settings, self.stores, self.inbox, clock, metrics, SHARD)
            )
            self._opened = opened.pop_all()
        shard = ObservedShard(
            SHARD, self.stores.ledger, names, policy_of(settings), clock, metrics=metrics, tracer=tracer
        )
        self._views = ObservedViews(metrics, shard=SHARD, tracer=tracer)
        self.projector = Projector(
            self.stores.ledger, self.stores.views, self.stores.keys, on_batch=self._projected
        )
        self.database = DatabaseWatch(self.stores.views)
        self.worker = Worker(shard, self.inbox, [lambda _: self.projector.wake()])
        self.dispatcher = Dispatcher(
            Worklist(self.stores.views, SHARD),
            SpooledFirst(self.inbox, self.spool),
            ObservedCarriers(self.carriers, metrics, shard=SHARD, tracer=tracer),
            callback_of(settings),
            clock,
            settings.hand_overs_max,
            Rates(limits_of(settings), carrier_rates_of(settings)),
            patience_of(settings),
        )
        metrics.standing.cached(SHARD, shard.states)
        metrics.standing.waiting(SHARD, self.inbox)
        metrics.standing.projection(SHARD, self.projector)
        metrics.standing.limits(SHARD, self.dispatcher)
        self.calls = call_intake(self.stores, self.spool, self.inbox, self.observability, clock)
        self.app = self._app(clock)

    def start(self) -> None:
        """Begin to work. The HTTP door is for a server to run."""
        self.projector.catch_up()
        catalog.drop_former(self.stores.views)
        self.database.start()
        self.worker.start()
        self.projector.start()
        self.calls.start(SPOOL_FIRST_S_MAX)
        self.dispatcher.start()
        if self.fetcher is not None:
            self.fetcher.start()

    def let_go(self) -> None:
        """End the live streams, for a server that is about to stop."""
        self.projector.feed.close()

    def stop(self) -> None:
        """Finish what is at hand, and let everything go."""
        if self.fetcher is not None:
            self.fetcher.stop()
        self.dispatcher.stop()
        self.calls.stop()
        self.worker.stop()
        self.projector.stop()
        self.database.stop()
        self.observability.close()
        self._opened.close()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _projected(self, batch: Projected) -> None:
        self.dispatcher.wake()
        self._views(batch)

    def _views_are_kept_up(self) -> str | None:
        if not self.projector.running:
            return "The projector has stopped."
        try:
            behind = self.projector.lag().events
        except LedgerUnavailable:
            return "The ledger cannot be read."
        return None if behind <= LAG_EVENTS_MAX else f"The views are {behind} events behind."

    def _app(self, clock: Callable[[], datetime]) -> FastAPI:
        readiness = {
            "database": self.database.wrong,
            "worker": lambda: None if self.worker.alive else "The worker has stopped.",
            "projector": self._views_are_kept_up,
            "dispatcher": lambda: None if self.dispatcher.alive else "The dispatcher has stopped.",
        }
        fetcher = self.fetcher
        if fetcher is not None:
            readiness["attachments"] = lambda: None if fetcher.alive else "Attachments are not fetched."
        return http_app(
            self.settings,
            self.observability,
            self.stores,
            self.calls,
            INBOX,
            self.projector.feed,
            readiness,
            clock,
        )
