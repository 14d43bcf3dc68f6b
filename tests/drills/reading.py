"""Reads what a drill left behind, with other clients than ours: plain SQL, librdkafka, plain HTTP.

Nothing here imports a room of the project.
"""

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, ClassVar, Protocol, TypeVar
from uuid import UUID

import httpx
import psycopg
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.drills.evidence import Carried, Letter, Record, Topics, Views

TOTALS = ("free", "bought", "debited", "refunded", "adjusted", "balance")
EVENT_TOPICS = ("accounts", "consent", "messages", "credits", "receipts", "notifications")
COMMANDS = "commands"
DEAD_LETTERS = "dead-letters"
FORWARDED = "sayso-forwarded"
ANSWERED_S_MAX = 120.0
RETRY_S = 0.2
TIMEOUT_S = 10.0
NONCE_BYTES = 12
Row = tuple[Any, ...]
T = TypeVar("T")


class Database(Protocol):
    """Somewhere to ask by SQL."""

    TABLES: ClassVar[str]
    """Asks for the names of all tables."""

    def query(self, statement: str) -> Sequence[Row]:
        """The rows of one statement."""
        ...


@dataclass(frozen=True)
class Sqlite:
    """A SQLite file, which is opened for each query, and only for reading."""

    path: Path
    TABLES: ClassVar = "SELECT name FROM sqlite_master WHERE type = 'table'"

    def query(self, statement: str) -> Sequence[Row]:
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as database:
            return database.execute(statement).fetchall()


class Postgres:
    """A PostgreSQL database, over one connection, and a new one if the server was killed since."""

    TABLES: ClassVar = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.Connection[Row] | None = None

    def query(self, statement: str) -> Sequence[Row]:
        try:
            return self._asked(statement)
        except psycopg.OperationalError:
            self.close()
            return self._asked(statement)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _asked(self, statement: str) -> Sequence[Row]:
        if self._connection is None:
            self._connection = psycopg.connect(self._dsn, autocommit=True)
        return self._connection.execute(statement.encode()).fetchall()


def view_table(database: Database, view: str, table: str) -> str:
    """The name of a view's table: it carries the version, of which there is one unless a rebuild runs."""
    pattern = re.compile(rf"{view}_v\d+_{table}")
    (name,) = [name for (name,) in database.query(database.TABLES) if pattern.fullmatch(name)]
    return str(name)


def views(database: Database) -> Views:
    """What the views show."""

    def rows(columns: str, view: str, table: str, more: str = "") -> Sequence[Row]:
        return database.query(f"SELECT {columns} FROM {view_table(database, view, table)} {more}")  # noqa: S608  # our own words

    balances = rows(f"account, {', '.join(TOTALS)}", "credits", "balances")
    receipts = rows("account, command_id, accepted", "receipts", "receipts")
    texts = rows("account, id, status", "threads", "messages", "WHERE kind = 'text'")
    open_texts = rows("account, text_id", "open_texts", "texts")
    positions = database.query("SELECT view, source, position FROM positions")
    return Views(
        balances={account: dict(zip(TOTALS, row, strict=True)) for account, *row in balances},
        receipts={(account, _uuid(command)): bool(accepted) for account, command, accepted in receipts},
        consent=dict(rows("conversation, status", "consent", "status")),
        texts={(account, _uuid(text)): _STATES.get(status, status) for account, text, status in texts},
        open_texts=frozenset((account, _uuid(text)) for account, text in open_texts),
        positions={
            (view, int(source.removeprefix("shard-"))): position for view, source, position in positions
        },
    )


def settled(database: Database, *last: int) -> bool:
    """Whether every text has ended, and each view shows its shard up to the last event.

    `last`: of each shard that has any, in the order of their numbers.
    """
    table = view_table(database, "open_texts", "texts")
    if database.query(f"SELECT 1 FROM {table} LIMIT 1"):  # noqa: S608  # our own words
        return False
    behind = database.query("SELECT source, min(position), max(position) FROM positions GROUP BY source")
    shown = {int(source.removeprefix("shard-")): places for source, *places in behind}
    return [places for _, places in sorted(shown.items()) if places != [0, 0]] == [[one, one] for one in last]


def shown(database: Database) -> int:
    """How many events all views show, all shards together."""
    rows = database.query("SELECT min(position) FROM positions GROUP BY source")
    return sum(position for (position,) in rows)


_STATES: Mapping[str, str] = {"queued": "waiting", "scheduled": "waiting", "sending": "dispatching"}


def _uuid(hexed: str) -> str:
    return str(UUID(hexed))


def sqlite_ledger(path: Path) -> list[tuple[int, bytes]]:
    """Every event of the ledger in a SQLite file, by its number."""
    return [
        (number, bytes(raw))
        for number, raw in Sqlite(path).query("SELECT rowid, state FROM stored_events ORDER BY rowid")
    ]


