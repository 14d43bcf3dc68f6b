"""What takes the carrier's calls in, with parts of a test's own choice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from deploy.clock import utc_now
from producers.http.call_intake import CallIntake
from producers.http.spool_metrics import SpoolMetrics
from producers.http.spool_notices import SpoolNotices
from producers.spool import Spool
from producers.waiting_calls import WaitingCalls
from projections.queries import Queries

KEY = b"m" * 32
ROOM_BYTES = 16 * 1024 * 1024


@contextmanager
def spool_in(folder: Path, bytes_max: int = ROOM_BYTES, key: bytes = KEY) -> Iterator[Spool]:
    """A spool, for as long as the context lasts."""
    spool = Spool(folder, key, bytes_max)
    try:
        yield spool
    finally:
        spool.close()


@contextmanager
def intake(
    stores: Any,
    folder: Path,
    door: Any,
    bytes_max: int = ROOM_BYTES,
    registry: CollectorRegistry | None = None,
    waiting: WaitingCalls | None = None,
) -> Iterator[CallIntake]:
    """It replays nothing until it is started. `stores`: views and dead letters of a running Sayso."""
    registry = registry or CollectorRegistry()
    metrics = SpoolMetrics(registry)
    with spool_in(folder, bytes_max) as spool:
        metrics.watch(spool, utc_now)
        whose = Queries(stores.views).sender_account
        notices = None if waiting is None else SpoolNotices(waiting, spool)
        calls = CallIntake(door, whose, stores.dead_letters, spool, utc_now, metrics, notices)
        try:
            yield calls
        finally:
            calls.stop()
