"""What a transaction left on the topics that the cluster thinks it has ended.

Brokers forget to write a transaction's end into a partition that has no leader at that moment, and count the
transaction as ended all the same (KAFKA-20734, in 4.0 to 4.3). It happens whenever the one broker of a small
cluster was killed, or was too busy for its own controller. What the transaction wrote there stays undecided:
nobody reads it, nor anything behind it. The next transaction of the same producer that ends there decides
over it too; so whoever publishes the same events once more has them there twice.

Hence: what hangs is taken over. It becomes visible together with whatever is missing of the events around it.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from time import monotonic

from projections.topics.partitions import Partitions, Span
from projections.topics.wire import ClusterError
from schemas import codec

DECIDED_S_MAX = 10.0
LOOK_EVERY_S = 0.01


@dataclass(frozen=True)
class Hanging:
    """What hangs on a shard's topics, and which of the events around it are there.

    Attributes:
        topics: where something hangs.
        base: the number of an event up to which everything can be read.
        top: the highest number of an event that is there, to be read or hanging.
        there: the numbers after `base` that are there.
    """

    topics: frozenset[str]
    base: int
    top: int
    there: frozenset[int]


def find(partitions: Partitions, position: int, spans: Mapping[str, Span]) -> Hanging | None:
    """What hangs beyond `spans`, which end with event `position` at the latest; None if nothing does.

    To be asked by whoever has just begun as the one producer: else it may only be under way.

    Raises:
        ClusterError: the topics cannot be read.
    """
    undecided = partitions.undecided(spans)
    if not undecided:
        return None
    hanging = {
        codec.sequence_of(data)
        for topic, span in undecided.items()
        for _, data in partitions.all(topic, span)
    }
    base = min(position, min(hanging, default=position + 1) - 1)
    visible = {
        number
        for topic, span in spans.items()
        for _, data in partitions.tail(topic, span, lambda data: codec.sequence_of(data) <= base)
        if (number := codec.sequence_of(data)) > base
    }
    return Hanging(frozenset(undecided), base, max({position} | hanging), frozenset(hanging | visible))


def wait_until_decided(partitions: Partitions, topics: Collection[str]) -> None:
    """Return when nothing hangs on `topics` any more.

    Raises:
        ClusterError: something still does, so it is not ours: only an operator can end it.
    """
    until = monotonic() + DECIDED_S_MAX
    while undecided := partitions.undecided(partitions.spans(topics)):
        if monotonic() > until:
            places = ", ".join(f"{topic} from offset {span.start} on" for topic, span in undecided.items())
            raise ClusterError(
                f"A transaction of somebody else hangs on partition {partitions.number} of {places}; "
                "kafka-transactions.sh can abort it"
            )
        time.sleep(LOOK_EVERY_S)
