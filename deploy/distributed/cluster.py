"""The distributed form on one machine, for a developer: broker, PostgreSQL, simulator, every process twice.

Each part of Sayso is a process of its own, as it would be on machines of their own, and is started again if
it ends: so whoever kills one can watch another take over.
"""

import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from deploy import demo
from deploy.clock import utc_now
from deploy.local.broker import Broker
from deploy.local.postgres import Postgres
from deploy.local.process import ServerProcess, free_port
from deploy.parts import auth_of
from deploy.saying import listening
from deploy.serving import require_free
from deploy.settings import LOOPBACK, PREFIX, Settings
from deploy.simulator.server import SimulatorServer
from producers.http.auth import issue

DATA_DIR = Path("cluster-data")
PARTITIONS = 4
EACH = 2
"""How many there are of each process."""
VARIABLES = "variables.sh"
"""In the data folder: what a shell needs to reach the cluster."""
READY_TIMEOUT_S = 90.0
WATCH_EVERY_S = 0.5
LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True)
class Part:
    """One process of Sayso: its name here, its command and variables, and its address."""

    name: str
    command: tuple[str, ...]
    variables: Mapping[str, str]
    url: str


class Cluster:
    """All of it, from entering the context to leaving it. `say` is told what happens.

    Raises:
        NotStarted: something did not come up; the message says what, and ends with what it said.
        SettingsError: one of the two ports is taken.
    """

    def __init__(self, folder: Path, port: int, phones_port: int, say: Callable[[str], None]) -> None:
        self._folder = folder.resolve()
        self._port = port
        self._phones_port = phones_port
        self._say = say
        self._running: dict[str, tuple[Part, ServerProcess]] = {}
        self._leaving, self._left = threading.Event(), threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._restarting = threading.Lock()
        self._stack = ExitStack()
        self.broker = Broker(self._folder / "broker")
        self.postgres = Postgres(self._folder / "postgres")
        self.settings: Settings

    def __enter__(self) -> Self:
        """Start everything, in the order in which one part needs another; return when all of it is ready."""
        with self._stack:
            self._start()
            self._stack = self._stack.pop_all()
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, the other way round."""
        self._leaving.set()
        with self._restarting:
            self._stack.close()
        self._left.set()
        self._watcher.join()

    @property
    def apis(self) -> list[str]:
        """The addresses of the HTTP interfaces."""
        return [part.url for part, _ in self._running.values() if part.command[0] == "api"]

    @property
    def phones(self) -> str:
        """The address of the simulated phones."""
        return f"http://{LOOPBACK}:{self._phones_port}"

    def wait(self) -> None:
        """Return when this process is told to stop, by Ctrl-C or SIGTERM. From the main thread."""
        told = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: told.set())
        told.wait()

    def log(self, name: str) -> Path:
        """What that process says."""
        return self._folder / f"{name}.log"

    def _start(self) -> None:
        # Before a minute's work, not after it.
        for port, chosen_by in ((self._port, "--port"), (self._phones_port, "--phones-port")):
            listening(partial(require_free, LOOPBACK, port), f"port {port}", chosen_by)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._stack.enter_context(self.broker)
        self._stack.enter_context(self.postgres)
        self.settings = self._settings()
        simulator = SimulatorServer(demo.simulator_settings(self.settings), port=self._phones_port)
        self._stack.enter_context(simulator)
        topics = self._run(Part("topics", ("topics", "create"), {}, ""))
        topics.wait(READY_TIMEOUT_S)
        self._stack.callback(self._stop_all)
        parts = [*self._many("worker"), *self._many("projector"), *self._apis()]
        for part in parts:
            self._running[part.name] = part, self._run(part)
        for part in parts:
            self._running[part.name][1].wait_until(partial(_ready, part), READY_TIMEOUT_S)
        self._assign_senders()
        self._write_variables()

    def _settings(self) -> Settings:
        database = self._folder / "database"
        if not database.exists():
            self.postgres.create_database("sayso")
            database.touch()
        chosen = {
            "KAFKA_BOOTSTRAP": self.broker.bootstrap,
            "DATABASE_URL": self.postgres.dsn("sayso"),
            "PARTITIONS": str(PARTITIONS),
            "REPLICATION": "1",
        }
        for name, value in chosen.items():
            os.environ.setdefault(PREFIX + name, value)
        return demo.settings_for(self._folder, self._port, self._phones_port)

    def _write_variables(self) -> None:
        """For a shell beside it, where `sayso` shall speak to this cluster: they hold its secrets."""
        ours = {name: value for name, value in sorted(os.environ.items()) if name.startswith(PREFIX)}
        path = self._folder / VARIABLES
        path.touch(mode=0o600)
        path.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in ours.items()))

    def _assign_senders(self) -> None:
        """Give the demo's accounts their numbers; a second time changes nothing."""
        for command in demo.senders():
            auth, actor = auth_of(self.settings), command.actor
            scopes, name = [*actor.permissions], None
            token = issue(auth, command.account, actor.id, scopes, utc_now(), LIFETIME, name, "service")
            answer = httpx.post(
                f"{self.apis[0]}/v1/accounts/{command.account}/commands",
                json=command.model_dump(mode="json", exclude={"account", "actor", "traceparent"}),
                headers={"Authorization": f"Bearer {token}", "Prefer": "wait=60"},
                timeout=READY_TIMEOUT_S,
                trust_env=False,
            )
            answer.raise_for_status()

    def _many(self, role: str) -> list[Part]:
        return [self._part(f"{role}-{n}", (role,), "OPS_PORT", free_port()) for n in range(1, EACH + 1)]

    def _apis(self) -> list[Part]:
        command = ("api", "--phones", self.phones)
        ports = [self._port, *(free_port() for _ in range(EACH - 1))]
        return [self._part(f"api-{n}", command, "PORT", port) for n, port in enumerate(ports, 1)]

    def _part(self, name: str, command: tuple[str, ...], port_variable: str, port: int) -> Part:
        return Part(name, command, {port_variable: str(port)}, f"http://{LOOPBACK}:{port}")

    def _run(self, part: Part) -> ServerProcess:
        variables = {PREFIX + name: value for name, value in part.variables.items()}
        return ServerProcess([sys.executable, "-m", "deploy", *part.command], self.log(part.name), variables)

    def _stop_all(self) -> None:
        for _, process in reversed(self._running.values()):
            process.stop()

    def _watch(self) -> None:
        """Start again what has ended, as whatever runs Sayso in earnest would."""
        while not self._leaving.wait(WATCH_EVERY_S):
            with self._restarting:
                self._start_again()
        self._left.wait()  # what a thread started ends with it: too early, if it were now

    def _start_again(self) -> None:
        for name, (part, process) in list(self._running.items()):
            if not process.running and not self._leaving.is_set():
                self._say(f"{name} ended and is started again; what it said is in {self.log(name)}.")
                self._running[name] = part, self._run(part)


def _ready(part: Part) -> bool:
    try:
        return httpx.get(f"{part.url}/readyz", trust_env=False, timeout=2.0).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
