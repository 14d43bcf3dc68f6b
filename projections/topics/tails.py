"""How far a shard's topics are."""

from collections.abc import Iterable

from projections.topics.partitions import Partitions
from schemas import codec


def newest(partitions: Partitions, topics: Iterable[str]) -> int:
    """The highest number of an event that `topics` hold, committed; 0 if they hold none.

    Raises:
        ClusterError: they cannot be read.
        schemas.codec.Unreadable: something else is on them.
    """
    found = 0
    for topic, span in partitions.spans(topics).items():
        data = partitions.last(topic, span)
        if data is not None:
            found = max(found, codec.sequence_of(data))
    return found
