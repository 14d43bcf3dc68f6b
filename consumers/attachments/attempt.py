"""Work over a network that ends when it has to, whatever the other side does.

It has a thread of its own, and whoever wants its outcome waits no longer than agreed. Then its connection is
cut, at which the thread ends, too. Only a look-up of a name, or a connection that is just being made, cannot
be cut: the thread is left to the system's own limits there, and sends nothing any more.
"""

import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, Generic, TypeVar

ATTEMPT = "attempt"
"""What its thread is called."""

_Outcome = TypeVar("_Outcome")


class Attempt(Generic[_Outcome]):
    """One piece of such work. From any thread."""

    def __init__(self, work: Callable[["Attempt[_Outcome]"], _Outcome]) -> None:
        """`work` is told which attempt it is, for its client to be watched; one connection at a time."""
        self._work = work
        self._outcome: Future[_Outcome] = Future()
        self._lock = threading.Lock()
        self._over = False
        self._connection: socket.socket | None = None

    def within(self, seconds: float, otherwise: _Outcome) -> _Outcome:
        """Do it: what it comes to, or what it was ended with, or `otherwise` once `seconds` are over.

        Raises:
            Exception: what the work raised.
        """
        threading.Thread(target=self._run, name=ATTEMPT, daemon=True).start()
        try:
            return self._outcome.result(seconds)
        except TimeoutError:
            return otherwise
        finally:
            self._cut()

    def end(self, outcome: _Outcome) -> None:
        """Nobody waits for it any longer: that is its outcome, unless it has one."""
        with suppress(InvalidStateError):
            self._outcome.set_result(outcome)

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Hear of a new connection: an HTTP client's `trace`.

        https://www.encode.io/httpcore/extensions/#trace: the stream is what connecting returned.
        """
        if not event.endswith("connect_tcp.complete"):
            return
        # A second handle to the same connection: TLS takes the first one over.
        connection = info["return_value"].get_extra_info("socket").dup()
        with self._lock:
            self._let_go()
            self._connection = connection
            if self._over:
                _shut(connection)

    def _run(self) -> None:
        try:
            outcome = self._work(self)
        except Exception as error:  # noqa: BLE001  # whoever waits for the outcome raises it
            with suppress(InvalidStateError):  # nobody waits for it any longer
                self._outcome.set_exception(error)
        else:
            self.end(outcome)
        finally:
            with self._lock:
                self._let_go()

    def _cut(self) -> None:
        with self._lock:
            self._over = True
            if self._connection is not None:
                _shut(self._connection)

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _shut(connection: socket.socket) -> None:
    """Wakes whoever reads from it or writes to it, which closing it would not."""
    with suppress(OSError):  # the other side was faster
        connection.shutdown(socket.SHUT_RDWR)
