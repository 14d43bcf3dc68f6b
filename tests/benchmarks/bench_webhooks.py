"""How long the carrier waits at 200 signed calls a second: as usual, and with the ledger locked.

Sayso serves in a process of its own. Calls begin at fixed times whatever became of those before, and each is
counted from the time at which it should have begun; so a pause counts for every call that fell into it. The
processor time for each call says the same on a machine that others use.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode
from uuid import uuid4

import httpx
from twilio.request_validator import RequestValidator

from deploy import demo
from deploy.settings import LOOPBACK, Settings
from deploy.simulator.server import SimulatorServer
from deploy.stores import LEDGER_FILE
from producers.http.webhooks import FORM_TYPE, INBOUND_PATH, NO_ANSWER
from tests.benchmarks.result import Result
from tests.support.office import open_office
from tests.support.sayso import Clock, eventually, reachable_settings, serving
from tests.support.served import process

CALLS_A_SECOND = 200
SECONDS = 5
WARM_UP_CALLS = 200
CONNECTIONS = 40
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def run() -> list[Result]:
    """The time to an answer, what it costs, and how fast what was spooled is taken in."""
    with TemporaryDirectory() as folder:
        settings = reachable_settings(Path(folder))
        with SimulatorServer(demo.simulator_settings(settings)) as carrier:
            with serving(settings, carrier.url, Clock()) as system:
                sender = open_office(system).sender
            with process(settings, carrier) as served:
                _called(settings, sender, WARM_UP_CALLS)
                usual = _measured("as usual", settings, sender, served.pid)
                with _locked(settings):
                    spooled = _measured("ledger locked", settings, sender, served.pid)
                began_s = time.perf_counter()
                eventually(lambda: _waiting(settings) == 0, 120)
                drained_s = time.perf_counter() - began_s
    calls = CALLS_A_SECOND * SECONDS
    return [*usual, *spooled, Result("spooled calls taken in, the ledger back", calls / drained_s, "calls/s")]


def _measured(name: str, settings: Settings, sender: str, pid: int) -> list[Result]:
    before_s = _processor_s(pid)
    ordered = sorted(_called(settings, sender, CALLS_A_SECOND * SECONDS))
    spent_ms = (_processor_s(pid) - before_s) / len(ordered) * 1_000
    at = {"p50": ordered[len(ordered) // 2], "p99": ordered[len(ordered) * 99 // 100], "slowest": ordered[-1]}
    return [
        *(
            Result(f"answer at 200 calls/s, {name}, {share}", found_s * 1_000, "ms", 1_000.0, lower=True)
            for share, found_s in at.items()
        ),
        Result(f"processor time a call, {name}", spent_ms, "ms", 1_000.0 / CALLS_A_SECOND, lower=True),
    ]


def _called(settings: Settings, sender: str, calls: int) -> list[float]:
    """How many seconds each call took, from the time at which it should have begun."""
    url = settings.public_url + INBOUND_PATH
    validator = RequestValidator(settings.twilio_auth_token.get_secret_value())
    requests = [_request(url, validator, sender, n) for n in range(calls)]

    async def all_of_them() -> list[float]:
        loop = asyncio.get_running_loop()
        lines = [await asyncio.open_connection(LOOPBACK, settings.port) for _ in range(CONNECTIONS)]
        began_s, waiting = loop.time() + 0.1, iter(enumerate(requests))

        async def one_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[float]:
            took_s = []
            for n, request in waiting:
                due_s = began_s + n / CALLS_A_SECOND
                await asyncio.sleep(due_s - loop.time())
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200"), head
                await reader.readexactly(len(NO_ANSWER))
                took_s.append(loop.time() - due_s)
            writer.close()
            return took_s

        took_s = await asyncio.gather(*(one_line(*line) for line in lines))
        return [one_s for each_s in took_s for one_s in each_s]

    return asyncio.run(all_of_them())


def _request(url: str, validator: RequestValidator, sender: str, n: int) -> bytes:
    """A call as Twilio makes it, in bytes: a client would cost as much as what is measured."""
    form = {
        "MessageSid": f"SM{uuid4().hex}",
        "From": f"+1415555{n % 10_000:04d}",
        "To": sender,
        "Body": f"Tuesday is fine {n}",
        "NumMedia": "0",
    }
    body = urlencode(form)
    lines = [
        f"POST {INBOUND_PATH} HTTP/1.1",
        "Host: sayso",
        f"Content-Type: {FORM_TYPE}",
        f"Content-Length: {len(body)}",
        f"X-Twilio-Signature: {validator.compute_signature(url, form)}",
    ]
    return "\r\n".join([*lines, "", body]).encode()


def _processor_s(pid: int) -> float:
    """The processor time that a process has had, in seconds: proc(5), utime and stime."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    """Somebody else holds the ledger's write lock."""
    holder = sqlite3.connect(settings.data_dir / LEDGER_FILE, isolation_level=None, timeout=30)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.close()


def _waiting(settings: Settings) -> float:
    lines = httpx.get(settings.public_url + "/metrics", trust_env=False).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("sayso_spool_waiting "))
