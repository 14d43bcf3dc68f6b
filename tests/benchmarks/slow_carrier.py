"""The simulator in a process of its own, a tenth of a second away, which tells when each request came.

`python -m tests.benchmarks.slow_carrier` serves until its standard input ends, and prints its address first.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import FastAPI

from deploy.collector import spare_the_collector
from deploy.serving import HttpServer
from deploy.simulator.server import LOOPBACK, create_app
from deploy.simulator.settings import SimulatorSettings

ACCOUNT_SID, AUTH_TOKEN = "AC" + "0" * 32, "f" * 32
LATENCY_S = 0.1
NEVER_S = 86_400.0


class Arrivals:
    """What was asked for since somebody last looked: when, on the machine's clock, and for whom."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._seen: list[tuple[float, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request; a text's is answered after a tenth of a second."""
        if scope["type"] == "http" and scope["path"] == "/arrivals":
            seen, self._seen = self._seen, []
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": json.dumps(seen).encode()})
            return
        if scope["type"] == "http" and scope["method"] == "POST":
            at, message = time.time(), await receive()
            self._seen.append((at, parse_qs(message["body"].decode())["To"][0]))

            async def again() -> Any:
                return message

            await asyncio.sleep(LATENCY_S)
            await self._app(scope, again, send)
            return
        await self._app(scope, receive, send)


@contextmanager
def slow_carrier() -> Iterator[str]:
    """Its address."""
    command = [sys.executable, "-m", "tests.benchmarks.slow_carrier"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait()


def arrivals(url: str) -> list[tuple[float, str]]:
    """When each text came since this was last asked, and to which number."""
    connection = HTTPConnection(urlsplit(url).netloc)  # a client of more comfort costs as much as ten texts
    connection.request("GET", "/arrivals")
    seen = json.load(connection.getresponse())
    connection.close()
    return [(at, to) for at, to in seen]


def _main() -> None:
    settings = SimulatorSettings(ACCOUNT_SID, AUTH_TOKEN, status_delay_s=NEVER_S)
    app = create_app(settings)
    slow: Any = Arrivals(app)
    with HttpServer(slow, LOOPBACK, 0, app.state.network.let_go) as server:
        spare_the_collector()
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _main()
