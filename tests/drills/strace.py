"""What a process says to the disk and to its callers, in the order in which the kernel heard it.

strace writes one line per system call, or two where others came in between: when it begins and when it ends.
"""

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self

from tests.support.sayso import eventually

CALLS = "pwrite64,fdatasync,fsync,sendto,write,writev,sendmsg,recvfrom"
STRING_BYTES_MAX = 70_000  # a whole answer, and more than a page of the log
ATTACHED = "attached"
_BEGUN = re.compile(r"(\d+) +(\w+)\(\d+<([^>]*)>(.*)")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)= (-?\d+)")
_RESULT = re.compile(r"= (-?\d+)(?: \w+.*)?$")


class NotTraced(Exception):
    """strace is missing, or the system lets nobody trace; the message says which."""


class Step(NamedTuple):
    """A call begins or ends.

    `content` is what was written, escaped as in C, and stands where the call begins; what was received stands
    where it ends.
    """

    thread: str
    moment: Literal["begins", "ends"]
    call: str
    file: str
    content: str
    result: int


class Strace:
    """Follows processes with all their threads and children, from entering to leaving the context."""

    def __init__(self, pids: Sequence[int], output: Path, more: Sequence[str] = ()) -> None:
        """`more`: further options, such as faults to inject."""
        if shutil.which("strace") is None:
            raise NotTraced("strace is missing; `make drills` installs it.")
        self._output = output
        self._said = output.with_suffix(".said")
        command = ["strace", "-f", "-y", "-s", str(STRING_BYTES_MAX), "-e", f"trace={CALLS}", *more]
        with self._said.open("wb") as said:
            attach = [part for pid in pids for part in ("-p", str(pid))]
            self._process = subprocess.Popen([*command, "-o", str(output), *attach], stderr=said)

    def __enter__(self) -> Self:
        eventually(self._attached)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGINT)  # it lets go of the process and ends
        self._process.wait()

    def _attached(self) -> bool:
        said = self._said.read_text()
        if self._process.poll() is not None:
            raise NotTraced(f"strace cannot follow the process: {said[-500:]}")
        return ATTACHED in said


def descendants(pid: int) -> list[int]:
    """A process, its children, and theirs; those that end while we look are not among them."""
    children = ""
    with suppress(FileNotFoundError, ProcessLookupError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *(found for child in children.split() for found in descendants(int(child)))]


def steps(output: Path) -> Iterator[Step]:
    """Everything that strace wrote to `output`, in order."""
    begun: dict[tuple[str, str], str] = {}
    with output.open(errors="replace") as lines:
        for line in lines:
            if resumed := _RESUMED.match(line):
                thread, call, content, result = resumed.groups()
                yield Step(thread, "ends", call, begun.pop((thread, call), ""), content, int(result))
            elif entered := _BEGUN.match(line):
                thread, call, file, rest = entered.groups()
                yield Step(thread, "begins", call, file, rest, 0)
                if rest.rstrip().endswith("<unfinished ...>"):
                    begun[thread, call] = file
                elif result := _RESULT.search(rest.rstrip()):
                    yield Step(thread, "ends", call, file, rest, int(result[1]))
