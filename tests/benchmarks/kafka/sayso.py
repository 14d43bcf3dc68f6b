"""Sayso itself, as whoever runs it starts it: `python -m deploy worker` and its kin, set by variables."""

import base64
import json
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from deploy.local.process import free_port
from deploy.settings import KEY_BYTES, PREFIX
from projections import catalog
from projections.engine import open_engine
from tests.benchmarks.kafka.steady import Visible
from tests.benchmarks.kafka.systems import ROOT, Place, Process, System
from tests.benchmarks.kafka.topics import Stuck
from tests.benchmarks.slow_carrier import ACCOUNT_SID, AUTH_TOKEN

TOLD_WITHIN_S = 30.0
DEPLOY = (sys.executable, "-m", "deploy")
NOBODY = "http://127.0.0.1:9"
"""The carrier of those whose texts are all for tomorrow."""


class Sayso(System):
    """Workers that share the shards, and projectors that share the views."""

    def __init__(
        self,
        place: Place,
        workers: int,
        ledgers: Literal["postgresql", "sqlite"],
        projectors: int = 0,
        carrier: str = NOBODY,
    ) -> None:
        """`carrier`: its address."""
        super().__init__(place)
        kind = "PostgreSQL" if ledgers == "postgresql" else "SQLite"
        self.name = f"Sayso on {kind}, {workers} worker{'s' if workers > 1 else ''}"
        self.sharing = workers
        self.database = place.database()
        self._projectors = projectors
        self._variables = {
            "KAFKA_BOOTSTRAP": place.bootstrap,
            "TOPIC_PREFIX": place.prefix,
            "PARTITIONS": str(place.partitions),
            "REPLICATION": "1",
            "DATABASE_URL": self.database,
            "LEDGERS": ledgers,
            "DATA_DIR": str(place.folder / "data"),
            "MASTER_KEY": base64.b64encode(b"m" * KEY_BYTES).decode(),
            "NAMES_SECRET": base64.b64encode(b"n" * KEY_BYTES).decode(),
            "TOKEN_SECRET": "t" * 32,
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_URL": carrier,
            "LOG_LEVEL": "warning",
        }

    def prepare(self) -> None:
        command = [*DEPLOY, "topics", "create"]
        environment = {PREFIX + name: value for name, value in self._variables.items()}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Stuck(f"The topics could not be made: {done.stdout}{done.stderr}")

    def described(self) -> Sequence[Process]:
        roles = ["worker"] * self.sharing + ["projector"] * self._projectors
        return [self._process(role) for role in roles]

    def _process(self, role: str) -> Process:
        variables = {**self._variables, "OPS_PORT": str(free_port())}
        return Process([*DEPLOY, role], {PREFIX + name: value for name, value in variables.items()})


class Layered(Sayso):
    """One worker on PostgreSQL that tells where its time goes."""

    def __init__(self, place: Place) -> None:
        super().__init__(place, 1, "postgresql")
        self._told = place.folder / "layers.json"

    def _process(self, role: str) -> Process:
        _, environment = super()._process(role)
        return Process(
            [sys.executable, "-m", "tests.benchmarks.kafka.layers", str(self._told), role], environment
        )

    def used_s(self) -> dict[str, float]:
        """Processor seconds of each layer so far."""
        self._told.unlink(missing_ok=True)
        self.processes[0].send(signal.SIGUSR1)
        deadline_s = time.monotonic() + TOLD_WITHIN_S
        while not self._told.exists():
            if time.monotonic() > deadline_s:
                raise Stuck("The worker does not tell where its time goes.")
            time.sleep(0.01)
        found: dict[str, float] = json.loads(self._told.read_text())
        return found


@contextmanager
def receipts(database: str) -> Iterator[Visible]:
    """Which commands the view of receipts shows, asked of the database."""
    command_id = catalog.RECEIPTS.receipts.c.command_id
    engine = open_engine(database)

    def visible(commands: Collection[UUID]) -> list[UUID]:
        with engine.connect() as connection:
            found = connection.scalars(
                select(command_id).where(command_id.in_([one.hex for one in commands]))
            )
            return [UUID(name) for name in found]

    yield visible
    engine.dispose()
