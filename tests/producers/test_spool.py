"""The spool: what it keeps is on the disk, sealed, in order, and bounded."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from producers.spool import FILE, SpoolBroken, SpoolFull
from schemas.keystore import WrongMasterKey
from tests.support.intakes import spool_in
from tests.support.processes import PROJECT

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
SOON_S = 30
WORDS = b"inbound\n\nBody=secret+words"


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_calls_come_out_in_the_order_in_which_they_went_in(tmp_path: Path) -> None:
    with spool_in(tmp_path) as spool:
        assert not spool.look()
        kept = [spool.keep(b"%d" % n, NOON + timedelta(seconds=n)) for n in range(20)]
        for one in kept:
            one.result(SOON_S)
        assert spool.waiting
        assert spool.standing() == (20, NOON)
        first = spool.oldest(5)
        assert [(one.call, one.at.second) for one in first] == [(b"%d" % n, n) for n in range(5)]
        spool.drop([one.id for one in first])
        assert [one.call for one in spool.oldest(100)] == [b"%d" % n for n in range(5, 20)]
        spool.drop([one.id for one in spool.oldest(100)])
        assert not spool.look()
        assert spool.standing() == (0, None)


def test_what_it_took_is_there_after_any_end(tmp_path: Path) -> None:
    script = f"""
import os, signal
from datetime import UTC, datetime
from pathlib import Path
from producers.spool import Spool
spool = Spool(Path({str(tmp_path)!r}), b"m" * 32, 1 << 24)
kept = [spool.keep(b"%d" % n, datetime.now(UTC)) for n in range(100)]
for one in kept:
    one.result({SOON_S})
os.kill(os.getpid(), signal.SIGKILL)
"""
    died = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=False, timeout=60)
    assert died.returncode < 0
    with spool_in(tmp_path) as spool:
        assert spool.waiting
        assert [one.call for one in spool.oldest(1_000)] == [b"%d" % n for n in range(100)]


def test_nobody_else_can_read_it_and_what_is_dropped_is_gone(tmp_path: Path) -> None:
    with spool_in(tmp_path) as spool:
        spool.keep(WORDS, NOON).result(SOON_S)
        (one,) = spool.oldest(1)
        assert b"secret" not in everything(tmp_path)
        assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
        sealed = spool._ask(lambda database: database.execute("SELECT sealed FROM calls").fetchone())[0]
        spool.drop([one.id])
    assert sealed not in (tmp_path / FILE).read_bytes()


def test_another_master_key_is_refused_while_something_waits(tmp_path: Path) -> None:
    with spool_in(tmp_path) as spool:
        spool.keep(WORDS, NOON).result(SOON_S)
    with pytest.raises(WrongMasterKey), spool_in(tmp_path, key=b"x" * 32):
        pass
    with spool_in(tmp_path) as spool:
        spool.drop([one.id for one in spool.oldest(1)])
    with spool_in(tmp_path, key=b"x" * 32) as spool:
        assert not spool.waiting


def test_it_grows_no_larger_than_it_may_and_takes_again_what_there_is_room_for(tmp_path: Path) -> None:
    call = b"x" * 10_000
    with spool_in(tmp_path, bytes_max=500_000) as spool:
        kept = [spool.keep(call, NOON).exception(SOON_S) for _ in range(60)]
        size = kept.count(None)
        assert 10 < size < 50
        assert {type(wrong) for wrong in kept[size:]} == {SpoolFull}
        assert spool.standing().waiting == size
        spool.drop([one.id for one in spool.oldest(1_000)])
        assert not spool.waiting
        spool.keep(call, NOON).result(SOON_S)
    assert (tmp_path / FILE).stat().st_size <= 500_000


def test_a_failure_that_leaves_nothing_behind_leaves_nothing_waiting(tmp_path: Path) -> None:
    with spool_in(tmp_path) as spool:
        holder = sqlite3.connect(tmp_path / FILE, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(SpoolBroken, match="SQLITE_BUSY"):
            spool.keep(WORDS, NOON).result(SOON_S)
        holder.execute("ROLLBACK")
        holder.close()
        assert not spool.look()
        spool.keep(WORDS, NOON).result(SOON_S)
        assert spool.waiting


def test_processes_may_share_a_folder_and_one_replays_for_all(tmp_path: Path) -> None:
    with spool_in(tmp_path) as one, spool_in(tmp_path) as other, ThreadPoolExecutor(8) as pool:
        both = [*pool.map(lambda n: (one, other)[n % 2].keep(b"%d" % n, NOON), range(200))]
        for kept in both:
            kept.result(SOON_S)
        assert (one.mine(), other.mine(), one.mine()) == (True, False, True)
        assert one.standing().waiting == 200
        one.drop([spooled.id for spooled in one.oldest(200)])
        assert other.waiting  # as far as it knows
        assert not other.look()
    with spool_in(tmp_path) as one:
        assert one.mine()
