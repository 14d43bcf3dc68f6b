"""How fast texts reach the carrier, and how late, beside the official client's own loop.

One process, SQLite, every commit synced; the simulator answers after 100 ms, in a process of its own. Limits
are so high that none holds anything up: what is measured is the way from a receipt to the carrier.
"""

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from deploy.collector import spare_the_collector
from deploy.wiring import Sayso
from schemas.commands import (
    ActivateTexting,
    AddConsent,
    AddNumber,
    AdjustSegments,
    Agreement,
    AssignSender,
    Command,
    SendText,
)
from schemas.events import CommandRefused
from schemas.evidence import ByHandEvidence
from schemas.receipts import Answer
from tests.benchmarks.bench_sends import BODY, OBTAINED, RITA
from tests.benchmarks.result import Result
from tests.benchmarks.slow_carrier import ACCOUNT_SID, AUTH_TOKEN, arrivals, slow_carrier
from tests.support.sayso import settings_for

ACCOUNTS = ("acme", "globex", "initech", "umbrella")
CONNECTIONS = 16
COMPARED = 800  # texts in each turn, of which there are two each
BACKLOG = 50_000
SCHEDULED = 100_000
DUE_SOON, DUE_WITHIN_S = 600, 20
STEADY, STEADY_PER_S = 300, 20
CANDIDATES = 1_050  # 100 open texts to each number at most
IN_HAND = 4_000
CHANCE = random.Random(7)


def run() -> list[Result]:
    """Hand-overs a second, time from receipt to hand-over, lateness, and behind a backlog."""
    spare_the_collector()
    found = []
    with slow_carrier() as url:
        with stand(url) as sayso:
            found += _beside_the_client(sayso, url)
            found += _from_receipt(sayso, url)
        with stand(url) as sayso:
            found += _lateness(sayso, url)
        with stand(url) as sayso:
            found += _behind_a_backlog(sayso, url)
    return found


@contextmanager
def stand(url: str) -> Iterator[Sayso]:
    """Sayso with a few accounts, whose candidates may be texted."""
    with TemporaryDirectory() as folder:
        settings = settings_for(Path(folder), twilio_url=url, hand_overs_max=CONNECTIONS)
        with Sayso(settings) as sayso:
            for n, account in enumerate(ACCOUNTS):
                put(sayso, [*_account(account, f"+453123456{n}"), *_candidates(account)])
            yield sayso


def put(sayso: Sayso, commands: Sequence[Command]) -> None:
    """Have all of them decided; every one must be accepted."""
    for first in range(0, len(commands), IN_HAND):
        for waiting in [sayso.inbox.put(command) for command in commands[first : first + IN_HAND]]:
            receipt = waiting.result().receipt
            assert not isinstance(receipt, CommandRefused), receipt


_numbers = count(1)


def texts(account: str, candidates: Sequence[int], send_at: datetime | None = None) -> list[Command]:
    """A text to each."""
    return [
        SendText(
            command_id=uuid7(),
            account=account,
            actor=RITA,
            candidate=f"c{candidate}",
            number=_number(candidate),
            body=f"{BODY} {next(_numbers)}",  # the same words to one number are refused after a while
            send_at=send_at,
            override_quiet_hours=True,
        )
        for candidate in candidates
    ]


def uuid7() -> UUID:
    """An id of the kind that a good client makes."""
    time_ms = time.time_ns() // 1_000_000
    return UUID(int=time_ms << 80 | 7 << 76 | CHANCE.getrandbits(12) << 64 | 2 << 62 | CHANCE.getrandbits(62))


def _number(candidate: int) -> str:
    return f"+4526{candidate:06d}"


def _account(account: str, sender: str) -> list[Command]:
    ours: dict[str, Any] = {"account": account, "actor": RITA}
    agreement = Agreement(accepted=True, version="1")
    return [
        ActivateTexting(command_id=uuid7(), country="DK", currency="EUR", agreement=agreement, **ours),
        AssignSender(command_id=uuid7(), sender=sender, **ours),
        AdjustSegments(command_id=uuid7(), segments=1_000_000, reason="benchmark", **ours),
    ]


def _candidates(account: str) -> Iterator[Command]:
    for n in range(CANDIDATES):
        whom: dict[str, Any] = {
            "account": account, "actor": RITA, "candidate": f"c{n}", "number": _number(n),
        }  # fmt: skip
        yield AddNumber(command_id=uuid7(), **whom)
        yield AddConsent(
            command_id=uuid7(), obtained_at=OBTAINED, evidence=ByHandEvidence(method="call"), **whom
        )


def _arrived(url: str, number: int, timeout_s: float = 300) -> list[tuple[float, str]]:
    """That many requests, once the carrier has them."""
    seen: list[tuple[float, str]] = []
    until = time.monotonic() + timeout_s
    while len(seen) < number:
        assert time.monotonic() < until, f"{len(seen)} of {number} arrived"
        time.sleep(0.2)
        seen += arrivals(url)
    return seen


# --- hand-overs a second --------------------------------------------------------------------------


