"""Row 9: the disk is full, read-only, or answers with errors; then it is well again, without a start.

Until then nobody is promised anything; afterwards everything works, and every command that was taken in has
its one receipt. Every other time the process is killed before the disk is well again.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from tests.drills import disk
from tests.drills.distributed import Distributed
from tests.drills.embedded import Embedded
from tests.drills.rows.distributed import Injury, pause, trials
from tests.drills.servers import BROKER, POSTGRES, on_small_disks
from tests.drills.strace import NotTraced, Strace, descendants
from tests.drills.trial import Place, Trial
from tests.support.sayso import eventually

HURT_S_MAX = 4.0
DISK_BYTES = 64 * 1024 * 1024
LEFT_BYTES_MAX = 256 * 1024
REFUSALS = 5
"""Commands that are turned away before the disk is well again."""
REFUSED_S_MAX = 180.0
TRIALS_PER_STAND = 10
ERRORS = {"I/O error": "EIO", "read-only": "EROFS"}
FAULTS = ["disk full", *ERRORS]


def embedded(place: Place) -> Iterator[Trial]:
    """The disk under all the files of the one process that is everything."""
    faults = place.chosen([f"{fault} (embedded)" for fault in FAULTS])
    while True:
        folder = place.fresh("disk")
        with (
            disk.small_disk(folder / "data", DISK_BYTES),
            Embedded(place.nursery, folder, place.chance.getrandbits(32)) as stand,
        ):
            stand.start()
            stand.load.prepare()
            for _ in range(TRIALS_PER_STAND):
                yield _trial(stand, place, place.chance.choice(faults))


def distributed(place: Place) -> Iterator[Trial]:
    """The disks under PostgreSQL and under the broker, each of its own."""
    with on_small_disks(place.fresh("disks")) as servers:
        yield from trials(place, SERVERS_FAULTS, lambda: servers)


def _fill(name: str, stand: Distributed, place: Place) -> None:
    """No room for a while; then there is, and whoever has ended over it is started again."""
    folder = stand.servers.folder / name
    disk.fill(folder, place.chance.randrange(LEFT_BYTES_MAX))
    pause(place, 0.5, HURT_S_MAX)
    disk.clear(folder)
    _start_again(stand)


def _fail_writes(stand: Distributed, place: Place) -> None:
    """PostgreSQL cannot sync its log; it must not go on as if it had."""
    options = ["-e", f"inject=fdatasync:error={ERRORS['I/O error']}"]
    pids = descendants(stand.servers.postgres.pid)
    with suppress(NotTraced), Strace(pids, stand.folder / "strace", options):  # over, once all have ended
        pause(place, 0.5, HURT_S_MAX)
    _start_again(stand)


def _start_again(stand: Distributed) -> None:
    servers = stand.servers
    servers.postgres.crash()
    servers.postgres.start()
    servers.broker.kill()
    servers.broker.start()


SERVERS_FAULTS: dict[str, Injury] = {
    "disk full (PostgreSQL)": partial(_fill, POSTGRES),
    "disk full (broker)": partial(_fill, BROKER),
    "I/O error (PostgreSQL)": _fail_writes,
}
"""For servers on small disks."""


def _trial(stand: Embedded, place: Place, fault: str) -> Trial:
    stand.load.start()
    dies = place.chance.random() < 0.5
    if fault.startswith("disk full"):
        disk.fill(stand.settings.data_dir, place.chance.randrange(LEFT_BYTES_MAX))
        _wait_for_refusals(stand)
        if dies:
            stand.process.kill()
        disk.clear(stand.settings.data_dir)
    else:
        with Strace(
            [stand.process.running.pid], stand.folder / "strace", _errors(fault, stand.settings.data_dir)
        ):
            _wait_for_refusals(stand)
            if dies:
                stand.process.kill()
    stand.load.stop()
    if dies:
        stand.start()
    return stand.trial(fault)


def _errors(fault: str, folder: Path) -> list[str]:
    """strace's options: every write to the ledger fails so."""
    error = ERRORS[fault.partition(" (")[0]]
    path = folder / "ledger-0.db-wal"
    return ["-P", str(path), "-e", f"inject=pwrite64,fdatasync:error={error}"]


def _wait_for_refusals(stand: Embedded) -> None:
    """Return when so many commands more were not taken in."""
    wanted = stand.load.refused + REFUSALS
    eventually(lambda: stand.load.refused >= wanted, REFUSED_S_MAX)
