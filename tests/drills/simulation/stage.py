"""Where stories are told: one after the other, in one place, and each from empty files."""

import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from projections.engine import open_engine
from projections.view import View
from tests.consumers.shards import Clock
from tests.drills.lab import VIEWS_FILE, Lab
from tests.drills.simulation.chance import Odds
from tests.drills.simulation.world import World

IN_MEMORY = Path("/dev/shm")  # noqa: S108  # a tmpfs: files there are synced at once


class Stage:
    """From entering to leaving the context.

    The empty files are copies of a set that was made once, and the views' engine is one for all: making
    tables and compiling statements would take longer than most stories.
    """

    def __init__(self, folder: Path, views: Collection[View]) -> None:
        """In memory, or in `folder` where there is no such place."""
        self._opened = tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else folder)
        self._blank = Path(self._opened.name, "blank")
        self._files = Path(self._opened.name, "story")
        self._engine = open_engine(f"sqlite:///{self._files / VIEWS_FILE}")
        self._views = views
        self._blank.mkdir()
        Lab(self._blank, Clock(), views).close()

    @contextmanager
    def told(self, seed: int, odds: Odds, begins: datetime, people: int, steps: int) -> Iterator[World]:
        """The story of this seed, at its end."""
        shutil.copytree(self._blank, self._files)
        try:
            with Lab(self._files, Clock(begins), self._views, self._engine) as lab:
                world = World(lab, seed, odds, people)
                world.run(steps)
                yield world
        except Exception as error:
            error.add_note(f"It is the story of seed {seed}.")
            raise
        finally:
            shutil.rmtree(self._files)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.cleanup()
