"""One real shard over real files, in the drill's own process: for thousands of faults of order and of time.

The ledger, the decisions and the views are Sayso's; the clock is ours. What is left is read and checked from
outside, as after any other drill.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine, select

from consumers.inbox import Incoming
from consumers.projector import Projector
from consumers.rates import SENDER_RATES, CarrierRates, Limits, Rates
from consumers.shard import Decided, Shard
from domain.ledger import Ledger, StreamNames
from domain.policy import Policy
from projections import catalog
from projections.engine import open_engine
from projections.view import View
from projections.worklist import Worklist
from schemas import commands
from schemas.commands import Command
from schemas.keystore import KeyStore
from schemas.receipts import Answer
from tests.consumers.shards import MASTER_KEY, Clock
from tests.drills import reading
from tests.drills.evidence import Asked, Carried, Evidence, Sent
from tests.drills.wishes import Wish

NAMES = StreamNames(b"names for drills only")
VIEWS_FILE = "views.db"
RATE = 1_000_000.0
_AN_OPEN_TEXT = select(catalog.OPEN_TEXTS.texts.c.text_id).limit(1)


def unlimited() -> Rates:
    """Limits that nothing here ever meets."""
    limits = Limits(dict.fromkeys(SENDER_RATES, RATE))
    return Rates(limits, CarrierRates(lambda _: RATE, 0.0))


class Lab:
    """The shard, its ledger, keys and views in `folder`; opened again, it goes on where the files stand."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        views: Collection[View] = catalog.LIVE,
        engine: Engine | None = None,
    ) -> None:
        """`engine`: one that was used for the views in `folder` before; what it has compiled, it keeps."""
        self.folder = folder
        self.clock = clock
        self.sent = Sent()
        self.engine = engine or open_engine(f"sqlite:///{folder / VIEWS_FILE}")
        self._views = views
        self._open()

    def _open(self) -> None:
        self.keys = KeyStore.open(self.folder / "keys.db", MASTER_KEY)
        self.ledger = Ledger.open(self.folder / "ledger.db", 0, self.keys)
        self.shard = Shard(0, self.ledger, NAMES, Policy(), self.clock)
        self.position = self.ledger.take()
        self.projector = Projector(self.ledger, self.engine, self.keys, views=self._views)
        self.worklist = Worklist(self.engine, 0)

    def crash(self) -> None:
        """Forget whatever is not in the files, and begin again from them."""
        self.close()
        self._open()

    def close(self) -> None:
        self.shard.close()
        self.ledger.close()
        self.keys.close()
        self.engine.dispose()

    def asked(self, wish: Wish) -> Command:
        """The command that somebody outside asks for; they hear of its receipt."""
        asked = Asked(wish.account, wish.command, wish.kind, wish.body)
        asked = self.sent.commands.setdefault((wish.account, wish.command), asked)
        asked.attempts += 1
        asked.acknowledged = 1
        return commands.read(wish.body)

    def process(self, batch: Sequence[Command]) -> list[Answer]:
        """Decide and store `batch`; the answers."""
        return [answer for _, answer in self.shard.process(self.placed(batch)).answers]

    def decide(self, batch: Sequence[Command]) -> Decided:
        """Decide `batch`; nothing is stored."""
        placed = self.placed(batch)
        return self.shard.decide(placed, placed[-1].position)

    def placed(self, batch: Sequence[Command]) -> list[Incoming]:
        """`batch` in the next places of the shard's order."""
        first = self.position + 1
        self.position += len(batch)
        return [Incoming(command, place) for place, command in enumerate(batch, first)]

    def all_ended(self) -> bool:
        """Whether every text has ended, as the views show it."""
        with self.engine.connect() as connection:
            return connection.execute(_AN_OPEN_TEXT).first() is None

    def evidence(self, carried: Sequence[Carried], *, views: bool = True) -> Evidence:
        """What is left, beside what the carrier has. `views` must have caught up."""
        stored = reading.sqlite_ledger(self.folder / "ledger.db")
        shown = reading.views(reading.Sqlite(self.folder / VIEWS_FILE)) if views else None
        return Evidence({0: stored}, shown, carried, sent=self.sent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
