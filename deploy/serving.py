"""Serving HTTP: in this thread until the process is told to stop, or in a thread of its own as a context."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

import uvicorn
from fastapi import FastAPI

STOP_TIMEOUT_S = 5
BACKLOG = 2_048


class HttpServer:
    """One application on one port.

    It listens from construction on; `port` 0 takes a free one, and `url` says which.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self._socket = _listening(host, port)
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                app, log_level="warning", access_log=False, timeout_graceful_shutdown=STOP_TIMEOUT_S
            )
        )
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    def run(self) -> None:
        """Serve until the process is told to stop, by SIGTERM or Ctrl-C, and return. From the main thread."""
        with _outliving_the_signal():
            self._serve()

    def __enter__(self) -> Self:
        """Serve in a thread of its own."""
        self._thread.start()
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
