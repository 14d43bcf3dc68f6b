"""Sayso in a process of its own, as somebody starts it at a prompt."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from deploy.settings import PREFIX

PROJECT = Path(__file__).parents[2]
LISTENS = {"0A", "07"}  # a listening TCP socket, an unconnected UDP socket: man 5 proc
LOOPBACK_ONLY = {"0100007F"}  # 127.0.0.1, as /proc writes it


@contextmanager
def process(
    *arguments: str, folder: Path, variables: Mapping[str, object]
) -> Iterator[subprocess.Popen[str]]:
    """A command, started in `folder` with these variables (without their prefix); killed in the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment |= {PREFIX + name: str(value) for name, value in variables.items()}
    environment |= {"PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "deploy", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def status(url: str) -> int:
    """The status with which `url` answers; 0 while nobody listens there."""
    try:
        return httpx.get(url, trust_env=False).status_code
    except httpx.TransportError:
        return 0


def listening(pid: int) -> set[str]:
    """The addresses on which a process listens, as the system knows them."""
    held = set(_held(pid))
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            local, state, inode = fields[1], fields[3], fields[9]
            if state in LISTENS and f"socket:[{inode}]" in held:
                found.add(local.split(":")[0])
    return found


def _held(pid: int) -> Iterator[str]:
    """What a process has open; what it closes while we look is not among it."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            yield str(link.readlink())
