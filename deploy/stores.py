"""The files that Sayso keeps where it is one process, and what can be wrong with them."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy.exc import SQLAlchemyError

from deploy.parts import raw
from deploy.settings import Settings, SettingsError
from domain.ledger import Ledger, LedgerError, StreamNames
from domain.receipts import names_receipt
from producers.dead_letters import DeadLetters
from projections.engine import open_engine
from schemas import codec
from schemas.events import Receipt
from schemas.keystore import KeyStore, KeyStoreError, WrongMasterKey

SHARD = 0  # embedded, there is one
LEDGER_FILE = f"ledger-{SHARD}.db"
LETTERS_FILE = "dead-letters.db"
EVENTS_PER_COMMAND_MAX = 1_000


class AlreadyRunning(Exception):
    """Another process works in this folder."""


class StoresUnavailable(Exception):
    """The files cannot be opened; the message says which folder and why."""


class Stores:
    """The files that Sayso keeps, opened.

    Raises:
        SettingsError: the master key is another than the one that the files were made with.
        StoresUnavailable: the files cannot be opened.
    """

    def __init__(self, settings: Settings) -> None:
        folder = settings.data_dir
        master_key = raw(settings.master_key)
        with said_of(folder), ExitStack() as opened:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.keys = KeyStore.open(folder / "keys.db", master_key)
            opened.callback(self.keys.close)
            self.ledger = Ledger.open(folder / LEDGER_FILE, SHARD, self.keys)
            opened.callback(self.ledger.close)
            self.views = open_engine(f"sqlite:///{folder / 'views.db'}")
            opened.callback(self.views.dispose)
            self.views.connect().close()  # else nobody would look into the file before it is needed
            self.dead_letters = DeadLetters.on_sqlite(str(folder / LETTERS_FILE), master_key)
            opened.callback(self.dead_letters.close)
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Let every file go."""
        self._opened.close()


@contextmanager
def said_of(folder: Path) -> Iterator[None]:
    """Whatever keeps the files in `folder` from being opened, in a sentence."""
    try:
        yield
    except WrongMasterKey as error:
        raise SettingsError(f"SAYSO_MASTER_KEY is wrong: the files in {folder} have another.") from error
    except (OSError, sqlite3.Error, SQLAlchemyError, LedgerError, KeyStoreError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "orig", None) or error
        raise StoresUnavailable(f"The files in {folder} cannot be opened: {reason}.") from error


def require_same_names(ledger: Ledger, keys: KeyStore, names: StreamNames) -> None:
    """Refuse another secret for names: every stream would be looked for in vain, revocations included.

    Raises:
        SettingsError: the ledger was begun with another.
    """
    for _, data in ledger.notifications(0, EVENTS_PER_COMMAND_MAX):
        recorded = codec.decode(data, keys)
        if isinstance(recorded.event, Receipt):
            if not names_receipt(names, recorded):
                raise SettingsError("SAYSO_NAMES_SECRET is wrong: the ledger was begun with another.")
            return


def sole_owner(folder: Path) -> IO[str]:
    """Hold the folder for this process; the operating system lets go of it whatever becomes of us.

    Raises:
        AlreadyRunning: another process holds it.
        StoresUnavailable: it cannot be held.
    """
    with said_of(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AlreadyRunning(f"Another Sayso works in {folder}. Stop it, or set SAYSO_DATA_DIR.") from None
    return lock
