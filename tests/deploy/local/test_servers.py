"""The servers on this machine: they start, keep what they were given, and end."""

from pathlib import Path

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from deploy.local.broker import Broker
from deploy.local.postgres import Postgres
from deploy.local.process import NotStarted, ServerProcess


def test_a_broker_keeps_what_it_acknowledged_through_a_kill(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        admin.create_topics([NewTopic("kept", 1, 1)])
        admin.close()
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
        producer.send("kept", b"word").get(10)
        producer.close()
        broker.kill()
        broker.start()
        consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap)
        consumer.assign([TopicPartition("kept", 0)])
        consumer.seek_to_beginning()
        found = consumer.poll(20_000)
        consumer.close()
    assert [record.value for records in found.values() for record in records] == [b"word"]


def test_postgres_keeps_what_it_committed_through_a_crash(tmp_path: Path) -> None:
    with Postgres(tmp_path) as server:
        dsn = server.create_database("kept")
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE TABLE words (word text)")
            connection.execute("INSERT INTO words VALUES ('kept')")
        server.crash()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(dsn)
        server.start()
        with psycopg.connect(dsn) as connection:
            assert connection.execute("SELECT word FROM words").fetchall() == [("kept",)]


def test_a_server_that_does_not_come_up_says_why(tmp_path: Path) -> None:
    process = ServerProcess(["sh", "-c", "echo no room; exit 1"], tmp_path / "log")
    with pytest.raises(NotStarted, match="no room"):
        process.wait_until(lambda: False, 10)
