"""The carrier of a drill, in a process of its own: whoever makes the load must not hold up its answers.

What it has taken it must list before it is asked, or its texts count as never arrived.
"""

import json
import threading
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy import demo
from deploy.local.process import free_port, listens
from deploy.settings import Settings
from deploy.simulator.server import SimulatorServer
from deploy.simulator.settings import SimulatorSettings
from tests.drills.nursery import CARRIER, Child, Nursery
from tests.support.sayso import eventually

STATUS_DELAY_S = 0.01
LISTENS_S_MAX = 120.0


class Carrier:
    """From entering to leaving the context; it knows every sender."""

    def __init__(self, nursery: Nursery, folder: Path, settings: Settings) -> None:
        """For the Sayso that has these `settings`."""
        self._port = free_port()
        self._nursery = nursery
        self._log = folder / "carrier.log"
        known = demo.simulator_settings(settings)
        self._told = {
            "account_sid": known.account_sid,
            "auth_token": known.auth_token,
            "inbound_url": known.inbound_url,
        }
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where it is found."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        command = [CARRIER, str(self._port), json.dumps(self._told)]
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
    settings = replace(SimulatorSettings(**json.loads(told)), status_delay_s=STATUS_DELAY_S)
    with SimulatorServer(settings, port=int(port)):
        threading.Event().wait()
