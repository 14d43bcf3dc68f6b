"""Long work on the stores: rebuild, replay, export; each shows how far it is."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from sqlalchemy import Engine

from consumers.projector import Projector
from deploy.progress import bar
from deploy.settings import Settings
from deploy.stores import LEDGER_FILE, SHARD, Stores
from domain.ledger import Ledger
from projections import catalog
from projections.comparing import differences
from projections.engine import open_engine
from projections.tracking import shown, source_of
from schemas import codec
from schemas.keystore import KeyStore

EVENTS_READ_MAX = 1_000
SOURCE = source_of(SHARD)


class NothingThere(Exception):
    """What was named does not exist; the message says what does."""


@contextmanager
def opened(settings: Settings) -> Iterator[Stores]:
    """The files of a Sayso that has run before, whether or not it runs now.

    Raises:
        NothingThere: none has run in that folder.
        SettingsError, StoresUnavailable: as `Stores` does.
    """
    folder = settings.data_dir
    if not (folder / LEDGER_FILE).exists():
        raise NothingThere(f"There is no ledger in {folder}. Set SAYSO_DATA_DIR to where Sayso works.")
    stores = Stores(settings)
    try:
        yield stores
    finally:
        stores.close()


def rebuild(stores: Stores, names: Sequence[str] | None, console: Console) -> None:
    """Build the views called `names` (all, if none) again while they serve.

    Raises:
        NothingThere: no view has that name.
    """
    projector = Projector(stores.ledger, stores.views, stores.keys)
    known = [view.NAME for view in catalog.LIVE]
    for name in names or known:
        if name not in known:
            raise NothingThere(f"There is no view {name}. There are: {', '.join(known)}.")
        with bar(console, f"Rebuilding {name}") as show:
            projector.rebuild(name, show)


def replay(stores: Stores, console: Console) -> bool:
    """Whether every view equals a replay of the ledger from the beginning; says which do not."""
    with tempfile.TemporaryDirectory(prefix="sayso-replay-") as folder:
        fresh = open_engine(f"sqlite:///{folder}/views.db")
        try:
            return _equal(stores, fresh, console)
        finally:
            fresh.dispose()


def _equal(stores: Stores, fresh: Engine, console: Console) -> bool:
    """Compare the views at one moment with a replay up to then; a Sayso that runs goes on meanwhile."""
    now = _UpTo(stores.ledger, stores.ledger.last_notification())
    Projector(now, stores.views, stores.keys).catch_up()  # what one that was stopped has not shown yet
    with stores.views.connect() as served, bar(console, "Replaying") as show:
        end = shown(served, [view.key for view in catalog.LIVE]).get(SOURCE, 0)
        different = differences(served, fresh, {SOURCE: stores.ledger}, stores.keys, show)
    for name in different:
        console.print(f"[red]{name} differs from a replay.[/red]")
    if not different:
        console.print(f"All views equal a replay of {end:,} events.")
    return not different


@dataclass(frozen=True, slots=True)
class _UpTo:
    """A ledger as it was when `last` was its newest event."""

    ledger: Ledger
    last: int

    def notifications(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        return self.ledger.notifications(after, limit, self.last)

    def last_notification(self) -> int:
        return self.last


def export(
    stores: Stores, file: Path, account: str | None, stream: str | None, sealed: bool, console: Console
) -> None:
    """Write the ledger's events to `file`, one CloudEvent a line; personal data is opened unless `sealed`.

    The file appears whole or not at all, and for its owner alone: it holds what people wrote.

    Raises:
        NothingThere: `file` is a folder.
        OSError: it cannot be written.
    """
    if file.is_dir():
        raise NothingThere(f"{file} is a folder. Name a file in it.")
    partly = file.with_name(file.name + ".part")
    partly.touch(mode=0o600)
    try:
        with partly.open("wb") as lines, bar(console, "Exporting") as show:
            written = _write(lines, stores, account, stream, sealed, show)
        partly.rename(file)
    finally:
        partly.unlink(missing_ok=True)
    console.print(f"{written:,} events are in {file}.", soft_wrap=True)


def _write(
    lines: BinaryIO,
    stores: Stores,
    account: str | None,
    stream: str | None,
    sealed: bool,
    show: Callable[[int, int], None],
) -> int:
    """How many events were written."""
    last, position, written = stores.ledger.last_notification(), 0, 0
    while page := stores.ledger.notifications(position, EVENTS_READ_MAX, last):
        for _, data in page:
            if _wanted(data, stores.keys, account, stream):
                lines.write((data if sealed else _opened(data, stores.keys)) + b"\n")
                written += 1
        position = page[-1][0]
        show(position, last)
    return written


def _wanted(data: bytes, keys: KeyStore, account: str | None, stream: str | None) -> bool:
    if stream is not None and codec.peek(data).stream != stream:
        return False
    return account is None or codec.decode(data, keys).context.account == account


def _opened(data: bytes, keys: KeyStore) -> bytes:
    """The event as a CloudEvent whose data holds every field in the clear."""
    whole = json.loads(data)
    whole.pop("sealed", None)
    whole["data"] = codec.decode(data, keys).event.model_dump(mode="json")
    return json.dumps(whole, ensure_ascii=False).encode()