def _beside_the_client(sayso: Sayso, url: str) -> list[Result]:
    ours, theirs = [], []
    for _ in range(2):
        theirs.append(_client_alone(url))
        ours.append(_handed_over(sayso, url))
    mine, its = sum(ours) / len(ours), sum(theirs) / len(theirs)
    return [
        Result(f"official client's loop, {CONNECTIONS} connections", its, "texts/s"),
        Result(f"Sayso, {CONNECTIONS} connections", mine, "texts/s"),
        Result("Sayso : official client", mine / its, "×", 0.9),
    ]


def _client_alone(url: str) -> float:
    """Twilio's client as it comes, in as many threads as there are connections."""
    http = TwilioHttpClient(timeout=15, max_retries=0)
    http.session.trust_env = False
    client = Client(ACCOUNT_SID, AUTH_TOKEN, http_client=http)
    client.api.base_url = url
    messages = client.messages
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for n in range(COMPARED):
            to = _number(n % CANDIDATES)
            pool.submit(messages.create, to=to, body=BODY, from_="+4531234567")
    http.session.close()
    return _per_second(_arrived(url, COMPARED))


def _handed_over(sayso: Sayso, url: str) -> float:
    each = COMPARED // len(ACCOUNTS)
    put(sayso, [command for account in ACCOUNTS for command in texts(account, range(each))])
    return _per_second(_arrived(url, each * len(ACCOUNTS)))


def _per_second(seen: list[tuple[float, str]]) -> float:
    moments = sorted(at for at, _ in seen)
    return (len(moments) - 1) / (moments[-1] - moments[0])


# --- delays ---------------------------------------------------------------------------------------


def _from_receipt(sayso: Sayso, url: str) -> list[Result]:
    """At a steady pace: from the moment the receipt is stored until the carrier is asked."""
    accepted: dict[str, float] = {}
    for n, command in enumerate(texts("acme", range(STEADY))):
        answer = sayso.inbox.put(command)
        answer.add_done_callback(_noting(accepted, _number(n)))
        time.sleep(CHANCE.expovariate(STEADY_PER_S))
    delays_s = [at - accepted[to] for at, to in _arrived(url, STEADY)]
    return _spread(f"from receipt to hand-over, {STEADY_PER_S} texts/s", delays_s)


def _noting(accepted: dict[str, float], number: str) -> Any:
    def note(_: "Future[Answer]") -> None:
        accepted[number] = time.time()

    return note


def _lateness(sayso: Sayso, url: str) -> list[Result]:
    """Of texts due within the next seconds, while SCHEDULED wait for other days."""
    now = datetime.now(UTC)
    later = [now + timedelta(days=1 + n) for n in range(95)]
    per_account = SCHEDULED // len(ACCOUNTS) // len(later) + 1
    for account in ACCOUNTS:
        for moment in later:
            put(sayso, texts(account, CHANCE.sample(range(CANDIDATES), per_account), moment))
    assert sayso.projector.wait_for(sayso.stores.ledger.last_notification(), 300)
    arrivals(url)
    first = datetime.now(UTC) + timedelta(seconds=10)
    due = {_number(n): first + timedelta(seconds=CHANCE.uniform(0, DUE_WITHIN_S)) for n in range(DUE_SOON)}
    put(sayso, [text for n in range(DUE_SOON) for text in texts("acme", [n], due[_number(n)])])
    late_s = [at - due[to].timestamp() for at, to in _arrived(url, DUE_SOON)]
    assert min(late_s) >= 0, "a text left before its time"
    name = f"lateness with {len(later) * per_account * len(ACCOUNTS):,} scheduled"
    return _spread(name, late_s, target_ms=1_000)


def _behind_a_backlog(sayso: Sayso, url: str) -> list[Result]:
    """One account has BACKLOG texts due; another writes one now and then."""
    crowd = list(range(CANDIDATES - 50))
    candidates = [c for _ in range(BACKLOG // len(crowd)) for c in crowd]
    delays_s = []
    put(sayso, texts("globex", candidates))
    assert sayso.projector.wait_for(sayso.stores.ledger.last_notification(), 300)
    arrivals(url)
    for candidate in range(CANDIDATES - 20, CANDIDATES):
        put(sayso, texts("acme", [candidate]))
        began_s = time.time()
        seen: list[float] = []
        while not seen:
            time.sleep(0.02)
            seen = [at for at, to in arrivals(url) if to == _number(candidate)]
        delays_s.append(seen[0] - began_s)
        time.sleep(0.2)
    return _spread(f"another account's text behind {BACKLOG:,} of one", delays_s, target_ms=1_000)


def _spread(name: str, seconds: list[float], target_ms: float | None = None) -> list[Result]:
    cuts = quantiles(seconds, n=100, method="inclusive")
    return [
        Result(f"{name}, p50", 1_000 * cuts[49], "ms", target_ms, lower=True),
        Result(f"{name}, p99", 1_000 * cuts[98], "ms", target_ms, lower=True),
    ]
