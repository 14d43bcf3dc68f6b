"""How far a shard's topics are."""

from collections.abc import Iterable, Mapping

from projections.topics.partitions import Partitions, Span
from schemas import codec


def newest(partitions: Partitions, topics: Iterable[str]) -> int:
    """The highest number of an event that `topics` hold, committed; 0 if they hold none.

    Raises:
        ClusterError: they cannot be read.
        schemas.codec.Unreadable: something else is on them.
    """
    return newest_within(partitions, partitions.spans(topics))


def newest_within(partitions: Partitions, spans: Mapping[str, Span]) -> int:
    """The same of `spans` of some topics."""
    tails = [partitions.last(topic, span) for topic, span in spans.items()]
    return max((codec.sequence_of(data) for data in tails if data is not None), default=0)
