"""Moves what the log holds into the file, off the owner's thread."""

import sqlite3
from threading import Event, Thread

import structlog
from eventsourcing.sqlite import SQLiteConnection

EVENTS_BETWEEN_CHECKPOINTS = 4_000  # about 4 MB of log

log = structlog.get_logger()


class Checkpointer:
    """A thread that checkpoints while the owner decides its next batch.

    Left to SQLite, every fourth or fifth big commit would wait for it: the worst commits took three times as
    long. The log starts over whenever a commit finds it wholly moved, so it stays at a few megabytes.
    """

    def __init__(self, connection: SQLiteConnection) -> None:
        self._connection = connection
        self._due = Event()
        self._stopping = False
        self._events = 0
        self._thread = Thread(target=self._run, name="checkpoints", daemon=True)
        self._thread.start()

    def stored(self, events: int) -> None:
        """So many events more are in the log."""
        self._events += events
        if self._events >= EVENTS_BETWEEN_CHECKPOINTS:
            self._events = 0
            self._due.set()

    def close(self) -> None:
        """Finish what was begun."""
        self._stopping = True
        self._due.set()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while self._due.wait() and not self._stopping:
            self._due.clear()
            try:
                self._connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
            except sqlite3.Error:  # nothing is lost: the log keeps it, and the next one tries again
                log.warning("checkpoint_failed", exc_info=True)
