"""How many events a second one process projects into all views, and how fast a view is rebuilt and read."""

from tempfile import TemporaryDirectory
from time import perf_counter
from uuid import UUID

from pydantic import JsonValue

from consumers.projector import Projector
from projections.engine import open_engine
from schemas.events import CommandAccepted, SegmentsDebited, TextingActivated, TextQueued
from tests.benchmarks.result import Result
from tests.projections.history import History, conversation

SENDS = 50_000
CONVERSATIONS = 5_000
BODY = "Hi Grace, thanks for applying! Could you talk on Tuesday at 10? Reply STOP to hear no more. Ada, Acme"


def run() -> list[Result]:
    """Events projected a second: sends, of three events each."""
    history = sends(SENDS)
    with TemporaryDirectory() as folder:
        projector = Projector(history.log, open_engine(f"sqlite:///{folder}/views.db"), history.keys)
        began_s = perf_counter()
        projector.catch_up()
        elapsed_s = perf_counter() - began_s
    return [Result("events projected", len(history.entries) / elapsed_s, "events/s", 50_000)]


def sends(number: int) -> History:
    """A history of `number` sends to CONVERSATIONS people, in one account."""
    history = History()
    free = number + 50
    activated = TextingActivated(
        country="US", currency="USD", agreement_version="1", free_segments=free, balance=free
    )
    history.happened("account-acme", activated)
    for person in range(CONVERSATIONS):
        history.numbered(f"c{person}", phone(person))
    for n in range(number):
        person = n * 7919 % CONVERSATIONS
        text_id = UUID(int=(0x0192 << 112) + (n << 40) + 7919)
        queued = TextQueued(text_id=text_id, candidate=f"c{person}", body=BODY, encoding="GSM-7", segments=1)
        debited = SegmentsDebited(text_id=text_id, segments=1, balance=free - n - 1)
        result: dict[str, JsonValue] = {
            "text_id": str(text_id),
            "encoding": "GSM-7",
            "segments": 1,
            "send_at": None,
            "deferred": False,
            "advice": [],
            "warnings": [],
            "balance": free - n - 1,
        }
        accepted = CommandAccepted(command_type="send-text", fingerprint="f" * 43, result=result)
        history.decided(
            [
                (conversation(phone(person)), queued),
                ("account-acme", debited),
                (f"receipt-{text_id.hex}", accepted),
            ],
            command=text_id,
        )
    return history


def phone(person: int) -> str:
    return f"+1415555{person:04d}"
