"""Attachments on the disk: whole or not at all, sealed, and never more than the disk has room for."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from schemas.attachment_files import ARRIVING, LEFT_BEHIND_AFTER_S, AttachmentFiles
from schemas.keystore import KeyStore
from schemas.sealing import Unsealable

STREAM, SID = "cStream-_1", "MM1"
CONTENT = b"a picture of somebody"


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[KeyStore]:
    keys = KeyStore.open(tmp_path / "keys.db", b"m" * 32)
    keys.ensure([STREAM, "cOther"])
    yield keys
    keys.close()


@pytest.fixture
def files(tmp_path: Path, keys: KeyStore) -> AttachmentFiles:
    return AttachmentFiles(tmp_path / "media", keys, free_bytes_min=0)


def stored(folder: Path) -> list[Path]:
    return [path for path in (folder / "media").rglob("*") if path.is_file()]


def test_what_was_written_is_read_back(files: AttachmentFiles, tmp_path: Path) -> None:
    assert files.write(STREAM, SID, 0, CONTENT)
    assert files.write(STREAM, SID, 1, b"")
    assert (files.read(STREAM, SID, 0), files.read(STREAM, SID, 1)) == (CONTENT, b"")
    assert files.read(STREAM, SID, 2) is None
    assert files.read("cOther", SID, 0) is None
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in stored(tmp_path))
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "media").rglob("*"))


def test_written_twice_it_is_one_file(files: AttachmentFiles, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: files.write(STREAM, SID, 0, CONTENT), range(32)))
    assert len(stored(tmp_path)) == 1
    assert files.read(STREAM, SID, 0) == CONTENT


def test_an_id_is_no_path(files: AttachmentFiles, tmp_path: Path) -> None:
    for sid in ("../../../elsewhere", "/etc/passwd", ".", "a/b", "\0"):
        assert files.write(STREAM, sid, 0, sid.encode())
        assert files.read(STREAM, sid, 0) == sid.encode()
    assert {path.parent.name for path in stored(tmp_path)} == {STREAM}


def test_without_a_key_nothing_is_written(files: AttachmentFiles, keys: KeyStore, tmp_path: Path) -> None:
    assert files.write(STREAM, SID, 0, CONTENT)
    keys.erase(STREAM)
    assert files.read(STREAM, SID, 0) is None
    assert not files.write(STREAM, SID, 1, CONTENT)
    assert len(stored(tmp_path)) == 1
    keys.ensure([STREAM])  # the number writes again, under a key of the next generation
    assert files.read(STREAM, SID, 0) is None


def test_a_folder_that_is_away_is_no_file_that_is_gone(files: AttachmentFiles, tmp_path: Path) -> None:
    assert files.write(STREAM, SID, 0, CONTENT)
    (tmp_path / "media").rename(tmp_path / "away")
    with pytest.raises(FileNotFoundError):
        files.read(STREAM, SID, 0)
    (tmp_path / "away").rename(tmp_path / "media")
    assert files.read(STREAM, SID, 0) == CONTENT


def test_a_box_opens_in_its_own_place_only(files: AttachmentFiles, tmp_path: Path) -> None:
    files.write(STREAM, SID, 0, CONTENT)
    (first,) = stored(tmp_path)
    files.write(STREAM, SID, 1, b"another")
    (second,) = set(stored(tmp_path)) - {first}
    second.write_bytes(first.read_bytes())
    with pytest.raises(Unsealable):
        files.read(STREAM, SID, 1)
    first.write_bytes(first.read_bytes()[:-1])
    with pytest.raises(Unsealable):
        files.read(STREAM, SID, 0)


def test_a_disk_without_room_is_left_as_it_is(keys: KeyStore, tmp_path: Path) -> None:
    tight = AttachmentFiles(tmp_path / "media", keys, free_bytes_min=2**62)
    with pytest.raises(OSError, match="No space left"):
        tight.write(STREAM, SID, 0, CONTENT)
    assert stored(tmp_path) == []


def test_a_place_that_cannot_be_written_leaves_nothing_behind(files: AttachmentFiles, tmp_path: Path) -> None:
    files.write(STREAM, SID, 0, CONTENT)
    (first,) = stored(tmp_path)
    first.unlink()
    first.mkdir()
    with pytest.raises(OSError, match="directory"):
        files.write(STREAM, SID, 0, CONTENT)
    assert stored(tmp_path) == []


def test_what_a_dead_process_left_is_cleared_away_and_what_is_being_written_is_not(
    files: AttachmentFiles, tmp_path: Path
) -> None:
    files.clear_away()  # there is no folder yet
    files.write(STREAM, SID, 0, CONTENT)
    old, fresh = tmp_path / "media" / ARRIVING / "old", tmp_path / "media" / ARRIVING / "fresh"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (0, old.stat().st_mtime - LEFT_BEHIND_AFTER_S - 1))
    files.clear_away()
    assert (old.exists(), fresh.exists()) == (False, True)
    assert files.read(STREAM, SID, 0) == CONTENT
