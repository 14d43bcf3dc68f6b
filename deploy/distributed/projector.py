"""The projector: one process of many that keep the views up, each with some of the shards' topics."""

from typing import Self

from fastapi import FastAPI

from consumers.group import GroupMember
from consumers.observing import ObservedViews
from consumers.projector import Projector
from consumers.topic_log import TopicLog
from deploy.distributed import roles
from deploy.distributed.stores import SharedStores
from deploy.distributed.watches import Watches
from deploy.observability import Observability
from deploy.parts import client_of, event_topics_of, topics_of
from deploy.settings import Settings
from producers.http.ops_app import create_ops_app
from projections.source import SourceUnavailable
from projections.tracking import source_of
from schemas.topics import Topic
from schemas.tracing import Channel

LAG_EVENTS_MAX = 20_000


class ProjectorProcess:
    """A member of the group of projectors."""

    def __init__(self, settings: Settings) -> None:
        """Open what is shared.

        Raises:
            SettingsError, StoresUnavailable: as `SharedStores` does.
        """
        self._client, topics = client_of(settings), topics_of(settings)
        self._event_topics = event_topics_of(settings)
        self.observability = Observability.to(settings.otlp_url)
        self.channel = Channel("kafka", f"{settings.topic_prefix}*")  # all of events, merged
        self.stores = SharedStores(settings)
        # Which shards are whose is agreed upon by the topic that holds an event of every command.
        self.member = GroupMember(
            self._client, roles.projectors_group(settings), topics[Topic.RECEIPTS], self._open
        )
        self._watches = Watches(self._client, topics[Topic.RECEIPTS], self.stores.views)
        self.app = self._app()

    def __enter__(self) -> Self:
        """Join the group."""
        self._watches.start()
        self.member.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the batches at hand, and let everything go."""
        self.member.stop()
        self._watches.stop()
        self.observability.close()
        self.stores.close()

    def _open(self, shard: int) -> "Following":
        log = TopicLog(shard, self._client, self._event_topics.values())
        return Following(self, shard, log)

    def _app(self) -> FastAPI:
        readiness = {
            **self._watches.checks,
            "group": lambda: None if self.member.alive else "The projector has left its group.",
            "views": self._views_are_kept_up,
        }
        return create_ops_app(self.observability.ready(readiness), self.observability.registry)

    def _views_are_kept_up(self) -> str | None:
        """While the brokers are silent it is not asked how far behind the views are: that would take long."""
        for shard, following in self.member.opened.items():
            if following.failed:
                return f"The events of shard {shard} cannot be projected."
            if self._watches.brokers.answering and (behind := _behind(following)) > LAG_EVENTS_MAX:
                return f"The views are {behind} events behind shard {shard}."
        return None


def _behind(following: "Following") -> int:
    """How many events its views do not show yet; 0 while the topics do not say, which another check tells."""
    try:
        return following.projector.lag().events
    except SourceUnavailable:
        return 0


class Following:
    """One shard, followed by this process."""

    source = None
    """Its records come another way than from the group's topic."""

    def __init__(self, process: ProjectorProcess, shard: int, log: TopicLog) -> None:
        metrics, tracer = process.observability.consumers, process.observability.tracer
        self._log = log
        self.projector = Projector(
            log,
            process.stores.views,
            process.stores.keys,
            source_name=source_of(shard),
            on_batch=ObservedViews(metrics, shard=shard, tracer=tracer, channel=process.channel),
        )
        self._shard, self._standing = shard, metrics.standing
        metrics.standing.projection(shard, self.projector)
        self.projector.start()

    @property
    def alive(self) -> bool:
        """Whether it follows."""
        return self.projector.running

    @property
    def failed(self) -> bool:
        """Whether it met an event that it cannot project."""
        return self.projector.failure is not None

    def close(self) -> None:
        """Finish the batch at hand, and let go."""
        self._standing.drop(self._shard)
        self.projector.stop()
        self._log.close()
