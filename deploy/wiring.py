"""How Sayso is put together: the only place that names concrete classes."""

import base64
import fcntl
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Self
from uuid import UUID

from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError

from consumers.carriers.twilio_carrier import TwilioAccount, TwilioCarrier
from consumers.dispatcher import Dispatcher, Patience
from consumers.inbox import Inbox
from consumers.observing import ObservedCarrier, ObservedShard, ObservedViews
from consumers.projector import Projected, Projector
from consumers.worker import Worker
from deploy.clock import utc_now
from deploy.observability import Observability
from deploy.settings import Settings, SettingsError
from domain.ledger import Ledger, LedgerError, StreamNames
from domain.policy import Package, Policy
from producers.dead_letters import DeadLetters
from producers.http.app import create_app
from producers.http.auth import AuthSettings
from producers.http.deps import ApiDeps, CarrierDoor
from producers.http.webhooks import status_callback_url
from producers.traced_door import TracedDoor
from projections import catalog
from projections.engine import open_engine
from projections.queries import Queries
from projections.worklist import Worklist
from schemas import codec
from schemas.door import CommandDoor
from schemas.events import Receipt
from schemas.keystore import KeyStore, KeyStoreError, WrongMasterKey
from schemas.tracing import INBOX

LAG_EVENTS_MAX = 20_000
"""How far the views may be behind before no more traffic should come."""
SHARD = 0  # embedded, there is one
LEDGER_FILE = f"ledger-{SHARD}.db"
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
        with _said_of(folder), ExitStack() as opened:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.keys = KeyStore.open(folder / "keys.db", master_key)
            opened.callback(self.keys.close)
            self.ledger = Ledger.open(folder / LEDGER_FILE, SHARD, self.keys)
            opened.callback(self.ledger.close)
            self.views = open_engine(f"sqlite:///{folder / 'views.db'}")
            opened.callback(self.views.dispose)
            self.views.connect().close()  # else nobody would look into the file before it is needed
            self.dead_letters = DeadLetters.on_sqlite(str(folder / "dead-letters.db"), master_key)
            opened.callback(self.dead_letters.close)
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Let every file go."""
        self._opened.close()


@contextmanager
def _said_of(folder: Path) -> Iterator[None]:
    """Whatever keeps the files in `folder` from being opened, in a sentence."""
    try:
        yield
    except WrongMasterKey as error:
        raise SettingsError(f"SAYSO_MASTER_KEY is wrong: the files in {folder} have another.") from error
    except (OSError, sqlite3.Error, SQLAlchemyError, LedgerError, KeyStoreError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "orig", None) or error
        raise StoresUnavailable(f"The files in {folder} cannot be opened: {reason}.") from error


class Sayso:
    """All of it in one process: one shard, its worker, views, dispatcher and the HTTP door."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime] = utc_now,
        observability: Observability | None = None,
    ) -> None:
        """Open what is in the settings' folder, or begin there.

        Raises:
            AlreadyRunning: another process works in that folder.
            SettingsError: the secrets are others than those that the files were made with.
            StoresUnavailable: the files cannot be opened.
        """
        self.settings = settings
        names = StreamNames(raw(settings.names_secret))
        with ExitStack() as opened:
            opened.enter_context(_sole_owner(settings.data_dir))
            self.stores = Stores(settings)
            opened.callback(self.stores.close)
            _require_same_names(self.stores, names)
            with _said_of(settings.data_dir):
                self.inbox = Inbox(self.stores.ledger.take())
            self._opened = opened.pop_all()
        self.observability = observability or Observability.to(settings.otlp_url)
        metrics, tracer = self.observability.consumers, self.observability.tracer
        shard = ObservedShard(
            SHARD, self.stores.ledger, names, policy_of(settings), clock, metrics=metrics, tracer=tracer
        )
        self._views = ObservedViews(metrics, shard=SHARD, tracer=tracer)
        self.projector = Projector(
            self.stores.ledger, self.stores.views, self.stores.keys, on_batch=self._projected
        )
        self.worker = Worker(shard, self.inbox, [lambda _: self.projector.wake()])
        self.carrier = TwilioCarrier(carrier_of(settings))
        self.dispatcher = Dispatcher(
            Worklist(self.stores.views, SHARD),
            self.inbox,
            ObservedCarrier(self.carrier, metrics, shard=SHARD, system="twilio", tracer=tracer),
            _callback_of(settings),
            clock,
            settings.hand_overs_max,
            Patience(unknown_after=timedelta(hours=settings.unknown_after_hours)),
        )
        metrics.standing.cached(SHARD, shard.states)
        metrics.standing.waiting(SHARD, self.inbox)
        metrics.standing.projection(SHARD, self.projector)
        self.observability.count(self.stores.dead_letters)
        self.app = self._app(clock)

    def start(self) -> None:
        """Begin to work. The HTTP door is for a server to run."""
        self.projector.catch_up()
        catalog.drop_former(self.stores.views)
        self.worker.start()
        self.projector.start()
        self.dispatcher.start()

    def let_go(self) -> None:
        """End the live streams, for a server that is about to stop."""
        self.projector.feed.close()

    def stop(self) -> None:
        """Finish what is at hand, and let everything go."""
        self.dispatcher.stop()
        self.worker.stop()
        self.projector.stop()
        self.carrier.close()
        self.observability.close()
        self._opened.close()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _projected(self, batch: Projected) -> None:
        self.dispatcher.wake()
        self._views(batch)

    def _views_are_kept_up(self) -> str | None:
        if not self.projector.running:
            return "The projector has stopped."
        behind = self.projector.lag().events
        return None if behind <= LAG_EVENTS_MAX else f"The views are {behind} events behind."

    def _app(self, clock: Callable[[], datetime]) -> FastAPI:
        settings, tracer = self.settings, self.observability.tracer
        door: CommandDoor = self.inbox if tracer is None else TracedDoor(self.inbox, tracer, INBOX)
        readiness = {
            "worker": lambda: None if self.worker.alive else "The worker has stopped.",
            "projector": self._views_are_kept_up,
            "dispatcher": lambda: None if self.dispatcher.alive else "The dispatcher has stopped.",
        }
        deps = ApiDeps(
            door=door,
            queries=Queries(self.stores.views),
            changes=self.projector.feed,
            policy=policy_of(settings),
            auth=auth_of(settings),
            carrier=CarrierDoor(settings.twilio_auth_token.get_secret_value(), settings.public_url),
            dead_letters=self.stores.dead_letters,
            readiness=self.observability.ready(readiness),
            registry=self.observability.registry,
            clock=clock,
            tracer=tracer,
        )
        return create_app(deps)


