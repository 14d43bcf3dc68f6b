"""Events to put into a ledger."""

from collections import defaultdict
from datetime import UTC, datetime
from uuid import UUID

from schemas.actors import Actor
from schemas.events import Context, ConversationOpened, Event, Recorded, SegmentsDebited, ThreadRead

ADA = Actor(kind="member", id="m-1", name="Ada")
AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
READ = ThreadRead()
OPENED = ConversationOpened(number="+14155550123", region="US")


def debited(balance: int) -> SegmentsDebited:
    return SegmentsDebited(text_id=UUID(int=balance), segments=1, balance=balance)


class History:
    """Gives each stream's events their versions."""

    def __init__(self) -> None:
        self._versions: defaultdict[str, int] = defaultdict(int)

    def of(self, stream: str, *events: Event) -> list[Recorded]:
        """`events`, as the next ones of `stream`."""
        return [self._next(stream, event) for event in events]

    def _next(self, stream: str, event: Event) -> Recorded:
        self._versions[stream] += 1
        context = Context("acme", ADA, AT, UUID(int=7), shard=0, position=1)
        return Recorded(stream, self._versions[stream], event, context)
