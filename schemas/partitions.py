"""Which partition a record with a key belongs in: murmur2, as Java's and kafka-python's producers choose it.

Source: Apache Kafka, `org.apache.kafka.common.utils.Utils.murmur2` and `toPositive`. Other clients choose
otherwise (librdkafka's default is CRC32), so a record may lie elsewhere than its key says.
"""

from functools import lru_cache

SEED = 0x9747B28C
MULTIPLIER = 0x5BD1E995
SHIFT = 24
MASK = 0xFFFF_FFFF
POSITIVE = 0x7FFF_FFFF
ACCOUNTS_CACHED_MAX = 65_536  # a murmur2 in Python takes microseconds, and every record needs one


@lru_cache(ACCOUNTS_CACHED_MAX)
def shard_of(account: str, partitions: int) -> int:
    """The shard of `account`, from 0: the partition of every topic where its records belong."""
    return (murmur2(account.encode()) & POSITIVE) % partitions


def murmur2(data: bytes) -> int:
    """The 32-bit hash of `data`, as an unsigned number."""
    length = len(data)
    hashed = SEED ^ length
    whole = length & ~3
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * MULTIPLIER & MASK
        word = (word ^ word >> SHIFT) * MULTIPLIER & MASK
        hashed = hashed * MULTIPLIER & MASK ^ word
    if length > whole:
        hashed = (hashed ^ int.from_bytes(data[whole:], "little")) * MULTIPLIER & MASK
    hashed = (hashed ^ hashed >> 13) * MULTIPLIER & MASK
    return hashed ^ hashed >> 15
