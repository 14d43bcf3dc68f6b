"""The ceiling of kafka-python: copies each command into three records, in transactions, and no more.

Arguments: bootstrap servers, the topics' prefix. Runs until SIGTERM.
"""

import signal
import sys

from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import OffsetAndMetadata

TRANSACTION_COMMANDS_MAX = 2_000
INPUT = "commands"
OUTPUTS = ("messages", "credits", "receipts")


def main(bootstrap: str, prefix: str) -> None:
    """Poll, copy, commit."""
    consumer = KafkaConsumer(
        prefix + INPUT,
        bootstrap_servers=bootstrap,
        group_id=prefix + "bare",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_poll_records=TRANSACTION_COMMANDS_MAX,
    )
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=prefix + "bare",
        batch_size=262_144,
        retry_backoff_ms=5,
    )
    producer.init_transactions()
    outputs = [prefix + name for name in OUTPUTS]
    while True:
        polled = consumer.poll(100)
        if not polled:
            continue
        producer.begin_transaction()
        for place, records in polled.items():
            for record in records:
                for topic in outputs:
                    producer.send(topic, record.value, record.key, partition=place.partition)
        offsets = {
            place: OffsetAndMetadata(records[-1].offset + 1, "", -1) for place, records in polled.items()
        }
        producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
        producer.commit_transaction()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    main(*sys.argv[1:])
