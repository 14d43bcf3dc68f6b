"""The carrier of a drill, in a process of its own: whoever makes the load must not hold up its answers.

What it has taken it must list before it is asked, or its texts count as never arrived.
"""

import base64
import pickle
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.process import free_port, listens
from deploy.simulator.server import SimulatorServer
from deploy.simulator.settings import SimulatorSettings
from tests.drills.nursery import CARRIER, Child, Nursery
from tests.support.sayso import eventually

LISTENS_S_MAX = 120.0


class Carrier:
    """From entering to leaving the context."""

    def __init__(self, nursery: Nursery, folder: Path, settings: SimulatorSettings) -> None:
        self._port = free_port()
        self._nursery = nursery
        self._log = folder / "carrier.log"
        self._settings = settings
        self._child: Child | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def url(self) -> str:
        """Where it is found."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        command = [CARRIER, str(self._port), base64.b64encode(pickle.dumps(self._settings)).decode()]
        self._child = self._nursery.start(Path(), command, self._log, {})
        eventually(lambda: listens(self._port), LISTENS_S_MAX)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.close()


def serve(port: str, told: str) -> None:
    """Be the carrier, until killed."""
    settings: SimulatorSettings = pickle.loads(base64.b64decode(told))  # noqa: S301  # our own
    with SimulatorServer(settings, port=int(port)):
        threading.Event().wait()
