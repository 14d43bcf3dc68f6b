"""Reads what a drill left behind, with other clients than ours: plain SQL, librdkafka, plain HTTP.

Nothing here imports a room of the project.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
from confluent_kafka import Consumer, KafkaError, TopicPartition
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.drills.evidence import Carried, Letter, Record, Topics, Views

TOTALS = ("free", "bought", "debited", "refunded", "adjusted", "balance")
Query = Callable[[str], Sequence[tuple[Any, ...]]]
"""Runs one statement and returns its rows."""

EVENT_TOPICS = ("accounts", "consent", "messages", "credits", "receipts", "notifications")
DEAD_LETTERS = "dead-letters"
POLL_S = 5.0
NONCE_BYTES = 12


def on_sqlite(path: Path) -> Query:
    """Queries to a SQLite file, which is opened for each, and only for reading."""

    def query(statement: str) -> Sequence[tuple[Any, ...]]:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return database.execute(statement).fetchall()
        finally:
            database.close()

    return query


def on_postgres(dsn: str) -> Query:
    """Queries to a PostgreSQL database, over a connection of its own for each."""

    def query(statement: str) -> Sequence[tuple[Any, ...]]:
        with psycopg.connect(dsn) as connection:
            return connection.execute(statement.encode()).fetchall()

    return query


def views(query: Query) -> Views:
    """What the views show."""
    balances = query(
        "SELECT account, free, bought, debited, refunded, adjusted, balance FROM credits_v1_balances"
    )
    receipts = query("SELECT account, command_id, accepted FROM receipts_v1_receipts")
    texts = query("SELECT account, id, status FROM threads_v1_messages WHERE kind = 'text'")
    return Views(
        balances={account: dict(zip(TOTALS, row, strict=True)) for account, *row in balances},
        receipts={(account, _uuid(command)): bool(accepted) for account, command, accepted in receipts},
        consent=dict(query("SELECT conversation, status FROM consent_v1_status")),
        texts={(account, _uuid(text)): str(_STATES.get(status, status)) for account, text, status in texts},
        open_texts=frozenset(
            (account, _uuid(text))
            for account, text in query("SELECT account, text_id FROM open_texts_v1_texts")
        ),
        positions={
            (view, int(source.removeprefix("shard-"))): position
            for view, source, position in query("SELECT view, source, position FROM positions")
        },
    )


_STATES = {"queued": "waiting", "scheduled": "waiting", "sending": "dispatching"}


def _uuid(hexed: str) -> str:
    return str(UUID(hexed))


def sqlite_ledger(path: Path) -> list[tuple[int, bytes]]:
    """Every event of the ledger in a SQLite file, by its number."""
    return [
        (number, bytes(raw))
        for number, raw in on_sqlite(path)("SELECT rowid, state FROM stored_events ORDER BY rowid")
    ]


def sealed_letters(query: Query, key: bytes) -> list[Letter]:
    """The dead letters of a database table, opened with the master key."""
    box = AESGCM(key)
    return [
        Letter(reason, box.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], source.encode()))
        for source, reason, sealed in query("SELECT source, reason, sealed FROM dead_letters ORDER BY id")
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


# --- topics -----------------------------------------------------------------------------------------


def topics(bootstrap: str, prefix: str, names: Sequence[str] = EVENT_TOPICS) -> Topics:
    """Every committed record of the topics, by name without `prefix` and partition, read by librdkafka."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "drills",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
        }
    )
    try:
        found: dict[str, dict[int, Sequence[Record]]] = {}
        for name in names:
            known = consumer.list_topics(prefix + name, timeout=30).topics[prefix + name]
            found[name] = _records(consumer, prefix + name, list(known.partitions))
        return found
    finally:
        consumer.close()


def _records(consumer: Consumer, topic: str, partitions: Sequence[int]) -> dict[int, Sequence[Record]]:
    """All there is up to each partition's end; an open transaction hides what follows it."""
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    found: dict[int, list[Record]] = defaultdict(list)
    left = set(partitions)
    while left:
        message = consumer.poll(POLL_S)
        if message is None:
            continue
        error, partition, offset = message.error(), message.partition(), message.offset()
        assert partition is not None
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                raise RuntimeError(f"{topic}-{partition} cannot be read: {error}")
            left.discard(partition)
            continue
        value, key = message.value(), message.key()
        assert offset is not None
        found[partition].append(Record(offset, _bytes(key), _bytes(value) or b""))
    return dict(found)


def _bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
