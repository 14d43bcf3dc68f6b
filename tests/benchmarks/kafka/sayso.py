"""Sayso itself, as whoever runs it starts it: `python -m deploy worker` and its kin, set by variables."""

import base64
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal
from uuid import UUID

import psycopg

from deploy.local.process import free_port
from deploy.settings import KEY_BYTES, PREFIX
from tests.benchmarks.kafka.steady import Visible
from tests.benchmarks.kafka.systems import ROOT, Place, Process, System
from tests.benchmarks.kafka.topics import Stuck

DEPLOY = (sys.executable, "-m", "deploy")


class Sayso(System):
    """Workers that share the shards, and projectors that share the views."""

    def __init__(
        self, place: Place, workers: int, ledgers: Literal["postgresql", "sqlite"], projectors: int = 0
    ) -> None:
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
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": "none",
            "TWILIO_URL": "http://127.0.0.1:9",  # nobody: all texts are for tomorrow
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


@contextmanager
def receipts(database: str) -> Iterator[Visible]:
    """Which commands the view of receipts shows, asked of the database as the interface asks it."""
    with psycopg.connect(database, autocommit=True) as connection:

        def visible(commands: Collection[UUID]) -> list[UUID]:
            names = [command.hex for command in commands]
            rows = connection.execute(
                "SELECT command_id FROM receipts WHERE command_id = ANY(%s)", [names]
            ).fetchall()
            return [UUID(row[0]) for row in rows]

        yield visible
