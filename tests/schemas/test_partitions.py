"""Where a key's records belong: the same partition that Java's and kafka-python's producers choose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as theirs

from schemas.partitions import murmur2, shard_of


@pytest.mark.parametrize(
    ("data", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_hashes_are_those_of_javas_own_tests(data: bytes, hashed: int) -> None:
    """The vectors of `UtilsTest.testMurmur2` in Apache Kafka, where the hash is a signed number."""
    assert murmur2(data) == hashed & 0xFFFF_FFFF


@given(st.binary(max_size=64))
def test_hashes_are_kafka_pythons(data: bytes) -> None:
    assert murmur2(data) == theirs(data) & 0xFFFF_FFFF


@given(st.text(max_size=63), st.integers(1, 100))
def test_an_account_belongs_where_a_default_partitioner_puts_it(account: str, partitions: int) -> None:
    """As `DefaultPartitioner` does it: the hash without its sign, by the number of partitions."""
    assert shard_of(account, partitions) == (theirs(account.encode()) & 0x7FFF_FFFF) % partitions
