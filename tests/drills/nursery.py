"""Starts Sayso's processes quickly: one process has imported everything and forks a child for each start.

Importing takes two seconds of a core, and a drill starts processes hundreds of times. `Nursery` is the side
of the drill; `python -m tests.drills.nursery` is the process, which reads one JSON object a line

    {"plan": "/path", "command": ["serve"], "log": "/path", "variables": {"SAYSO_PORT": "8000"}}

and answers with the child's pid. Children die with it, and it dies with the drill.
"""

import ctypes
import faulthandler
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.settings import PREFIX
from tests.drills import launch

PROJECT = Path(__file__).parents[2]
CARRIER = "carrier"
"""The command of which comes no process of Sayso's, but the carrier's: see `carrier`."""
WITH_PARENT = 1  # PR_SET_PDEATHSIG, man 2 prctl


class Child:
    """One of Sayso's processes."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._handle: int | None = os.pidfd_open(pid)

    @property
    def running(self) -> bool:
        return not self.ended(0)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; what has ended hears nothing."""
        assert self._handle is not None
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)

    def ended(self, timeout_s: float) -> bool:
        """Whether it has ended within that time."""
        if self._handle is None:
            return True
        ready, _, _ = select.select([self._handle], [], [], timeout_s)
        return bool(ready)

    def close(self) -> None:
        """End it, if it still runs, and forget it."""
        if self._handle is not None:
            self.send(signal.SIGKILL)
            self.ended(10)
            os.close(self._handle)
            self._handle = None


class Nursery:
    """The process that forks, from this side."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.drills.nursery"],
            cwd=PROJECT,
            env={name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
            | {"PYTHONPATH": str(PROJECT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, plan: Path, command: Sequence[str], log: Path, variables: Mapping[str, str]) -> Child:
        """Start `sayso COMMAND` with the fault that `plan` describes (see `launch`)."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        wanted = {"plan": str(plan), "command": command, "log": str(log), "variables": variables}
        stdin.write(json.dumps(wanted) + "\n")
        stdin.flush()
        return Child(int(stdout.readline()))

    def close(self) -> None:
        """End it and all its children."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def main() -> None:
    """Import everything, then fork whenever asked."""
    import_module("deploy.__main__")
    import_module("tests.drills.carrier")
    launch.prepare()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries the dead
    for line in sys.stdin:
        wanted = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(wanted)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _become(wanted: dict[str, object]) -> None:
    """The child: from here on it is one of Sayso's processes."""
    ctypes.CDLL(None).prctl(WITH_PARENT, signal.SIGKILL)
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDONLY)
    log = os.open(str(wanted["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, instead in ((0, null), (1, log), (2, log)):
        os.dup2(instead, descriptor)
    variables, command = wanted["variables"], wanted["command"]
    assert isinstance(variables, dict)
    assert isinstance(command, list)
    faulthandler.register(signal.SIGUSR2)  # what every thread does, into the log: for whoever looks into it
    os.environ.update(variables)
    try:
        if command[0] == CARRIER:
            import_module("tests.drills.carrier").serve(*command[1:])
        launch.main(Path(str(wanted["plan"])), command)
    except SystemExit as error:
        _exit(error.code)
    except BaseException:  # noqa: BLE001  # said, and the end of this process, as it is of any
        sys.excepthook(*sys.exc_info())
        _exit(1)
    _exit(0)


def _exit(code: object) -> None:
    """End without what belongs to the parent: its buffers and exit handlers are not ours to run."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()
