"""The worker: one process of many that share the shards. Each shard it is given, it owns alone."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Self

from fastapi import FastAPI

from consumers.dispatcher import Dispatcher
from consumers.group import GroupMember
from consumers.observing import ObservedCarriers, ObservedShard
from consumers.outgoing import Outgoing
from consumers.partition_source import PartitionSource
from consumers.rates import Rates
from consumers.reading import Reader
from consumers.topic_first import TopicEnd, TopicFirst
from consumers.worker import Worker
from deploy.clock import utc_now
from deploy.distributed import roles
from deploy.distributed.stores import SharedStores
from deploy.distributed.watches import Watches
from deploy.observability import Observability
from deploy.parts import (
    callback_of,
    carrier_rates_of,
    client_of,
    event_topics_of,
    feeds_of,
    limits_of,
    names_of,
    open_carriers,
    open_fetcher,
    patience_of,
    policy_of,
    seal_of,
    topics_of,
)
from deploy.settings import Settings
from producers.http.ops_app import create_ops_app
from producers.relay import Relay
from projections.listening import ChangeListener
from projections.worklist import Worklist
from schemas.topics import Topic
from schemas.tracing import Channel


class WorkerProcess:
    """A member of the group of workers, with all that its shards need."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = utc_now) -> None:
        """Open what is shared.

        Raises:
            SettingsError, StoresUnavailable: as `SharedStores` does.
        """
        self.settings = settings
        self.clock = clock
        self.client, self.topics = client_of(settings), topics_of(settings)
        with ExitStack() as opened:
            self.observability = Observability.to(settings.otlp_url)
            opened.callback(self.observability.close)
            self.stores = SharedStores(settings)
            opened.callback(self.stores.close)
            self.waiting_calls = self.stores.waiting_calls()
            opened.callback(self.waiting_calls.close)
            self.carriers = opened.enter_context(open_carriers(settings, clock, settings.partitions))
            self.outgoing = Outgoing(self.client)
            opened.callback(self.outgoing.close)
            self._opened = opened.pop_all()
        self.member = GroupMember(
            self.client, roles.workers_group(settings), self.topics[Topic.COMMANDS], self._open
        )
        self._watches = Watches(self.client, self.topics[Topic.COMMANDS], self.stores.views)
        self.carrier_rates = carrier_rates_of(settings, self._share)
        self._listener = ChangeListener(self.stores.views, feeds_of(settings), [self._wake])
        self.app = self._app()

    def __enter__(self) -> Self:
        """Join the group."""
        self._listener.start()
        self._watches.start()
        self.member.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Finish what is at hand, give every shard up, and let everything go."""
        self.member.stop()
        self._watches.stop()
        self._listener.stop()
        self._opened.close()

    def _share(self) -> float:
        """Of all shards, and so of the carrier account's rate; that of one at least, while it is opened."""
        return max(len(self.member.opened), 1) / self.settings.partitions

    def _open(self, shard: int) -> "ServedByWorker":
        return ServedByWorker(self, shard)

    def _wake(self, shard: int, _: int) -> None:
        served = self.member.opened.get(shard)
        if served is not None:
            served.dispatcher.wake()

    def _app(self) -> FastAPI:
        readiness = {
            **self._watches.checks,
            "group": lambda: None if self.member.alive else "The worker has left its group.",
            "listener": lambda: None if self._listener.alive else "The worker no longer hears of the views.",
            "shards": self._shards_work,
        }
        return create_ops_app(self.observability.ready(readiness), self.observability.registry)

    def _shards_work(self) -> str | None:
        broken = [shard for shard, served in self.member.opened.items() if served.broken]
        return f"Shards {broken} are not served as they should be." if broken else None


class ServedByWorker:
    """One shard of a worker's: its ledger taken, commands decided, events published, texts sent."""

    def __init__(self, process: WorkerProcess, number: int) -> None:
        settings, clock = process.settings, process.clock
        metrics, tracer = process.observability.consumers, process.observability.tracer
        topics = process.topics
        self._number = number
        with ExitStack() as opened:
            keys = process.stores.own_keys()
            opened.callback(keys.close)
            self.ledger = process.stores.ledger(number, keys)
            opened.callback(self.ledger.close)
            position = self.ledger.take()
            self.source = PartitionSource(
                Reader(number, settings.partitions, seal_of(settings)),
                process.outgoing,
                topics[Topic.DEAD_LETTERS],
                position,
                clock,
                process.observability.letters_kept,
            )
            self.relay = Relay(
                number,
                self.ledger,
                process.client,
                event_topics_of(settings),
                roles.relay_id(settings, number),
                owned=self.ledger.owned,
            )
            self.ledger.listen(self.relay.offer)
            end = TopicEnd(process.client, topics[Topic.COMMANDS], number)
            opened.callback(end.close)
            channel = Channel("kafka", topics[Topic.COMMANDS])
            shard = ObservedShard(
                number,
                self.ledger,
                names_of(settings),
                policy_of(settings),
                clock,
                metrics=metrics,
                tracer=tracer,
                channel=channel,
            )
            self.worker = Worker(shard, self.source)
            self.dispatcher = Dispatcher(
                Worklist(process.stores.views, number),
                TopicFirst(self.source, end, process.waiting_calls.may_wait),
                ObservedCarriers(process.carriers, metrics, shard=number, tracer=tracer),
                callback_of(settings),
                clock,
                settings.hand_overs_max,
                Rates(limits_of(settings), process.carrier_rates),
                patience_of(settings),
            )
            self.fetcher = opened.enter_context(
                open_fetcher(settings, process.stores, self.source.inbox, clock, metrics, number)
            )
            self._opened = opened.pop_all()
        self._standing = metrics.standing
        metrics.standing.cached(number, shard.states)
        metrics.standing.waiting(number, self.source)
        metrics.standing.relay(number, self.relay)
        metrics.standing.limits(number, self.dispatcher)
        self.relay.start()
        self.worker.start()
        self.dispatcher.start()
        if self.fetcher is not None:
            self.fetcher.start()

    @property
    def alive(self) -> bool:
        """Whether commands are being decided."""
        return self.worker.alive

    @property
    def broken(self) -> bool:
        """Whether one of its parts has ended before its time."""
        fetches = self.fetcher is None or self.fetcher.alive
        return not (self.worker.alive and self.relay.alive and self.dispatcher.alive and fetches)

    def close(self) -> None:
        """Finish the batch at hand, publish what was decided, and let go."""
        self._standing.drop(self._number)
        if self.fetcher is not None:
            self.fetcher.stop()
        self.dispatcher.stop()
        self.worker.stop()
        self.relay.stop()
        self._opened.close()
