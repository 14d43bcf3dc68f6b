"""The simulator as an application and as a server."""

import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from deploy.simulator import api, phones
from deploy.simulator.errors import ApiError
from deploy.simulator.network import Network
from deploy.simulator.settings import SimulatorSettings

LOOPBACK = "127.0.0.1"
STOP_TIMEOUT_S = 5
START_TIMEOUT_S = 10
BACKLOG = 512


def create_app(settings: SimulatorSettings) -> FastAPI:
    """The carrier's API and the phones' page, with a memory of their own."""
    network = Network(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await network.close()

    app = FastAPI(title="Carrier and phones", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.network = network
    app.include_router(api.router)
    app.include_router(phones.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "pages" / "static"))
    app.exception_handler(ApiError)(api.answer_error)

    return app


class SimulatorServer:
    """The simulator on a port of its own, in a thread of its own, as a context.

    It listens from construction on; `port` 0 takes a free one, and `url` says which. Raises OSError if the
    port is taken.
    """

    def __init__(self, settings: SimulatorSettings, host: str = LOOPBACK, port: int = 0) -> None:
        self._socket = _listening(host, port)
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"
        self._server = _Server(settings)
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)

    def __enter__(self) -> Self:
        """Start, and return when it answers."""
        self._thread.start()
        if not self._server.ready.wait(START_TIMEOUT_S):
            raise RuntimeError("the simulator did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, giving up whatever is under way."""
        self._server.should_exit = True
        self._thread.join(STOP_TIMEOUT_S + 1)

    def run(self) -> None:
        """Serve in this thread until the process is told to stop."""
        self._run()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])


def serve(settings: SimulatorSettings, host: str = LOOPBACK, port: int = 8090) -> None:
    """Serve until the process is told to stop. Raises OSError if the port is taken."""
    SimulatorServer(settings, host, port).run()


def _listening(host: str, port: int) -> socket.socket:
    """A listening socket that says it is TCP: asyncio turns Nagle's delay of 40 ms off only on such."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    listening.listen(BACKLOG)
    return listening


class _Server(uvicorn.Server):
    """Says when it is ready, and ends open streams and pauses before it waits for them."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self.ready = threading.Event()
        self._app = create_app(settings)
        super().__init__(
            uvicorn.Config(
                self._app, log_level="warning", access_log=False, timeout_graceful_shutdown=STOP_TIMEOUT_S
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.network.let_go()
        await super().shutdown(sockets)
