"""The project's files as git would take them, with their text."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("schemas", "domain", "projections", "consumers", "producers", "deploy")


@cache
def texts() -> dict[str, str]:
    """Every tracked or new file, path to content; ignored files and those that are no text are left out.

    Raises:
        subprocess.CalledProcessError: the tests do not stand in a git work tree.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = {name: _text(ROOT / name) for name in listed.split("\0") if name and (ROOT / name).is_file()}
    return {name: text for name, text in found.items() if text is not None}


def texts_of(*suffixes: str) -> dict[str, str]:
    """The files whose names end in one of `suffixes`."""
    return {name: text for name, text in texts().items() if name.endswith(suffixes)}


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
