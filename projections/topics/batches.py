"""Batches of records as Kafka stores and sends them, opened.

Source: Apache Kafka, "Message Format", batches of magic 2 (the only ones since version 0.11).
"""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from crc32c import crc32c
from kafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode

HEADER = struct.Struct(">qiibIhiqqqhii")
"""First offset, length, leader's epoch, magic, checksum, attributes, last offset less the first, first time,
last time, producer, its epoch, sequence number, number of records."""
LENGTH_FROM = 12
"""Where that which `length` counts begins."""
CHECKED_FROM = 21
"""Where that which the checksum is over begins."""
CODEC, TRANSACTIONAL, CONTROL = 0x07, 0x10, 0x20
MAGIC = 2
ABORT_MARKER = b"\0\0\0\0"
"""The key of a control record that ends a transaction in vain: version 0, type 0."""

Record = tuple[int, bytes]
"""Offset and value."""


class CorruptBatch(Exception):
    """These bytes are no batch, or not the one that was written."""


class Opened(NamedTuple):
    """What a partition gave from some offset on."""

    records: list[Record]
    """What was committed there, in order."""
    next_offset: int
    """Where to go on."""


def committed(data: bytes, aborted: Iterable[tuple[int, int]], offset: int, bytes_max: int) -> Opened:
    """The committed records in `data` from `offset` on. A batch that is cut off at the end is left out.

    No further batch is opened once the records are `bytes_max` large, however well `data` is compressed.

    `aborted` are the aborted transactions that reach into `data`: their producers, and their first offsets.

    Raises:
        CorruptBatch: a checksum or a length is wrong.
    """
    begins = sorted((first, producer) for producer, first in aborted)
    failing = set[int]()
    records, at, size = list[Record](), 0, 0
    next_offset = offset
    while at + HEADER.size <= len(data) and size < bytes_max:
        base, length, _, magic, checksum, attributes, delta, _, _, producer, _, _, count = HEADER.unpack_from(
            data, at
        )
        end = at + LENGTH_FROM + length
        if end > len(data):
            break
        if magic != MAGIC or crc32c(memoryview(data)[at + CHECKED_FROM : end]) != checksum:
            raise CorruptBatch(f"the batch at offset {base} is not what was written")
        while begins and begins[0][0] <= base + delta:
            failing.add(begins.pop(0)[1])
        if attributes & CONTROL:
            if _keys(data[at + HEADER.size : end], count)[0] == ABORT_MARKER:
                failing.discard(producer)
        elif not (attributes & TRANSACTIONAL and producer in failing):
            body = data[at + HEADER.size : end]
            if attributes & CODEC:
                body = _CODECS[attributes & CODEC](body)
            size += len(body)
            _read(body, count, base, offset, records)
        next_offset = max(next_offset, base + delta + 1)
        at = end
    return Opened(records, next_offset)


_CODECS: Mapping[int, Callable[[bytes], bytes]] = MappingProxyType(
    {1: gzip_decode, 2: snappy_decode, 3: lz4_decode, 4: zstd_decode}
)


def _read(body: bytes, count: int, base: int, offset: int, into: list[Record]) -> None:
    """The values of `count` records whose offsets are at least `offset`.

    Every record is: its length, attributes (a byte), how much later than the first, how many after the first,
    key and value each after their lengths, headers. Numbers are zigzag varints.
    """
    at = 0
    try:
        for _ in range(count):
            length, at = varint(body, at)
            end = at + length
            at += 1
            while body[at] & 0x80:
                at += 1
            delta, at = varint(body, at + 1)
            length, at = varint(body, at)
            if length > 0:
                at += length
            length, at = varint(body, at)
            if at + length > end:
                raise CorruptBatch(f"a record after offset {base} is longer than it says")
            if base + delta >= offset:
                into.append((base + delta, body[at : at + length] if length > 0 else b""))
            at = end
    except IndexError as error:
        raise CorruptBatch(f"the batch at offset {base} ends too early") from error


def _keys(body: bytes, count: int) -> Sequence[bytes]:
    """The keys of `count` records, of a control batch that has one."""
    found, at = [], 0
    for _ in range(count):
        length, at = varint(body, at)
        end = at + length
        _, at = varint(body, at + 1)
        _, at = varint(body, at)
        length, at = varint(body, at)
        found.append(body[at : at + length])
        at = end
    return found


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that is written at `at`, and where it ends."""
    byte = data[at]
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), at + 1
    result, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (result >> 1) ^ -(result & 1), at + 1
        shift += 7
