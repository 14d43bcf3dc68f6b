"""Serving HTTP: in this thread until the process is told to stop, or in a thread of its own as a context."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

import uvicorn
from fastapi import FastAPI

START_TIMEOUT_S = 10
STOP_TIMEOUT_S = 5
KEEP_ALIVE_S = 75
"""How long an idle connection is kept: longer than clients keep theirs, who would write into its closing."""
ACCEPTED_LATE_S = 0.05
BACKLOG = 2_048


class HttpServer:
    """One application on one port.

    It listens from construction on; `port` 0 takes a free one, and `url` says which. `leaving` is called when
    it is about to stop: to end what would hold it up.

    Raises:
        OSError: the port is taken.
    """

    def __init__(
        self, app: FastAPI, host: str, port: int, leaving: Callable[[], None] = lambda: None
    ) -> None:
        self._socket = _listening(host, port)
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"
        self._server = _Server(app, leaving)
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    def run(self) -> None:
        """Serve until the process is told to stop, by SIGTERM or Ctrl-C, and return. From the main thread."""
        with _outliving_the_signal():
            self._serve()

    def __enter__(self) -> Self:
        """Serve in a thread of its own, and return when it answers."""
        self._thread.start()
        if not self._server.ready.wait(START_TIMEOUT_S):
            raise RuntimeError("the server did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])


class _Server(uvicorn.Server):
    """Says when it is ready, and leaves no connection open behind it."""

    def __init__(self, app: FastAPI, leaving: Callable[[], None]) -> None:
        self.ready = threading.Event()
        self._leaving = leaving
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                log_config=None,  # its own prints failures with their words; ours are set for the process
                proxy_headers=False,  # whom to believe about where a call comes from is the operator's to say
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=STOP_TIMEOUT_S,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._leaving()
        for server in self.servers:
            server.close()
        # Uvicorn tells the connections it knows; one that was accepted this moment has to be known first.
        await asyncio.sleep(ACCEPTED_LATE_S)
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()


@contextmanager
def _outliving_the_signal() -> Iterator[None]:
    """Uvicorn stops at a signal and then sends it again to whoever heard it before: that must not be the end.

    What is under way elsewhere in the process has yet to be finished.
    """

    def heard(_: int, __: FrameType | None) -> None:
        pass

    before = {number: signal.signal(number, heard) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def require_free(host: str, port: int) -> None:
    """See whether somebody could listen there just now.

    Raises:
        OSError: the port is taken.
    """
    _listening(host, port).close()


def _listening(host: str, port: int) -> socket.socket:
    """A socket that says it is TCP: asyncio turns Nagle's delay off only where a socket says so."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
