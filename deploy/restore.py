"""A ledger from the topics alone, and topics from ledgers; each ends with a proof that both hold the same.

What people's streams are sealed with is in the keystore, and neither here nor there: see `KEYS_STAY_APART`.
"""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from rich.console import Console

from consumers.topic_log import TopicLog
from deploy.progress import Show, bar
from domain.ledger import Ledger
from producers.relay import Relay
from projections.source import EventSource
from schemas.codec import position_of
from schemas.topics import Topic

EVENTS_READ_MAX = 1_000
LOOK_S = 0.2
VISIBLE_S_MAX = 60.0
LENGTH_BYTES = 8
KEYS_STAY_APART = (
    "The keys are not on the topics: they stay in the keystore, so that an erasure holds for all copies. "
    "With that keystore everything opens as before. Without it, people's names, numbers and words stay "
    "sealed for ever, and what they write from now on is sealed anew; balances, receipts and the order are "
    "all there."
)


class NotEmpty(Exception):
    """There is something already where something was to be restored. Nothing was changed."""


class NotRestored(Exception):
    """Both sides do not hold the same, or one could not be filled. The message says which shard, and why."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What tells one log of events from any other."""

    events: int
    last: int
    """The number of the last event."""
    checksum: str
    """SHA-256, in hexadecimal, of each event's length (8 bytes, the highest first) and bytes, in order."""


def prove(source: EventSource, show: Show = lambda _, __: None) -> Proof:
    """Read everything in `source` and describe it."""
    digest, events, at = hashlib.sha256(), 0, 0
    while page := source.notifications(at, EVENTS_READ_MAX):
        for _, data in page:
            digest.update(len(data).to_bytes(LENGTH_BYTES, "big"))
            digest.update(data)
        events += len(page)
        at = page[-1][0]
        show(at, max(at, source.last_notification()))
    return Proof(events, at, digest.hexdigest())


def ledger_from_topics(
    ledgers: Mapping[int, Ledger], client: Mapping[str, Any], topics: Mapping[Topic, str], console: Console
) -> dict[int, Proof]:
    """Fill empty `ledgers`, by shard, with what the topics hold; each shard's proof.

    Each ledger then belongs to us, and stands where the last event's command was. Nobody else may be at work.

    Raises:
        NotEmpty: a ledger holds something.
        NotRestored: a ledger does not hold what the topics do.
        SourceUnavailable, LogBroken, LedgerError: the topics cannot be read, or a ledger cannot be written.
    """
    for shard, ledger in ledgers.items():
        if last := ledger.last_notification():
            raise NotEmpty(
                f"The ledger of shard {shard} holds {last:,} events. Only an empty one is restored."
            )
    proofs = {}
    for shard, ledger in ledgers.items():
        with (
            bar(console, f"Restoring shard {shard}") as show,
            closing(TopicLog(shard, client, topics.values())) as log,
        ):
            _fill(ledger, log, show)
        proofs[shard] = _proof_of(shard, ledger, client, topics, console)
    console.print(KEYS_STAY_APART)
    return proofs


def topics_from_ledgers(
    ledgers: Mapping[int, Ledger],
    client: Mapping[str, Any],
    topics: Mapping[Topic, str],
    relay_id: Callable[[int], str],
    console: Console,
) -> dict[int, Proof]:
    """Fill empty topics with what `ledgers`, by shard, hold; each shard's proof.

    `relay_id` is the transactional id of a shard's relay. Nobody else may be at work.

    Raises:
        NotEmpty: the topics hold events of one of the shards.
        NotRestored: the topics do not hold what a ledger does, or cannot be written.
        SourceUnavailable, LogBroken, LedgerError: the topics or a ledger cannot be read.
    """
    for shard in ledgers:
        with closing(TopicLog(shard, client, topics.values())) as log:
            last = log.last_notification()
        if last:
            raise NotEmpty(f"The topics hold {last:,} events of shard {shard}. Only empty ones are filled.")
    proofs = {}
    for shard, ledger in ledgers.items():
        relay = Relay(shard, ledger, client, topics, relay_id(shard))
        with bar(console, f"Publishing shard {shard}") as show:
            _publish(relay, ledger.last_notification(), show)
        proofs[shard] = _proof_of(shard, ledger, client, topics, console)
    return proofs


def _fill(ledger: Ledger, log: TopicLog, show: Show) -> None:
    ledger.take()
    at = 0
    while page := log.notifications(at, EVENTS_READ_MAX):
        events = [data for _, data in page]
        ledger.restore(events, position_of(events[-1]))
        at = page[-1][0]
        show(at, max(at, log.last_notification()))


def _publish(relay: Relay, last: int, show: Show) -> None:
    relay.start()
    try:
        while not relay.wait_for(last, LOOK_S):
            show(relay.position, last)
            if not relay.alive:
                raise NotRestored(str(relay.failure)) from relay.failure
        show(last, last)
    finally:
        relay.stop()


def _until_visible(log: TopicLog, last: int) -> None:
    """Return when event `last` can be read, some moments after it was committed, or that takes too long."""
    deadline = monotonic() + VISIBLE_S_MAX
    while log.last_notification() < last and monotonic() < deadline:
        sleep(LOOK_S)


def _proof_of(
    shard: int, ledger: Ledger, client: Mapping[str, Any], topics: Mapping[Topic, str], console: Console
) -> Proof:
    """What the ledger holds and the topics, too; each read by itself, from the beginning."""
    with (
        bar(console, f"Comparing shard {shard}") as show,
        closing(TopicLog(shard, client, topics.values())) as log,
    ):
        ours = prove(ledger)
        _until_visible(log, ours.last)
        theirs = prove(log, show)
    if ours != theirs:
        raise NotRestored(
            f"Shard {shard} is not the same: the ledger is {ours}, and the topics are {theirs}."
        )
    console.print(
        f"Shard {shard}: {ours.events:,} events on both sides, SHA-256 {ours.checksum}.", soft_wrap=True
    )
    return ours
