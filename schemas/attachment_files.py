"""The files that came with replies, each sealed under the key of its conversation, as words are in events.

So whoever destroys that key destroys the files along with the words. A file's name follows from what it is,
and gives nothing away: whoever stores it a second time writes the same file anew.

    FOLDER/<2 hex digits>/<the conversation's stream>/<hash of the carrier's id and the place in the reply>
    FOLDER/arriving/...   files that are being written, and what a sudden death left of them
"""

import errno
import os
import shutil
import tempfile
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from schemas.sealing import Keys

ARRIVING = "arriving"
LEFT_BEHIND_AFTER_S = 3_600
"""So long nobody writes one file: it is what a process left that died."""
FREE_BYTES_MIN = 256 * 1024 * 1024
"""What stays free on the disk whatever comes, for the ledger may lie there, too."""
_PURPOSE = b"sayso attachment v1"


class AttachmentFiles:
    """The store. From any thread, and from any number of processes that share the folder."""

    def __init__(self, folder: Path, keys: Keys, free_bytes_min: int = FREE_BYTES_MIN) -> None:
        self._folder = folder
        self._keys = keys
        self._free_bytes_min = free_bytes_min

    def write(self, conversation: str, sid: str, index: int, content: bytes) -> bool:
        """Store `content`, durably. False: the conversation has no key any more, and nothing was stored.

        Raises:
            OSError: the folder cannot be written, or is full; nothing was stored.
            KeyStoreUnavailable: the key cannot be had just now.
        """
        key = self._keys.cipher(conversation)
        if key is None:
            return False
        path = self._path(conversation, sid, index)
        sealed = key.seal(content, _bound_to(conversation, sid, index))
        for folder in (self._folder, self._folder / ARRIVING, path.parent.parent, path.parent):
            folder.mkdir(parents=folder == self._folder, exist_ok=True, mode=0o700)  # not so for its parents
        if shutil.disk_usage(self._folder).free - len(sealed) < self._free_bytes_min:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        _replace(path, sealed, self._folder / ARRIVING)
        for folder in (path.parent, *path.parent.parents):
            _sync(folder)
            if folder == self._folder:
                break
        return True

    def read(self, conversation: str, sid: str, index: int) -> bytes | None:
        """What was stored; None: it is not here, or was sealed under a key that is gone.

        Raises:
            OSError: the folder is away, or cannot be read.
            Unsealable: the file was changed.
            KeyStoreUnavailable: the key cannot be had just now.
        """
        key = self._keys.cipher(conversation)
        if key is None:
            return None
        try:
            sealed = self._path(conversation, sid, index).read_bytes()
        except FileNotFoundError:
            if not self._folder.is_dir():
                raise
            return None
        return key.open(sealed, _bound_to(conversation, sid, index))

    def clear_away(self) -> None:
        """Remove what processes left that died while they wrote, as far as the folder can be used."""
        with suppress(OSError):
            for left in (self._folder / ARRIVING).iterdir():
                if time.time() - left.stat().st_mtime > LEFT_BEHIND_AFTER_S:
                    left.unlink()

    def _path(self, conversation: str, sid: str, index: int) -> Path:
        spread = sha256(conversation.encode()).hexdigest()[:2]
        name = sha256(f"{index} {sid}".encode()).hexdigest()
        return self._folder / spread / conversation / name


def _bound_to(conversation: str, sid: str, index: int) -> bytes:
    """Nobody can put one file in the place of another: the box opens there only."""
    return b"\n".join((_PURPOSE, conversation.encode(), str(index).encode(), sid.encode()))


def _replace(path: Path, content: bytes, arriving: Path) -> None:
    """Put `content` at `path`, whole or not at all, whatever happens meanwhile."""
    descriptor, name = tempfile.mkstemp(dir=arriving)
    written = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
