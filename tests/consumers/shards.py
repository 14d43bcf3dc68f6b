"""A real shard over real files, with a clock that a test sets."""

import resource
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Self

from consumers.inbox import Incoming
from consumers.shard import Decided, Shard
from domain.account import Account
from domain.conversation import Conversation
from domain.ledger import Ledger, StreamNames
from domain.policy import Policy
from schemas import codec
from schemas.commands import Command
from schemas.events import CommandAccepted, CommandRefused, Event, Recorded
from schemas.keystore import KeyStore
from schemas.receipts import Answer
from tests.domain import people
from tests.domain.given import ACME, NUMBER

MASTER_KEY = bytes(range(32))
NAMES_SECRET = b"names for tests only"
NAMES = StreamNames(NAMES_SECRET)
NOON = datetime(2026, 3, 2, 20, tzinfo=UTC)
"""A Monday, noon in San Francisco."""


class Clock:
    """Stands until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


class Rig:
    """One shard with its files in `folder`; opened again, it goes on where it stood."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self.folder = folder
        self.clock = clock or Clock()
        self.keys = KeyStore.open(folder / "keys.db", MASTER_KEY)
        self.ledger = Ledger.open(folder / "ledger.db", 0, self.keys)
        self.shard = Shard(0, self.ledger, NAMES, Policy(), self.clock)
        self._positions = count(self.ledger.take() + 1)

    def batch(self, *commands: Command) -> list[Incoming]:
        """`commands` in the next places of the shard's order."""
        return [Incoming(command, next(self._positions)) for command in commands]

    def process(self, *commands: Command) -> list[Answer]:
        """Their answers, once they are stored."""
        return [answer for _, answer in self.shard.process(self.batch(*commands)).answers]

    def decide(self, *commands: Command) -> Decided:
        batch = self.batch(*commands)
        return self.shard.decide(batch, batch[-1].position)

    def again(self) -> "Rig":
        """The same files, after a restart."""
        self.close()
        return Rig(self.folder, self.clock)

    def events(self) -> list[Recorded]:
        """Everything in the ledger, as it was stored."""
        return [codec.decode(data, self.keys) for _, data in self.ledger.notifications(0, 1_000_000)]

    def account(self, account: str = ACME) -> Account:
        return self.shard.states.account(NAMES.account(account))

    def conversation(self, number: str = NUMBER, account: str = ACME) -> Conversation:
        return self.shard.states.conversation(NAMES.conversation(account, number))

    def close(self) -> None:
        self.shard.close()
        self.ledger.close()
        self.keys.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ready(**more: Any) -> list[Command]:
    """What makes Ada ready to be texted."""
    commands = [
        people.activate(),
        people.assign(),
        people.add_number(),
        people.apply(obtained_at=NOON - timedelta(days=1)),
    ]
    return [command.model_copy(update=more) for command in commands]


def kinds(recorded: Iterable[Recorded]) -> list[type[Event]]:
    return [one.event.__class__ for one in recorded]


def code(answer: Answer) -> str | None:
    """Of the refusal; none where the command was accepted."""
    assert isinstance(answer.receipt, CommandAccepted | CommandRefused)
    return answer.receipt.code if isinstance(answer.receipt, CommandRefused) else None


@contextmanager
def disk_full(folder: Path) -> Iterator[None]:
    """The ledger's log can grow by a few pages and no more, as on a disk that is almost full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    log_bytes = (folder / "ledger.db-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (log_bytes + 20_000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
