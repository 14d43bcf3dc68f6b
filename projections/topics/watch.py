"""Whether the brokers answer, for a process's readiness: asked now and then over a connection of its own."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import structlog

from projections.topics.partitions import Partitions
from projections.topics.wire import ClusterError, Wire

log = structlog.get_logger()

ASK_EVERY_S = 1.0
ASKED_WITHIN_S = 2.0
SILENT_S_MAX = 10.0
"""So long the brokers may be silent: longer than it takes another one to lead what a lost one led."""


class BrokerWatch:
    """Asks in a thread where the first partition of a topic ends. The connection is kept until it fails.

    Attributes:
        answering: whether the last question was answered.
    """

    def __init__(self, client: Mapping[str, Any], topic: str, silent_s_max: float = SILENT_S_MAX) -> None:
        """`topic`: one that this process may read or write."""
        self._client = client
        self._topic = topic
        self._silent_s_max = silent_s_max
        self._wire: Wire | None = None
        self._answered_at_s = time.monotonic()
        self.answering = True
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="broker-watch", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._answered_at_s = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Ask no more, and let the connection go."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def wrong(self) -> str | None:
        """A readiness check: a sentence, once the brokers have been silent for too long. Does not block."""
        silent_s = time.monotonic() - self._answered_at_s
        if silent_s <= self._silent_s_max:
            return None
        return f"The brokers have not answered for {silent_s:.0f} s."

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._ask()
            self._stopping.wait(ASK_EVERY_S)
        self._let_go()

    def _ask(self) -> None:
        try:
            if self._wire is None:
                self._wire = Wire(self._client, [self._topic], "sayso-watch")
            Partitions(self._wire, 0).high(self._topic, ASKED_WITHIN_S)
            self._answered_at_s, self.answering = time.monotonic(), True
        except ClusterError as error:
            log.debug("brokers_silent", reason=str(error))
            self._failed()
        except Exception:
            log.exception("brokers_not_asked")  # readiness tells of it, too
            self._failed()

    def _failed(self) -> None:
        self.answering = False
        self._let_go()

    def _let_go(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None
