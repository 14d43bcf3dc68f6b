"""What the command line has in common: where it prints, how it says what is wrong, its settings."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

from rich.console import Console
from rich.table import Table

from deploy.logs import configure_logs
from deploy.settings import PREFIX, Settings, SettingsError, load

T = TypeVar("T")

out = Console()
errors = Console(stderr=True)
UNWRAPPED = 10_000  # characters: wider than any row


def settings_here() -> Settings:
    """The settings of this process's environment; logs go as they say.

    Raises:
        SettingsError: one is missing or wrong.
    """
    secrets_dir = os.environ.get(f"{PREFIX}SECRETS_DIR")
    settings = load(Path(secrets_dir) if secrets_dir else None)
    configure_logs(settings.log_level, settings.log_format)
    return settings


def listening(listen: Callable[[], T], where: str, chosen_by: str) -> T:
    """What `listen` gives; a port that cannot be had is said in a sentence."""
    try:
        return listen()
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(
            f"Nothing can listen on {where}: {reason}. Choose another by {chosen_by}."
        ) from error


def show(table: Table, console: Console) -> None:
    """Print `table`: wrapped at a terminal; else a row is a line, for whatever reads it."""
    there = console if console.is_terminal else Console(file=console.file, width=UNWRAPPED)
    there.print(table)


def printable(text: str) -> str:
    """`text` as one line that no terminal obeys: what cannot be seen is written as Python escapes it."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def fail(sentence: str) -> NoReturn:
    """Say what is wrong, and end."""
    errors.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(1)
