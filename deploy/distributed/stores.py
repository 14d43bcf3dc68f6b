"""The databases that the processes of the distributed form share."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from deploy.parts import names_of, raw
from deploy.settings import Settings, SettingsError
from deploy.stores import StoresUnavailable, require_same_names
from domain.ledger import Ledger, LedgerError
from producers.dead_letters import DeadLetters
from producers.waiting_calls import WaitingCalls
from projections import catalog
from projections.engine import open_engine
from projections.tracking import source_of
from schemas.keystore import KeyStore, KeyStoreError, WrongMasterKey


class SharedStores:
    """PostgreSQL, and what of it each process opens.

    Raises:
        SettingsError: the master key is another than the one that the keys were made with.
        StoresUnavailable: the database cannot be reached.
    """

    def __init__(self, settings: Settings) -> None:
        assert settings.database_url is not None
        self._settings = settings
        self._url: str = settings.database_url
        self._master_key = raw(settings.master_key)
        with said_of(self._url), ExitStack() as opened:
            self.views = open_engine(self._url)
            opened.callback(self.views.dispose)
            catalog.prepare(self.views, [source_of(shard) for shard in range(settings.partitions)])
            self.keys = self.own_keys()
            opened.callback(self.keys.close)
            self.dead_letters = DeadLetters.on_postgres(self._url, self._master_key)
            opened.callback(self.dead_letters.close)
            self._opened = opened.pop_all()

    def own_keys(self) -> KeyStore:
        """The keys, through a keystore of one's own: whoever writes a ledger needs one."""
        return KeyStore.open_postgres(self._url, self._master_key)

    def waiting_calls(self) -> WaitingCalls:
        """Whose calls wait in spools, for those who spool and those who send; theirs to close."""
        with said_of(self._url):
            return WaitingCalls(self._url, raw(self._settings.names_secret))

    def ledger(self, shard: int, keys: KeyStore) -> Ledger:
        """The ledger of `shard`, opened to be read.

        Raises:
            SettingsError: it was begun with another secret for names.
            LedgerUnavailable: it cannot be opened.
        """
        if self._settings.ledgers == "sqlite":
            self._settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            ledger = Ledger.open(self._settings.data_dir / f"ledger-{shard}.db", shard, keys)
        else:
            ledger = Ledger.open_postgres(self._url, shard, keys)
        try:
            require_same_names(ledger, keys, names_of(self._settings))
        except BaseException:
            ledger.close()
            raise
        return ledger

    def close(self) -> None:
        """Let everything go."""
        self._opened.close()


@contextmanager
def said_of(url: str) -> Iterator[None]:
    """Whatever keeps the database from being used, in a sentence without its password."""
    try:
        yield
    except WrongMasterKey as error:
        raise SettingsError("SAYSO_MASTER_KEY is wrong: the keys in the database have another.") from error
    except (psycopg.Error, SQLAlchemyError, LedgerError, KeyStoreError) as error:
        place = url.rpartition("@")[2]
        raise StoresUnavailable(f"The database at {place} cannot be used: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    reason = getattr(error, "orig", None) or error
    return str(reason).splitlines()[0].rstrip(".")
