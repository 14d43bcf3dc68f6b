"""The distributed source of one shard's commands: its partition of the commands topic, and its own workers.

Positions are offsets: where the shard stands, the next record is read. What a shard's own workers ask for
comes in memory and moves nothing; it is lost with the process, and whoever looks at the view asks again.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from consumers.inbox import Inbox, Incoming
from consumers.outgoing import Outgoing
from consumers.reading import Elsewhere, Reader, Record, Unusable, account_of
from projections.topics.publisher import Parcel
from schemas import records
from schemas.letters import REASON, Letter, Reason, headers_of
from schemas.partitions import shard_of

log = structlog.get_logger()

RECORDS_WAITING_MAX = 2_000
BYTES_WAITING_MAX = 8 * 1024 * 1024
REUSED = "The command's id was used before, for something else; the receipt answers that one."


class PartitionSource:
    """Both ends of the hand-over: `offer` for whoever reads the topic, `poll` for the worker.

    `inbox` is the door for the shard's own workers.
    """

    comes_again = True

    def __init__(
        self,
        reader: Reader,
        outgoing: Outgoing,
        letters_topic: str,
        position: int,
        clock: Callable[[], datetime],
        on_letters: Callable[[str, int], None] = lambda _, __: None,
    ) -> None:
        """`position`: where the shard's ledger stands, the offset of the next record; 0 is the beginning.

        `on_letters`: told how many records were kept as dead letters for which reason.
        """
        self._ready = threading.Event()
        self.inbox = Inbox(position, on_put=self._ready.set)
        self._reader = reader
        self._outgoing = outgoing
        self._letters_topic = letters_topic
        self._clock = clock
        self._on_letters = on_letters
        self._position = position
        self._records: deque[Record] = deque()
        self._passed = position
        self._bytes_in = 0
        self._bytes_out = 0
        self._closed = False

    # --- for whoever reads the topic -------------------------------------------------------------

    def offer(self, records: Sequence[Record]) -> None:
        """The partition's next `records`. Takes them even if full: nothing may be left out."""
        if not self._closed:
            self._records.extend(records)
            self._bytes_in += sum([len(record.value or b"") for record in records])
            self._ready.set()

    def passed(self, offset: int) -> None:
        """All records before `offset` have been offered; what is left of it are marks of transactions."""
        self._passed = offset

    @property
    def full(self) -> bool:
        """Whether no more should be read just now."""
        waiting_bytes = self._bytes_in - self._bytes_out
        return len(self._records) >= RECORDS_WAITING_MAX or waiting_bytes >= BYTES_WAITING_MAX

    @property
    def waiting(self) -> int:
        """How many records and commands wait."""
        return len(self._records) + self.inbox.waiting

    # --- the source ------------------------------------------------------------------------------

    @property
    def position(self) -> int:
        """The offset after the last record that was polled, whether it was a command or not."""
        return self._position

    @property
    def read_to(self) -> int:
        """Whoever puts a command into `inbox` from now on is decided after all records before this offset."""
        position, passed = self._position, self._passed
        return position if self._records else max(position, passed)

    @property
    def closed(self) -> bool:
        """Whether nothing more is taken in."""
        return self._closed

    def poll(self, commands_max: int, timeout_s: float) -> Sequence[Incoming]:
        """What has come in since: none after `timeout_s` seconds, or where no record was a command.

        What was not a command for this shard has been acknowledged elsewhere when this returns.

        Raises:
            NotAcknowledged: what cannot be decided here could not be sent on; none of it counts as polled.
        """
        if not self._ready.wait(timeout_s):
            return ()
        self._ready.clear()
        own_max = min(self.inbox.waiting, commands_max // 2)
        batch = self._read(commands_max - own_max)
        if own_max:  # after the records: what was asked for knowing that they are read comes after them
            batch += [item._replace(position=self._position) for item in self.inbox.poll(own_max, 0)]
        if self._records or self.inbox.waiting:
            self._ready.set()
        return batch

    def refuse(self, items: Sequence[Incoming]) -> None:
        """Keep the records of `items` as dead letters."""
        letters = [
            self._letter(item.record, Reason.COMMAND_ID_REUSED, REUSED) for item in items if item.record
        ]
        self._outgoing.send(letters)
        if letters:
            self._on_letters(Reason.COMMAND_ID_REUSED, len(letters))

    def close(self) -> None:
        """Take nothing more in; records that wait are read again by whoever opens the shard next."""
        self._closed = True
        self._records.clear()
        self.inbox.close()

    def _read(self, records_max: int) -> list[Incoming]:
        next_record, batch, parcels = self._records.popleft, list[Incoming](), list[Parcel]()
        command, place, bytes_out = self._reader.command, self._position, 0
        for _ in range(min(records_max, len(self._records))):
            record = next_record()
            place = record.offset + 1
            bytes_out += len(record.value or b"")
            try:
                batch.append(Incoming(command(record), place, None, record))
            except Elsewhere as elsewhere:
                parcels.append(_forwarded(record, elsewhere.shard))
            except Unusable as no:
                parcels.append(self._letter(record, no.reason, no.detail))
        self._send(parcels)
        self._bytes_out += bytes_out
        self._position = place
        return batch

    def _send(self, parcels: Sequence[Parcel]) -> None:
        if not parcels:
            return
        self._outgoing.send(parcels)
        kept = Counter(dict(p.headers)[REASON].decode() for p in parcels if p.topic == self._letters_topic)
        log.warning(
            "sent_on",
            shard=self._reader.shard,
            forwarded=len(parcels) - kept.total(),
            dead_letters=dict(kept),
        )
        for reason, letters in kept.items():
            self._on_letters(reason, letters)

    def _letter(self, record: Record, reason: Reason, detail: str) -> Parcel:
        origin = f"{record.topic}/{record.partition}/{record.offset}"
        account = None if reason is Reason.WRONG_KEY else account_of(record.key)
        letter = Letter(
            reason, origin, detail, self._clock(), account, record.key, record.value, record.headers
        )
        partition = record.partition if account is None else shard_of(account, self._reader.partitions)
        key = None if account is None else account.encode()
        return Parcel(self._letters_topic, partition, key, record.value or b"", headers_of(letter))


def _forwarded(record: Record, shard: int) -> Parcel:
    """The same record, for the partition where it belongs."""
    assert record.value is not None
    headers = (*record.headers, (records.FORWARDED, b"1"))
    return Parcel(record.topic, shard, record.key, record.value, headers)
