"""Which Sayso a command works on: the one that the environment names, or a demo."""

import os
from pathlib import Path
from typing import Annotated

import typer

from deploy import demo as demos
from deploy.saying import settings_here
from deploy.settings import PREFIX, Settings, SettingsError

OfDemo = Annotated[
    Path | None, typer.Option("--demo", help="Work on the demo that keeps its files in this folder.")
]


def settings_of(demo: Path | None) -> Settings:
    """The settings of the demo in that folder; of the environment, if none is named.

    Raises:
        SettingsError: nothing is set, or a setting is wrong, or there is no demo.
    """
    if demo is not None:
        return demos.settings_of(demo, "--demo")
    if not any(name.startswith(PREFIX) for name in os.environ):
        raise SettingsError(
            f"Nothing is set. For the demo, name its folder: --demo {demos.DATA_DIR}. "
            "For any other Sayso, set what `sayso settings` lists as needed."
        )
    return settings_here()
