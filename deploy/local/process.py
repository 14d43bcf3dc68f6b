"""A server's process: started, waited for, and ended with whoever started it."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic, sleep

POLL_S = 0.05
STOP_TIMEOUT_S = 30.0
LOG_SHOWN_BYTES = 2_000


class NotStarted(Exception):
    """The server did not come up; the message ends with what it said."""


class ServerProcess:
    """A child process that writes to a log, and dies with the thread that started it."""

    def __init__(self, command: Sequence[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                # Whatever becomes of us: no server is left behind.
                ["setpriv", "--pdeathsig", "KILL", "--", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,  # Ctrl-C is for us to pass on
            )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Return when `ready` says so.

        Raises:
            NotStarted: it ended, or was not ready in time.
        """
        deadline = monotonic() + timeout_s
        while not ready():
            if not self.running or monotonic() > deadline:
                raise self._failed()
            sleep(POLL_S)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; what has ended hears nothing."""
        if self.running:
            self._process.send_signal(number)

    def wait(self, timeout_s: float) -> None:
        """Return when it has ended well.

        Raises:
            NotStarted: it ended otherwise, or not in time.
        """
        self.wait_until(lambda: not self.running, timeout_s)
        if self._process.returncode != 0:
            raise self._failed()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end by `number`, and make it end if it does not."""
        self.send(number)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once."""
        self.send(signal.SIGKILL)
        self._process.wait()

    def _failed(self) -> NotStarted:
        said = self._log.read_bytes()[-LOG_SHOWN_BYTES:].decode(errors="replace")
        return NotStarted(f"{self._log.stem} did not start. It said: {said}")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether somebody listens on that port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
