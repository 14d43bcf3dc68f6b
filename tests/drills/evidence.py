"""What a drill leaves behind, as plain data: what was asked for, and what stands in the stores afterwards.

The checker sees nothing else. It knows our formats from their description alone (`docs/`, CloudEvents), never
through our codec or our clients.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

Json = dict[str, Any]


class Event(NamedTuple):
    """One CloudEvent, as any JSON parser reads it."""

    sequence: int
    stream: str
    version: int
    name: str
    """Without its version: `text-queued` of `text-queued.v1`."""
    account: str
    command: str
    by: str
    """The kind of the actor."""
    at: str
    position: int
    data: Json
    raw: bytes

    @property
    def within(self) -> bool:
        """Whether the carrier's doors or Sayso's own workers asked for it: their ids are a room apart."""
        return self.by in ("carrier", "system")

    @property
    def is_receipt(self) -> bool:
        return self.name in ("command-accepted", "command-refused")


def event(raw: bytes) -> Event:
    """The event that `raw` spells. Raises ValueError or KeyError where it is none."""
    fields = json.loads(raw)
    name, _, _ = fields["type"].rpartition(".")
    assert fields["specversion"] == "1.0"
    return Event(
        sequence=int(fields["sequence"]),
        stream=fields["subject"],
        version=fields["streamversion"],
        name=name,
        account=fields["account"],
        command=fields["commandid"],
        by=fields["actorkind"],
        at=fields["time"],
        position=int(fields["position"]),
        data=fields["data"],
        raw=raw,
    )


class Record(NamedTuple):
    """One committed record of a topic's partition."""

    offset: int
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, Any]] = ()


Topics = Mapping[str, Mapping[int, Sequence[Record]]]
"""By topic, without its prefix, and partition: the committed records by offset."""


class Letter(NamedTuple):
    """A dead letter, opened."""

    reason: str
    body: bytes


class Carried(NamedTuple):
    """A text that the carrier has."""

    sid: str
    to: str
    body: str
    status: str


class Answer(NamedTuple):
    """What a caller was told of a command."""

    accepted: bool
    code: str | None
    at: datetime
    """When it was decided."""


@dataclass
class Asked:
    """One command that was sent, however often."""

    account: str
    command: str
    kind: str
    body: bytes
    attempts: int = 0
    acknowledged: int = 0
    answers: set[Answer] = field(default_factory=set)
    """Every receipt that came back; one and the same, if all is well."""


@dataclass
class Poison:
    """Bytes that nobody can use, sent once or more."""

    body: bytes
    attempts: int = 0
    acknowledged: int = 0


@dataclass
class Sent:
    """Everything that was asked for."""

    commands: dict[tuple[str, str], Asked] = field(default_factory=dict)
    """By account and command id."""
    poison: dict[bytes, Poison] = field(default_factory=dict)

    @property
    def attempts(self) -> int:
        return sum(asked.attempts for asked in self.commands.values())


@dataclass
class Views:
    """What the views show, by plain SQL."""

    balances: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By account: free, bought, debited, refunded, adjusted, balance."""
    receipts: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    """By account and command id: whether it was accepted."""
    consent: Mapping[str, str] = field(default_factory=dict)
    """By conversation."""
    texts: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Outgoing texts, by account and id: their status in the thread."""
    open_texts: frozenset[tuple[str, str]] = frozenset()
    positions: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """By view and shard."""


@dataclass
class Evidence:
    """All that is left of a trial."""

    ledgers: Mapping[int, Sequence[tuple[int, bytes]]]
    """By shard: notification id and stored bytes, in order."""
    views: Views | None = None
    """None where there are no views."""
    carried: Sequence[Carried] | None = None
    """None where there is no carrier, so that no text ever ends."""
    letters: Sequence[Letter] = ()
    sent: Sent = field(default_factory=Sent)
    topics: Topics | None = None
    """None where there is no Kafka."""
    asked: Mapping[bytes, int] | None = None
    """How often each value lies on the topic of commands: a producer may write one twice."""
    partitions: int = 1


_TAG = re.compile(r"\[([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\]")


def tagged(text_id: str) -> str:
    """Words of a first text that lacks nothing, and in which `text_of` finds the text again."""
    return f"Acme Robotics here, about [{text_id}]. Reply STOP to get no more texts."


def text_of(body: str) -> str | None:
    """The text that has these words; None where the load did not write them."""
    found = _TAG.search(body)
    return found[1] if found else None
