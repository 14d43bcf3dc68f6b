"""Whether what a process leans on answers, for its readiness: a thread of its own asks now and then."""

import threading
import time
from abc import ABC, abstractmethod
from urllib.parse import quote

import structlog
from sqlalchemy import URL, Engine, NullPool, create_engine, select

from projections.engine import is_postgresql, kept_alive, reading
from projections.tracking import POSITIONS
from schemas.stores import StoreUnavailable

log = structlog.get_logger()

ASK_EVERY_S = 1.0
ASKED_WITHIN_S = 2
SILENT_S_MAX = 10.0
"""So long it may be silent: longer than it takes another server to take a lost one's place."""
STOP_S_MAX = 5.0

_ONE_ROW = select(POSITIONS.c.position).limit(1)


class Watch(ABC):
    """Asks in a thread, and keeps what it asks by until that fails.

    Attributes:
        answering: whether the last question was answered.
    """

    def __init__(self, subject: str, away: type[Exception], silent_s_max: float = SILENT_S_MAX) -> None:
        """`subject`: who "not answered for 12 s", with its verb; `away`: what `_look` raises meanwhile."""
        self._subject = subject
        self._away = away
        self._silent_s_max = silent_s_max
        self._answered_at_s = time.monotonic()
        self.answering = True
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{type(self).__name__}", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._answered_at_s = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Ask no more. A question that a frozen server does not answer is left to the end of the process."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_S_MAX)

    def wrong(self) -> str | None:
        """A readiness check: a sentence, once nothing answered for too long. Does not block."""
        silent_s = time.monotonic() - self._answered_at_s
        if silent_s <= self._silent_s_max:
            return None
        return f"{self._subject} not answered for {silent_s:.0f} s."

    @abstractmethod
    def _look(self) -> None:
        """Ask, and return with the answer."""

    @abstractmethod
    def _let_go(self) -> None:
        """Let the connection go; the next `_look` makes another."""

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._ask()
            self._stopping.wait(ASK_EVERY_S)
        self._let_go()

    def _ask(self) -> None:
        try:
            self._look()
            self._answered_at_s, self.answering = time.monotonic(), True
        except self._away as error:
            log.debug("watched_is_silent", watch=self._thread.name, reason=str(error))
            self._failed()
        except Exception:
            log.exception("watched_not_asked", watch=self._thread.name)  # readiness tells of it, too
            self._failed()

    def _failed(self) -> None:
        self.answering = False
        self._let_go()


class DatabaseWatch(Watch):
    """Reads a row of the views: a file that was removed or broken fails, and so does a server that froze."""

    def __init__(self, views: Engine, silent_s_max: float = SILENT_S_MAX) -> None:
        """`views`: their engine; it is not used itself, for its connections may all be waiting."""
        super().__init__("The views' database has", StoreUnavailable, silent_s_max)
        self._engine = _one_server(views.url) if is_postgresql(views) else _file_as_it_is(views.url)

    def _look(self) -> None:
        with reading(self._engine) as connection:
            connection.execute(_ONE_ROW).first()

    def _let_go(self) -> None:
        self._engine.dispose()


def _one_server(url: URL) -> Engine:
    quick = {
        "connect_timeout": ASKED_WITHIN_S,
        "tcp_user_timeout": ASKED_WITHIN_S * 1_000,
        "options": f"-c statement_timeout={ASKED_WITHIN_S * 1_000}",
    }
    return create_engine(
        url, isolation_level="AUTOCOMMIT", hide_parameters=True, connect_args={**kept_alive(url), **quick}
    )


def _file_as_it_is(url: URL) -> Engine:
    """Opened anew for each question: an open file can be read on when it was removed."""
    place = url.set(database=f"file:{quote(str(url.database))}", query={"mode": "ro", "uri": "true"})
    return create_engine(place, poolclass=NullPool, hide_parameters=True)