def policy_of(settings: Settings) -> Policy:
    """What the operator lays down, from the settings."""
    packages = {
        name: Package(package.segments, dict(package.prices)) for name, package in settings.packages.items()
    }
    return Policy(
        free_segments=settings.free_segments,
        packages=packages,
        late_max=timedelta(minutes=settings.late_minutes_max),
    )


def auth_of(settings: Settings) -> AuthSettings:
    """Whose tokens hold, from the settings."""
    secret = settings.token_secret
    return AuthSettings(
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        secret=None if secret is None else secret.get_secret_value(),
        jwks_url=settings.token_jwks_url,
        jwks_file=settings.token_jwks_file,
    )


def carrier_of(settings: Settings) -> TwilioAccount:
    """Where and as whom texts are handed over, from the settings."""
    return TwilioAccount(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        base_url=settings.twilio_url,
        connections_max=settings.hand_overs_max,
    )


def raw(key: SecretStr) -> bytes:
    """The bytes of a key written in base64."""
    return base64.b64decode(key.get_secret_value())


def _callback_of(settings: Settings) -> Callable[[str, UUID], str]:
    return lambda account, text_id: status_callback_url(settings.public_url, account, text_id)


def _require_same_names(stores: Stores, names: StreamNames) -> None:
    """Refuse another secret for names: every stream would be looked for in vain, revocations included."""
    for _, data in stores.ledger.notifications(0, EVENTS_PER_COMMAND_MAX):
        recorded = codec.decode(data, stores.keys)
        if isinstance(recorded.event, Receipt):
            context = recorded.context
            if recorded.stream != names.receipt(context.account, context.command_id):
                raise SettingsError("SAYSO_NAMES_SECRET is wrong: the ledger was begun with another.")
            return


def _sole_owner(folder: Path) -> IO[str]:
    """Hold the folder for this process; the operating system lets go of it whatever becomes of us."""
    with _said_of(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AlreadyRunning(f"Another Sayso works in {folder}. Stop it, or set SAYSO_DATA_DIR.") from None
    return lock
