"""The HTTP interface as either form of Sayso puts it together."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

from fastapi import FastAPI
from sqlalchemy import Engine

from deploy.observability import Observability
from deploy.parts import BYTES_PER_MB, attachment_files, auth_of, carrier_door_of, policy_of, raw
from deploy.settings import Settings
from deploy.stores import said_of
from producers.dead_letters import DeadLetters
from producers.http.account_metrics import AccountMetrics
from producers.http.app import create_app
from producers.http.call_intake import CallIntake
from producers.http.deps import ApiDeps, Check
from producers.http.spool_metrics import SpoolMetrics
from producers.http.spool_notices import SpoolNotices
from producers.spool import Spool
from producers.traced_door import TracedDoor
from producers.waiting_calls import WaitingCalls
from projections.feeds import Changes
from projections.operating import stopped_accounts
from projections.queries import Queries
from schemas.door import CommandDoor
from schemas.sealing import Keys
from schemas.tracing import Channel


class HttpStores(Protocol):
    """What it reads, and where it keeps what came in and could not be used."""

    @property
    def views(self) -> Engine: ...
    @property
    def dead_letters(self) -> DeadLetters: ...
    @property
    def keys(self) -> Keys: ...


def spool_folder(settings: Settings) -> Path:
    """Where the carrier's calls wait."""
    return settings.spool_dir or settings.data_dir / "spool"


def open_spool(settings: Settings) -> Spool:
    """The spool of this process.

    Raises:
        SettingsError: what waits there was sealed under another master key.
        StoresUnavailable: it cannot be opened.
    """
    folder = spool_folder(settings)
    with said_of(folder):
        return Spool(folder, raw(settings.master_key), settings.spool_mb_max * BYTES_PER_MB)


def call_intake(
    stores: HttpStores,
    spool: Spool,
    door: CommandDoor,
    observability: Observability,
    clock: Callable[[], datetime],
    waiting: WaitingCalls | None = None,
) -> CallIntake:
    """What takes the carrier's calls in; `waiting` is where workers see what waits in the spool."""
    metrics = SpoolMetrics(observability.registry)
    metrics.watch(spool, clock)
    whose = Queries(stores.views).sender_account
    notices = None if waiting is None else SpoolNotices(waiting, spool)
    return CallIntake(door, whose, stores.dead_letters, spool, clock, metrics, notices)


def http_app(
    settings: Settings,
    observability: Observability,
    stores: HttpStores,
    calls: CallIntake,
    channel: Channel,
    changes: Changes,
    readiness: Mapping[str, Check],
    clock: Callable[[], datetime],
) -> FastAPI:
    """The application; `channel` is what commands pass through behind the door."""
    door, tracer = calls.door, observability.tracer
    observability.count(stores.dead_letters)
    AccountMetrics(observability.registry).watch(lambda: len(stopped_accounts(stores.views)))
    deps = ApiDeps(
        door=door if tracer is None else TracedDoor(door, tracer, channel),
        queries=Queries(stores.views),
        changes=changes,
        policy=policy_of(settings),
        auth=auth_of(settings),
        carrier=carrier_door_of(settings),
        calls=calls,
        dead_letters=stores.dead_letters,
        attachments=attachment_files(settings, stores.keys),
        readiness=observability.ready(readiness),
        registry=observability.registry,
        clock=clock,
        tracer=tracer,
    )
    return create_app(deps)
