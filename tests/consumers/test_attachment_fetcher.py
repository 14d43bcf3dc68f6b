"""The fetcher: each attachment is tried once at a time, again after a while, and recorded once."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from consumers.attachments.fetcher import PAGE, AttachmentFetcher, outcome
from consumers.attachments.keeper import Kept
from consumers.attachments.outcomes import Again, Refused, Stored
from projections.attachment_shapes import WaitingAttachment
from schemas.actors import SYSTEM
from schemas.commands import Command, RecordAttachment
from schemas.door import Busy, Unavailable
from schemas.events import CommandAccepted, Context
from schemas.receipts import Answer
from tests.support.sayso import Clock, eventually

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ONE = WaitingAttachment(
    account="acme", conversation="c1", number="+4520123456", sid="MM1", index=0,
    url="https://api.twilio.com/x", content_type="image/png", since=NOON,
)  # fmt: skip
STORED = Stored(3, "0" * 64, None)


@dataclass
class Waiting:
    """The view: what waits, in order, until it was recorded."""

    items: list[WaitingAttachment]
    broken: int = 0

    def waiting(self, after: WaitingAttachment | None, limit: int) -> list[WaitingAttachment]:
        if self.broken:
            self.broken -= 1
            raise OSError("the view is away")
        place = (
            0
            if after is None
            else 1 + max((n for n, one in enumerate(self.items) if one == after), default=-1)
        )
        return self.items[place : place + limit]


@dataclass
class Door:
    """Takes everything, once it is not busy any more."""

    busy: int = 0
    taken: list[RecordAttachment] = field(default_factory=list)

    async def submit(self, command: Command, wait_s: float) -> Answer | None:
        raise NotImplementedError

    def put(self, command: Command) -> "Future[Answer]":
        if self.busy:
            self.busy -= 1
            raise Busy if self.busy % 2 else Unavailable
        assert isinstance(command, RecordAttachment)
        self.taken.append(command)
        context = Context(command.account, SYSTEM, NOON, command.command_id, 0, 0)
        done: Future[Answer] = Future()
        done.set_result(Answer(CommandAccepted.of(command.type, "f", {}), context))
        return done


@dataclass
class Trying:
    """A keeper that does as it is told, and counts."""

    does: Callable[[WaitingAttachment, int], Kept]
    tries: Counter[tuple[str, int]] = field(default_factory=Counter)
    at_once: int = 0
    at_once_most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, waiting: WaitingAttachment, now: datetime, tries: int) -> Kept:
        with self.lock:
            self.tries[waiting.sid, waiting.index] += 1
            self.at_once += 1
            self.at_once_most = max(self.at_once_most, self.at_once)
        try:
            return self.does(waiting, tries)
        finally:
            with self.lock:
                self.at_once -= 1

    def leave(self) -> None:
        """There is nothing to give up."""


@contextmanager
def fetching(view: Waiting, keeper: Trying, door: Door, clock: Clock) -> Iterator[AttachmentFetcher]:
    fetcher = AttachmentFetcher(view, keeper, door, clock, hands=3)
    fetcher.start()
    yield fetcher
    fetcher.stop()
    assert not fetcher.alive


def test_all_that_waits_is_tried_once_and_recorded_under_an_id_of_its_own() -> None:
    many = [replace(ONE, sid=f"MM{n}", index=n % 2) for n in range(2 * PAGE + 5)]
    keeper, door = Trying(lambda *_: STORED), Door()
    with fetching(Waiting(many), keeper, door, Clock()):
        eventually(lambda: len(door.taken) == len(many))
    assert set(keeper.tries.values()) == {1}
    assert len({command.command_id for command in door.taken}) == len(many)
    assert keeper.at_once_most <= 3


def test_the_outcome_has_the_same_id_whatever_it_is() -> None:
    stored, refused = outcome(ONE, STORED), outcome(ONE, Refused("gone"))
    assert stored.command_id == refused.command_id
    for other in (replace(ONE, account="other"), replace(ONE, sid="MM2"), replace(ONE, index=1)):
        assert outcome(other, STORED).command_id != stored.command_id


def test_what_failed_is_tried_again_after_longer_and_longer() -> None:
    clock, door = Clock(), Door()
    seen: list[int] = []

    def does(_: WaitingAttachment, tries: int) -> Kept:
        seen.append(tries)
        return STORED if tries == 4 else Again("timeout")

    with fetching(Waiting([ONE]), Trying(does), door, clock) as fetcher:
        for tries, wait_s in ((1, 3), (2, 6), (3, 12)):
            eventually(partial(_long_enough, seen, tries))
            eventually(lambda: fetcher.postponed == 1)
            assert not door.taken
            clock.move(timedelta(seconds=wait_s))
        eventually(lambda: door.taken)
        assert fetcher.postponed == 0
    assert seen == [1, 2, 3, 4]


def _long_enough(seen: list[int], count: int) -> bool:
    return len(seen) >= count


def test_how_long_the_carrier_asks_to_wait_is_waited() -> None:
    clock, door = Clock(), Door()
    keeper = Trying(lambda _, tries: STORED if tries == 2 else Again("http_429", retry_after_s=600))
    with fetching(Waiting([ONE]), keeper, door, clock) as fetcher:
        eventually(lambda: fetcher.postponed)
        clock.move(timedelta(seconds=590))
        threading.Event().wait(1.5)  # a look, and more
        assert keeper.tries[ONE.sid, 0] == 1
        clock.move(timedelta(seconds=311))
        eventually(lambda: door.taken)


def test_what_could_not_be_recorded_is_done_once_more() -> None:
    clock, door, keeper = Clock(), Door(busy=2), Trying(lambda *_: STORED)
    with fetching(Waiting([ONE]), keeper, door, clock):
        eventually(lambda: keeper.tries[ONE.sid, 0] == 1)
        clock.move(timedelta(minutes=10))
        eventually(lambda: keeper.tries[ONE.sid, 0] == 2)
        clock.move(timedelta(minutes=10))
        eventually(lambda: door.taken)


def test_one_that_breaks_does_not_hold_up_the_others_nor_does_a_view_that_is_away() -> None:
    other = replace(ONE, sid="MM2")

    def does(one: WaitingAttachment, _: int) -> Kept:
        if one.sid == ONE.sid:
            raise ZeroDivisionError
        return STORED

    door = Door()
    with fetching(Waiting([ONE, other], broken=1), Trying(does), door, Clock()) as fetcher:
        eventually(lambda: door.taken)
        eventually(lambda: fetcher.postponed == 1)
    assert [command.sid for command in door.taken] == ["MM2"]