def sealed_letters(database: Database, key: bytes) -> list[Letter]:
    """The dead letters of a database table, opened with the master key."""
    box = AESGCM(key)
    return [
        Letter(reason, box.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], source.encode()))
        for source, reason, sealed in database.query(
            "SELECT source, reason, sealed FROM dead_letters ORDER BY id"
        )
    ]


def carried(url: str, account_sid: str, auth_token: str) -> list[Carried]:
    """Every text that the carrier took from us, by its own list."""
    found = []
    page: str | None = f"/2010-04-01/Accounts/{account_sid}/Messages.json?PageSize=1000"
    with httpx.Client(base_url=url, auth=(account_sid, auth_token), trust_env=False, timeout=30) as client:
        while page:
            answer = client.get(page).raise_for_status().json()
            found += [one for one in answer["messages"] if one["direction"] == "outbound-api"]
            page = answer["next_page_uri"]
    return [Carried(one["sid"], one["to"], one["body"], one["status"]) for one in found]


def postgres_ledger(database: Database, shard: int) -> list[tuple[int, bytes]]:
    """Every event of a shard's ledger in PostgreSQL, by its number."""
    statement = f"SELECT notification_id, state FROM ledger_{shard:d}_events ORDER BY notification_id"  # noqa: S608
    return [(number, bytes(raw)) for number, raw in database.query(statement)]


def ledger_last(database: Database, shard: int) -> int:
    """The number of its last event; 0 if there is none."""
    ((last,),) = database.query(f"SELECT max(notification_id) FROM ledger_{shard:d}_events")  # noqa: S608
    return last or 0


def ledger_position(database: Database, shard: int) -> int:
    """The offset of the next command of that shard."""
    rows = database.query(f"SELECT notification_id FROM ledger_{shard:d}_tracking")  # noqa: S608
    return max((position for (position,) in rows), default=0)


# --- topics -----------------------------------------------------------------------------------------


class Cluster:
    """The topics of one Sayso, read by librdkafka: committed records only."""

    def __init__(self, bootstrap: str, prefix: str, partitions: int) -> None:
        self._bootstrap = bootstrap
        self._prefix = prefix
        self._partitions = partitions
        self._consumer = self._made()

    def events(self) -> Topics:
        """Every record of the topics of events, by topic without the prefix, and partition."""
        return {name: self._records(name) for name in EVENT_TOPICS}

    def asked(self) -> Counter[bytes]:
        """How often each value lies on the topic of commands, but for what was only sent on to its shard."""
        return Counter(
            record.value
            for records in self._records(COMMANDS).values()
            for record in records
            if FORWARDED not in dict(record.headers)
        )

    def letters(self) -> list[Letter]:
        """Every dead letter, once: a crash may write one twice, and its origin tells."""
        letters = {}
        for records in self._records(DEAD_LETTERS).values():
            for record in records:
                headers = dict(record.headers)
                letters[headers["sayso-origin"]] = Letter(headers["sayso-reason"].decode(), record.value)
        return list(letters.values())

    def ends(self, name: str) -> dict[int, int]:
        """Where each partition of a topic ends: the offset of the next record."""

        def ask() -> dict[int, int]:
            places = [TopicPartition(self._prefix + name, number) for number in range(self._partitions)]
            found = [self._consumer.get_watermark_offsets(place, timeout=TIMEOUT_S) for place in places]
            return {number: end for number, (_, end) in enumerate(found)}

        return self._answered(ask)

    def close(self) -> None:
        self._consumer.close()

    def _records(self, name: str) -> dict[int, Sequence[Record]]:
        """All there is up to each partition's end; an open transaction hides what follows it."""
        return self._answered(lambda: self._read(self._prefix + name))

    def _read(self, topic: str) -> dict[int, Sequence[Record]]:
        left = set(range(self._partitions))
        self._consumer.assign([TopicPartition(topic, number, 0) for number in left])
        found: dict[int, list[Record]] = defaultdict(list)
        while left:
            message = self._consumer.poll(TIMEOUT_S)
            if message is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            error, partition, offset = message.error(), message.partition(), message.offset()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            assert partition is not None
            assert offset is not None
            if error is not None:
                left.discard(partition)
                continue
            headers: Any = message.headers() or ()
            value = _bytes(message.value()) or b""
            found[partition].append(Record(offset, _bytes(message.key()), value, tuple(headers)))
        return dict(found)

    def _answered(self, question: Callable[[], T]) -> T:
        """The answer; asked until there is one, with a new client each time.

        A client that lived through the broker's death may not find its partitions any more.
        """
        until = monotonic() + ANSWERED_S_MAX
        while True:
            try:
                return question()
            except KafkaException:
                if monotonic() > until:
                    raise
                self._consumer.close()
                sleep(RETRY_S)
                self._consumer = self._made()

    def _made(self) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "drills",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,  # what it meets while a broker is down is what was asked for
            }
        )


def _bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
