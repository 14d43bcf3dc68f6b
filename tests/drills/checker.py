"""Holds a trial's evidence against the promises, from outside: with none of the code under test.

`check` returns what is wrong, as data; nothing, if all is well.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import NamedTuple

from tests.drills import folding
from tests.drills.evidence import Answer, Event, Evidence, Topics, event
from tests.drills.rules import EFFECTS, TOPIC_OF, partition_of


class Finding(NamedTuple):
    """One broken promise."""

    promise: str
    rule: str
    where: str


@dataclass(frozen=True)
class Counts:
    """What a report says of trials."""

    commands: int = 0
    """That were asked for, each counted once."""
    attempts: int = 0
    """How often they were sent, all producers together."""
    receipts: int = 0
    duplicates: int = 0
    """Receipts, records or texts that are there more than once."""
    losses: int = 0
    """Commands acknowledged without a receipt, events missing from topics, poison without a trace."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(*(a - b for a, b in zip(astuple(self), astuple(other), strict=True)))


NONE = Counts()
DUPLICATES = frozenset({"receipt twice", "published twice", "text accepted twice", "handed over twice"})
LOSSES = frozenset({"acknowledged and lost", "missing from the topics", "poison without a dead letter"})


def check(evidence: Evidence) -> list[Finding]:
    """Everything that is wrong with `evidence`."""
    histories: dict[int, list[Event]] = {}
    found: list[Finding] = []
    for shard, stored in evidence.ledgers.items():
        histories[shard] = [event(raw) for _, raw in stored]
        found += _ledger(shard, stored, histories[shard], evidence.partitions)
    found += _apart(histories)
    for shard, history in histories.items():
        if evidence.topics is not None:
            found += _topics(shard, history, evidence.topics)
        found += _receipts(history)
        found += [Finding(*one) for one in folding.promises_of(history, settled=evidence.carried is not None)]
    whole = [one for history in histories.values() for one in history]
    found += _answered(whole, evidence)
    if evidence.views is not None:
        found += [Finding(*one) for one in folding.views_of(histories, evidence.views)]
    if evidence.carried is not None:
        found += [Finding(*one) for one in folding.carrier_of(whole, evidence.carried)]
    found += _poison(evidence)
    return found


def count(evidence: Evidence, found: list[Finding]) -> Counts:
    """The figures for the report."""
    whole = (event(raw) for stored in evidence.ledgers.values() for _, raw in stored)
    receipts = sum(one.is_receipt and not one.within for one in whole)
    return Counts(
        commands=len(evidence.sent.commands),
        attempts=evidence.sent.attempts,
        receipts=receipts,
        duplicates=sum(finding.rule in DUPLICATES for finding in found),
        losses=sum(finding.rule in LOSSES for finding in found),
    )


# --- P5: the ledger by itself, and the topics -------------------------------------------------------


def _ledger(
    shard: int, stored: Sequence[tuple[int, bytes]], history: list[Event], partitions: int
) -> Iterator[Finding]:
    """Numbers without gaps, in the ledger and within each stream, and nobody else's accounts."""
    versions: dict[str, int] = defaultdict(int)
    for place, ((number, _), one) in enumerate(zip(stored, history, strict=True), 1):
        where = f"shard {shard}, event {number}"
        if not number == one.sequence == place:
            yield Finding("P5", "numbers of the ledger have a gap", f"{where}: {place}, says {one.sequence}")
        versions[one.stream] += 1
        if one.version != versions[one.stream]:
            yield Finding("P5", "versions of a stream have a gap", f"{where}: {one.stream}.{one.version}")
        if partition_of(one.account, partitions) != shard:
            yield Finding("P5", "decided in another shard", f"{where}: {one.account}")


def _apart(histories: dict[int, list[Event]]) -> Iterator[Finding]:
    """P8: a stream is one account's and one shard's."""
    owners: dict[str, tuple[int, str]] = {}
    for shard, history in histories.items():
        for one in history:
            if owners.setdefault(one.stream, (shard, one.account)) != (shard, one.account):
                yield Finding("P8", "a stream of two accounts or shards", one.stream)


