"""Work on all that is kept: rebuild, replay, export, which show how far they are; and what is stopped."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from consumers.projector import Projector
from deploy.archive import Archive, NothingThere
from deploy.progress import bar
from deploy.saying import show
from projections import catalog, rebuilding
from projections.comparing import differences
from projections.engine import open_engine
from projections.operating import stopped_accounts
from projections.source import EventSource
from projections.tracking import shown
from schemas import codec
from schemas.keystore import KeyStore

EVENTS_READ_MAX = 1_000


def rebuild(archive: Archive, names: Sequence[str] | None, console: Console) -> None:
    """Build the views called `names` (all, if none) again while they serve.

    Raises:
        NothingThere: no view has that name.
    """
    known = {view.NAME: view for view in catalog.LIVE}
    for name in names or known:
        if name not in known:
            raise NothingThere(f"There is no view {name}. There are: {', '.join(known)}.")
        with bar(console, f"Rebuilding {name}") as show:
            rebuilding.rebuild(archive.views, known[name], archive.sources, archive.keys, show)


def replay(archive: Archive, console: Console) -> bool:
    """Whether every view equals a replay of all events from the beginning; says which do not."""
    with tempfile.TemporaryDirectory(prefix="sayso-replay-") as folder:
        fresh = open_engine(f"sqlite:///{folder}/views.db")
        try:
            return _equal(archive, fresh, console)
        finally:
            fresh.dispose()


def _equal(archive: Archive, fresh: Engine, console: Console) -> bool:
    """Compare the views at one moment with a replay up to then; a Sayso that runs goes on meanwhile."""
    for name, source in archive.sources.items():  # what a projector that was stopped has not shown yet
        now = _UpTo(source, source.last_notification())
        Projector(now, archive.views, archive.keys, source_name=name).catch_up()
    with archive.views.connect() as served, bar(console, "Replaying") as show:
        standing = shown(served, [view.key for view in catalog.LIVE])
        different = differences(served, fresh, archive.sources, archive.keys, show)
    for name in different:
        console.print(f"[red]{name} differs from a replay.[/red]")
    if not different:
        console.print(f"All views equal a replay of {sum(standing.values()):,} events.")
    return not different


def stopped(archive: Archive, console: Console) -> None:
    """Print the accounts whose sending is stopped, and what resumes it."""
    accounts = stopped_accounts(archive.views)
    if not accounts:
        console.print("No account is stopped.")
        return
    table = Table("Account", "Since", "Code", "Reason", box=None, pad_edge=False)
    for one in accounts:
        code = "" if one.code is None else str(one.code)
        table.add_row(one.account, f"{one.since:%Y-%m-%d %H:%M:%S}", code, one.reason)
    show(table, console)
    console.print(
        "Put right what the carrier objects to, and send resume-sending for each (scope texts:operate). "
        'The command stands in docs/operations.md, "A stopped account".',
        soft_wrap=True,
    )


@dataclass(frozen=True, slots=True)
class _UpTo:
    """A log as it was when `last` was its newest event."""

    log: EventSource
    last: int

    def notifications(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        return self.log.notifications(after, min(limit, self.last - after)) if after < self.last else ()

    def last_notification(self) -> int:
        return self.last


def export(
    archive: Archive, file: Path, account: str | None, stream: str | None, sealed: bool, console: Console
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
            written = _write(lines, archive, account, stream, sealed, show)
        partly.rename(file)
    finally:
        partly.unlink(missing_ok=True)
    console.print(f"{written:,} events are in {file}.", soft_wrap=True)


def _write(
    lines: BinaryIO,
    archive: Archive,
    account: str | None,
    stream: str | None,
    sealed: bool,
    show: Callable[[int, int], None],
) -> int:
    """How many events were written."""
    written, keys = 0, archive.keys
    for data in _all(archive, show):
        if _wanted(data, keys, account, stream):
            lines.write((data if sealed else _opened(data, keys)) + b"\n")
            written += 1
    return written


def _all(archive: Archive, show: Callable[[int, int], None]) -> Iterator[bytes]:
    """Every event there is now: shard by shard, each in its order."""
    ends = {name: source.last_notification() for name, source in archive.sources.items()}
    total, done = sum(ends.values()), 0
    for name, source in archive.sources.items():
        now = _UpTo(source, ends[name])
        position = 0
        while page := now.notifications(position, EVENTS_READ_MAX):
            yield from (data for _, data in page)
            position = page[-1][0]
            show(done + position, total)
        done += position


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
