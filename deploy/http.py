"""The HTTP interface as either form of Sayso puts it together."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from fastapi import FastAPI
from sqlalchemy import Engine

from deploy.observability import Observability
from deploy.parts import auth_of, carrier_door_of, policy_of
from deploy.settings import Settings
from producers.dead_letters import DeadLetters
from producers.http.app import create_app
from producers.http.deps import ApiDeps, Check
from producers.traced_door import TracedDoor
from projections.feeds import Changes
from projections.queries import Queries
from schemas.door import CommandDoor
from schemas.tracing import Channel


class HttpStores(Protocol):
    """What it reads, and where it keeps what came in and could not be used."""

    @property
    def views(self) -> Engine: ...
    @property
    def dead_letters(self) -> DeadLetters: ...


def http_app(
    settings: Settings,
    observability: Observability,
    stores: HttpStores,
    door: CommandDoor,
    channel: Channel,
    changes: Changes,
    readiness: Mapping[str, Check],
    clock: Callable[[], datetime],
) -> FastAPI:
    """The application; `channel` is what commands pass through behind `door`."""
    tracer = observability.tracer
    observability.count(stores.dead_letters)
    deps = ApiDeps(
        door=door if tracer is None else TracedDoor(door, tracer, channel),
        queries=Queries(stores.views),
        changes=changes,
        policy=policy_of(settings),
        auth=auth_of(settings),
        carrier=carrier_door_of(settings),
        dead_letters=stores.dead_letters,
        readiness=observability.ready(readiness),
        registry=observability.registry,
        clock=clock,
        tracer=tracer,
    )
    return create_app(deps)
