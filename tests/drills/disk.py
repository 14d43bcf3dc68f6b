"""Disks that fail: a small one that fills up, and one that answers with errors."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BALLAST = "ballast"
CHUNK_BYTES = 64 * 1024


class NotMounted(Exception):
    """A file system of our own cannot be had here; the message says why."""


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[None]:
    """`folder` is a disk of its own, of that size, until the context is left.

    Raises:
        NotMounted: this user may not mount; the drill needs root.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={size_bytes},mode=0700"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "sayso-drill", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NotMounted(f"A small disk cannot be mounted, which takes root: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, leave_bytes: int) -> None:
    """Leave no more room than that."""
    with (folder / BALLAST).open("ab", buffering=0) as ballast:
        while (free := _free(folder) - leave_bytes) > 0:
            ballast.write(bytes(min(CHUNK_BYTES, free)))


def clear(folder: Path) -> None:
    """Give the room back."""
    (folder / BALLAST).unlink()


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_bsize
