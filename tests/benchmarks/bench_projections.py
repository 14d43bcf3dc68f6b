"""How fast events are projected into all views by one process, in either database: many at once, and few.

The databases are on this machine and share its cores with the process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import Engine

from consumers.projector import Projected, Projector
from deploy.local.postgres import Postgres
from projections.catalog import THREADS
from projections.engine import open_engine
from projections.rebuilding import rebuild
from schemas.events import (
    CommandAccepted,
    DispatchStarted,
    SegmentsDebited,
    TextDelivered,
    TextingActivated,
    TextQueued,
    TextSent,
)
from tests.benchmarks.result import Result
from tests.projections.history import History, conversation

SENDS = 50_000
FATES = 15_000
SINGLES = 500
CONVERSATIONS = 5_000
SETTLED_AFTER = 500
SENDER = "+14155550100"
BODY = "Hi Grace, thanks for applying! Could you talk on Tuesday at 10? Reply STOP to hear no more. Ada, Acme"
TARGETS = {"SQLite": 50_000, "PostgreSQL": 20_000}


def run() -> list[Result]:
    """Sends of three events each; texts with all that becomes of them; one send at a time; and a rebuild."""
    many, ends, few = sends(SENDS), sends(FATES, settled=True), sends(SINGLES)
    results = []
    for database, target in TARGETS.items():
        with _engine(database) as engine:
            results.append(Result(f"{database}: sends", _projected(engine, many), "events/s", target))
            results.append(Result(f"{database}: rebuilt threads", _rebuilt(engine, many), "events/s", target))
        with _engine(database) as engine:
            results.append(Result(f"{database}: texts to their ends", _projected(engine, ends), "events/s"))
        with _engine(database) as engine:
            results.append(Result(f"{database}: a send alone", _alone_ms(engine, few), "ms", lower=True))
    return results


@contextmanager
def _engine(database: str) -> Iterator[Engine]:
    with TemporaryDirectory() as folder:
        if database == "SQLite":
            engine = open_engine(f"sqlite:///{folder}/views.db")
            yield engine
            engine.dispose()
            return
        with Postgres(Path(folder)) as server:
            engine = open_engine(server.dsn())
            yield engine
            engine.dispose()


def _projected(engine: Engine, history: History) -> float:
    projector = Projector(history.log, engine, history.keys)
    began_s = perf_counter()
    projector.catch_up()
    return len(history.entries) / (perf_counter() - began_s)


def _rebuilt(engine: Engine, history: History) -> float:
    began_s = perf_counter()
    rebuild(engine, THREADS, {"shard-0": history.log}, history.keys, lambda _, __: None)
    return len(history.entries) / (perf_counter() - began_s)


def _alone_ms(engine: Engine, history: History) -> float:
    """Half of the batches of one send's three events take less."""
    taken: list[Projected] = []
    Projector(history.log, engine, history.keys, batch_max=3, on_batch=taken.append).catch_up()
    return median(batch.seconds for batch in taken[-SINGLES:]) * 1_000


def sends(number: int, *, settled: bool = False) -> History:
    """A history of `number` sends to CONVERSATIONS people, in one account; delivered some time later."""
    history = History()
    free = number + 50
    activated = TextingActivated(
        country="US", currency="USD", agreement_version="1", free_segments=free, balance=free
    )
    history.happened("account-acme", activated)
    for person in range(min(number, CONVERSATIONS)):
        history.numbered(f"c{person}", phone(person))
    for n in range(number):
        _send(history, n, free - n - 1)
        if settled and n >= SETTLED_AFTER:
            _settle(history, n - SETTLED_AFTER)
    return history


def _send(history: History, n: int, balance: int) -> None:
    person, text_id = person_of(n), text_of(n)
    queued = TextQueued(text_id=text_id, candidate=f"c{person}", body=BODY, encoding="GSM-7", segments=1)
    debited = SegmentsDebited(text_id=text_id, segments=1, balance=balance)
    result: dict[str, JsonValue] = {
        "text_id": str(text_id),
        "encoding": "GSM-7",
        "segments": 1,
        "send_at": None,
        "deferred": False,
        "advice": [],
        "warnings": [],
        "balance": balance,
    }
    accepted = CommandAccepted(command_type="send-text", fingerprint="f" * 43, result=result)
    events: list[tuple[str, Any]] = [
        (conversation(phone(person)), queued),
        ("account-acme", debited),
        (f"receipt-{text_id.hex}", accepted),
    ]
    history.decided(events, command=text_id)


def _settle(history: History, n: int) -> None:
    stream, text_id = conversation(phone(person_of(n))), text_of(n)
    history.happened(stream, DispatchStarted(text_id=text_id, attempt=1, sender=SENDER))
    history.happened(stream, TextSent(text_id=text_id, sid=f"SM{n:032x}", status="queued"))
    history.happened(stream, TextDelivered(text_id=text_id))


def person_of(n: int) -> int:
    """Whom the text goes to, in no particular order."""
    return n * 7919 % CONVERSATIONS


def text_of(n: int) -> UUID:
    """An id as it is made: it begins with the time."""
    return UUID(int=(0x0192 << 112) + (n << 40) + 7919)


def phone(person: int) -> str:
    """The person's number."""
    return f"+1415555{person:04d}"