def _topics(shard: int, history: list[Event], topics: Topics) -> Iterator[Finding]:
    """Every event once, in its topic, in order, with the ledger's bytes."""
    known = {one.sequence: one for one in history}
    seen: Counter[int] = Counter()
    for topic, partitions in topics.items():
        last = 0
        for record in partitions.get(shard, ()):
            where = f"{topic}-{shard} at {record.offset}"
            published = event(record.value)
            sequence = published.sequence
            seen[sequence] += 1
            if sequence <= last and seen[sequence] == 1:
                yield Finding("P5", "out of order", f"{where}: {sequence} after {last}")
            last = max(last, sequence)
            if sequence not in known:
                yield Finding("P5", "published and not in the ledger", f"{where}: {sequence}")
            elif known[sequence].raw != record.value:
                yield Finding("P5", "other bytes than the ledger's", f"{where}: {sequence}")
            if record.key != published.account.encode():
                yield Finding("P5", "wrong key", where)
            if TOPIC_OF.get(published.name) != topic:
                yield Finding("P5", "wrong topic", f"{where}: {published.name}")
    for sequence, times in seen.items():
        if times > 1:
            yield Finding("P5", "published twice", f"shard {shard}: {sequence}, {times} times")
    for sequence in known.keys() - seen.keys():
        yield Finding("P5", "missing from the topics", f"shard {shard}: {sequence} {known[sequence].name}")


# --- P2: one receipt, one effect --------------------------------------------------------------------


def _receipts(history: list[Event]) -> Iterator[Finding]:
    """Each command's events stand together, before its one receipt, and are what that receipt says."""
    done: set[tuple[str, bool, str]] = set()
    effects: list[Event] = []
    for one in history:
        name = (one.account, one.within, one.command)
        where = f"{one.command} of {one.account}"
        if any(effect.command != one.command or effect.account != one.account for effect in effects):
            yield Finding("P2", "effect without receipt", f"{effects[0].command} of {effects[0].account}")
            effects = []
        if not one.is_receipt:
            if name in done:
                yield Finding("P2", "effect after the receipt", f"{where}: {one.name}")
            effects.append(one)
            continue
        if name in done:
            yield Finding("P2", "receipt twice", where)
        done.add(name)
        kind = one.data["command_type"]
        names = Counter(effect.name for effect in effects)
        if one.name == "command-refused":
            if effects:
                yield Finding("P2", "refused and yet an effect", f"{where}: {kind}")
        elif not EFFECTS[kind](names, one.data["result"]):
            yield Finding("P2", "accepted without its effect", f"{where}: {kind}, {dict(names)}")
        effects = []
    for left in effects:
        yield Finding("P2", "effect without receipt", f"{left.command} of {left.account}")


def _answered(whole: list[Event], evidence: Evidence) -> Iterator[Finding]:
    """Whatever was acknowledged has its receipt, and whatever receipt was shown is that one."""
    receipts = {(one.account, one.command): one for one in whole if one.is_receipt and not one.within}
    for name, asked in evidence.sent.commands.items():
        where = f"{asked.kind} {asked.command} of {asked.account}"
        receipt = receipts.get(name)
        if receipt is None:
            if asked.acknowledged:
                yield Finding("P2", "acknowledged and lost", where)
            continue
        if receipt.data["command_type"] != asked.kind:
            yield Finding("P2", "receipt of another command", where)
        accepted, at = receipt.name == "command-accepted", datetime.fromisoformat(receipt.at)
        for answer in asked.answers - {Answer(accepted, receipt.data.get("code"), at)}:
            yield Finding("P2", "another answer than the receipt", f"{where}: {answer}")
    for account, command in receipts.keys() - evidence.sent.commands.keys():
        yield Finding("P2", "nobody asked for it", f"{command} of {account}")


# --- P9: nothing disappears -------------------------------------------------------------------------


def _poison(evidence: Evidence) -> Iterator[Finding]:
    """What was acknowledged lies on the topic, and each time that it lies there, it has one letter."""
    letters = Counter(letter.body for letter in evidence.letters)
    for body, poison in evidence.sent.poison.items():
        kept = letters.pop(body, 0)
        where = f"{len(body)} bytes, {body[:40]!r}"
        least, most = poison.acknowledged, poison.attempts
        if evidence.asked is not None:
            least = most = evidence.asked.get(body, 0)
            if least < poison.acknowledged:
                yield Finding("P9", "acknowledged and not on the topic", f"{where}: {least}")
        if kept < least:
            yield Finding("P9", "poison without a dead letter", f"{where}: {kept} of {least}")
        if kept > most:
            yield Finding("P9", "dead letter twice", f"{where}: {kept} of {most}")
    for body, times in letters.items():
        yield Finding("P9", "a dead letter that nobody sent", f"{times} of {body[:40]!r}")
