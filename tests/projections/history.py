"""Histories to project: events as a shard would record them, in a log in memory, sealed by the real codec."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from schemas import codec
from schemas.actors import Actor, ActorKind
from schemas.events import Context, ConversationOpened, Event, NumberAdded, Recorded
from schemas.sealing import KEY_BYTES, SealingKey

ACME = "acme"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADA = Actor(kind="member", id="ada", name="Ada L.")
PHONE = Actor(kind="candidate", id="phone")


def actor(kind: ActorKind, name: str) -> Actor:
    return Actor(kind=kind, id=name.lower(), name=name)


class RingOfKeys:
    """A key for every stream, made when it is first asked for."""

    def __init__(self) -> None:
        self._keys: dict[str, SealingKey | None] = {}

    def cipher(self, stream: str) -> SealingKey | None:
        if stream not in self._keys:
            self._keys[stream] = SealingKey(stream.encode().ljust(KEY_BYTES)[:KEY_BYTES], 1)
        return self._keys[stream]

    def erase(self, stream: str) -> None:
        self._keys[stream] = None


@dataclass(frozen=True)
class Log:
    """An event source in memory."""

    entries: Sequence[tuple[int, bytes]]

    def notifications(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        return self.entries[after : after + limit]  # positions are 1, 2, 3 ...

    def last_notification(self) -> int:
        return len(self.entries)


class History:
    """What happened, event by event, a minute apart unless told."""

    def __init__(self, account: str = ACME, shard: int = 0) -> None:
        self.account = account
        self.shard = shard
        self.keys = RingOfKeys()
        self.recorded: list[Recorded] = []
        self.entries: list[tuple[int, bytes]] = []
        self.log = Log(self.entries)
        self.commands = 0
        self._versions: dict[str, int] = defaultdict(int)

    def happened(self, stream: str, *events: Event, **more: Any) -> "History":
        """`events`, by one command, in one stream."""
        return self.decided([(stream, event) for event in events], **more)

    def decided(
        self,
        events: Iterable[tuple[str, Event]],
        *,
        by: Actor = ADA,
        at: datetime | None = None,
        account: str | None = None,
        command: UUID | None = None,
    ) -> "History":
        """`events`, each with its stream, by one command."""
        self.commands += 1
        context = Context(
            account=account or self.account,
            actor=by,
            at=at or self.now,
            command_id=command or UUID(int=self.commands),
            shard=self.shard,
            position=self.commands,
        )
        for stream, event in events:
            self._versions[stream] += 1
            self._append(Recorded(stream, self._versions[stream], event, context))
        return self

    @property
    def now(self) -> datetime:
        """When the last command was decided, unless told otherwise."""
        return NOON + timedelta(minutes=self.commands)

    def numbered(self, candidate: str, number: str, **more: Any) -> "History":
        """The candidate has the number; its conversation, named after the number, is open."""
        added = NumberAdded(
            candidate=candidate,
            conversation=conversation(number),
            number=number,
            name=more.pop("name", None),
            region="US",
            time_zone=None,
        )
        self.happened(f"candidate-{candidate}", added, **more)
        if not self._versions[conversation(number)]:
            self.happened(conversation(number), ConversationOpened(number=number, region="US"), **more)
        return self

    def _append(self, recorded: Recorded) -> None:
        self.recorded.append(recorded)
        self.entries.append((len(self.recorded), codec.encode(recorded, self.keys, len(self.recorded))))


def conversation(number: str) -> str:
    return f"conversation-{number[1:]}"
