"""Who serves which shard: as evenly as can be, and no shard moves that need not.

Members keep what they have while the group decides anew; only what somebody has too many of is given up, and
goes to another member in the next round, once it is free (Kafka's KIP-429, "incremental cooperative"). The
client has one of that kind, too; a group was once seen to hang with it, for a cause that was not found. This
one is small enough to be tried on every history (tests/consumers/test_assignor.py).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka.coordinator.assignors.abstract import AbstractPartitionAssignor, RebalanceProtocol
from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment, ConsumerProtocolSubscription

NEVER = -1
"""The generation of a member that was never assigned anything, or has lost what it had."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a member says it has."""

    shards: frozenset[int] = frozenset()
    generation: int = NEVER
    """Of the assignment that gave it these: the later one is right."""


def shared(shards: Collection[int], claims: Mapping[str, Claim]) -> dict[str, set[int]]:
    """Who gets which of `shards` now. What has to move is nobody's this time; what two claim, neither's."""
    given = {member: held & set(shards) for member, held in _held(claims).items()}
    free = sorted(set(shards) - {shard for claim in claims.values() for shard in claim.shards})
    each, left_over = divmod(len(shards), len(claims))
    by_size = sorted(given, key=lambda member: (-len(given[member]), member))
    for place, member in enumerate(by_size):
        due = each + (place < left_over)
        mine = sorted(given[member])[:due]
        while len(mine) < due and free:
            mine.append(free.pop(0))
        given[member] = set(mine)
    return given


def _held(claims: Mapping[str, Claim]) -> dict[str, set[int]]:
    """What each member has indeed."""
    holders: dict[int, list[str]] = {}
    for member, claim in claims.items():
        for shard in claim.shards:
            holders.setdefault(shard, []).append(member)
    held: dict[str, set[int]] = {member: set() for member in claims}
    for shard, members in holders.items():
        latest = max(claims[member].generation for member in members)
        right = [member for member in members if claims[member].generation == latest]
        if len(right) == 1:
            held[right[0]].add(shard)
    return held


class ShardAssignor(AbstractPartitionAssignor):  # type: ignore[misc]  # the client has no types
    """`shared`, as the client wants it. For one topic; every member of a group needs one of its own."""

    name = "sayso-shards"
    version = 2
    """Of the subscription: the first that tells the generation of what is owned."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._claim = Claim()

    def lost(self) -> None:
        """Others have by now what we had."""
        self._claim = Claim()

    def supported_protocols(self) -> list[RebalanceProtocol]:
        return [RebalanceProtocol.COOPERATIVE]

    def metadata(self, topics: Collection[str]) -> Any:
        claim = self._claim
        owned = ConsumerProtocolSubscription.TopicPartition(
            topic=self._topic, partitions=sorted(claim.shards)
        )
        return ConsumerProtocolSubscription(
            version=self.version,
            topics=sorted(topics),
            user_data=b"",
            owned_partitions=[owned],
            generation_id=claim.generation,
        )

    def assign(self, cluster: Any, members: Sequence[Any]) -> dict[str, Any]:
        claims = {member.member_id: self._claim_of(member.metadata) for member in members}
        given = shared(cluster.partitions_for_topic(self._topic) or (), claims)
        return {
            member: ConsumerProtocolAssignment(self.version, [(self._topic, sorted(shards))], b"")
            for member, shards in given.items()
        }

    def on_assignment(self, assignment: Any, generation: int) -> None:
        self._claim = Claim(frozenset(place.partition for place in assignment.partitions()), generation)

    def _claim_of(self, metadata: Any) -> Claim:
        shards = frozenset(
            shard
            for topic in metadata.owned_partitions or ()
            if topic.topic == self._topic
            for shard in topic.partitions
        )
        return Claim(shards, metadata.generation_id)
