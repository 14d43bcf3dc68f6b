"""Texts whose end, or price, is not known: the carrier is asked about them, and what it says is recorded."""

import threading
from collections.abc import Callable, Collection, Container, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog

from consumers import handover
from consumers.carriers.carrier import Carriers, Found, Unknown
from projections.shapes import OpenText
from schemas import tracing
from schemas.commands import Command
from schemas.door import Busy, CommandDoor, Unavailable

log = structlog.get_logger()

ASKED_MAX = 200
"""How many texts of one kind are under way at a time."""
ASKING_AT_ONCE = 4
"""Beside those who hand over: however many texts are in doubt, they hold nothing up."""
CLOCKS_APART_MAX = timedelta(hours=25)
"""Between the carrier's clock and ours, which may have been wrong by a day when the hand-over began. What was
said before in the same words is told apart by its sid, not by its time."""


class UnsettledTexts(Protocol):
    """The view of texts whose hand-over has begun.

    Every list is at most `limit` long, always in the same order, and begins `behind` a text that was on it.
    """

    def dispatching(self, before: datetime, limit: int, behind: OpenText | None) -> Sequence[OpenText]:
        """Texts whose hand-over began before that moment, and whose outcome was never recorded."""
        ...

    def in_doubt(self, before: datetime, limit: int, behind: OpenText | None) -> Sequence[OpenText]:
        """Texts in doubt since before that moment."""
        ...

    def known(self, conversation: str, sids: Collection[str]) -> frozenset[str]:
        """Those of the carrier's `sids` that a text of the conversation has already."""
        ...

    def awaiting_status(self, before: datetime, limit: int, behind: OpenText | None) -> Sequence[OpenText]:
        """Texts handed over before that moment, of which nothing was heard since."""
        ...

    def uncounted(self, before: datetime, limit: int, behind: OpenText | None) -> Sequence[OpenText]:
        """Texts handed over before that moment that have ended, and are not counted by the carrier."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what."""

    sent_within: timedelta = timedelta(seconds=30)
    """From before the last look. Who was stopped for longer must not send: somebody else may be about to."""
    abandoned_after: timedelta = timedelta(seconds=60)
    """A hand-over without an outcome by then was begun by somebody who died: above `sent_within` and the
    carrier's time-outs together."""
    doubt_asked_after: timedelta = timedelta(seconds=30)
    """Before asking the carrier about a text in doubt: a report may yet settle it."""
    status_asked_after: timedelta = timedelta(hours=1)
    count_asked_after: timedelta = timedelta(minutes=1)
    """Before asking what a text costs that has ended."""
    unknown_after: timedelta = timedelta(hours=72)
    settle_every: timedelta = timedelta(seconds=5)
    asked_again_after: timedelta = timedelta(minutes=5)


@dataclass(slots=True)
class _Round:
    """Goes through one list of the view, page by page, and then again from its beginning.

    So however many texts there are that a carrier does not tell of, the others have their turn.
    """

    texts: Callable[[datetime, int, OpenText | None], Sequence[OpenText]]
    waited: timedelta
    """How long the texts on it have waited at least."""
    work: Callable[[OpenText], None]
    last: OpenText | None = None
    """Of the page before; none: begin at the beginning."""
    begun: list[Future[None]] = field(default_factory=list)

    def page(self, now: datetime) -> Sequence[OpenText]:
        """The next texts, as many as there is room for beside those under way."""
        self.begun = [one for one in self.begun if not one.done()]
        room = ASKED_MAX - len(self.begun)
        if room == 0:
            return ()
        page = self.texts(now - self.waited, room, self.last)
        self.last = page[-1] if len(page) == room else None
        return page


class Settler:
    """Looks for such texts now and then, and settles them in threads of its own.

    Its times are of the wall clock, as those in the view are; where that jumps, whichever way, it looks anew.
    """

    def __init__(
        self,
        texts: UnsettledTexts,
        door: CommandDoor,
        carriers: Carriers,
        clock: Callable[[], datetime],
        patience: Patience,
        in_hand: Container[UUID],
    ) -> None:
        """`in_hand`: texts that are being handed over here: whatever the clock says, not abandoned."""
        self._texts = texts
        self._door = door
        self._carriers = carriers
        self._clock = clock
        self._patience = patience
        self._rounds = (
            _Round(texts.dispatching, patience.abandoned_after, self._doubt),
            _Round(texts.in_doubt, patience.doubt_asked_after, self._ask),
            _Round(texts.awaiting_status, patience.status_asked_after, self._ask),
            _Round(texts.uncounted, patience.count_asked_after, self._ask),
        )
        self._in_hand = in_hand
        self._pool = ThreadPoolExecutor(ASKING_AT_ONCE, thread_name_prefix="settle")
        self._under_way: set[UUID] = set()
        self._looked_at: datetime | None = None
        self._asked_at: dict[UUID, datetime] = {}
        self._choosing = threading.Lock()
        self._taken: dict[str, UUID] = {}
        """The sids that texts in doubt were settled with, by which, until the view knows it: a text that
        could not be settled, because nothing could be stored, finds its own again."""

    def stop(self) -> None:
        """Finish what is under way."""
        self._pool.shutdown()

    def look(self, now: datetime) -> None:
        """Begin what is to be done, if it is time to look again. From one thread."""
        patience = self._patience
        if self._looked_at is not None and abs(now - self._looked_at) < patience.settle_every:
            return
        self._looked_at = now
        again_after = patience.asked_again_after
        self._asked_at = {text: at for text, at in self._asked_at.items() if abs(now - at) < again_after}
        for round_ in self._rounds:
            for text in round_.page(now):
                if text.text_id not in self._under_way and text.text_id not in self._in_hand:
                    self._under_way.add(text.text_id)
                    round_.begun.append(self._pool.submit(self._guarded, round_.work, text))

    def _guarded(self, work: Callable[[OpenText], None], text: OpenText) -> None:
        about = {"text_id": str(text.text_id), **tracing.named(text.traceparent)}
        try:
            work(text)
        except (Busy, Unavailable):
            log.warning("settling_postponed", **about)  # it is still in the view
        except Exception:
            log.exception("settling_failed", **about)
        finally:
            self._under_way.discard(text.text_id)

    def _doubt(self, text: OpenText) -> None:
        self._put(handover.doubt(text, "The hand-over was cut short."))

    def _ask(self, text: OpenText) -> None:
        now = self._clock()
        if text.text_id in self._asked_at:
            return
        self._asked_at[text.text_id] = now
        messages = self._carriers.find(text.carrier, text.number, text.since - CLOCKS_APART_MAX)
        if isinstance(messages, Unknown):
            pass  # asked again at the next look
        elif text.state in ("sent", "uncounted"):
            for message in messages:
                if message.sid == text.sid:
                    self._put(handover.progress(text, message))
        else:
            self._settle_doubt(text, messages)
            return
        if now - text.since >= self._patience.unknown_after:
            self._put(handover.give_up(text))

    def _settle_doubt(self, text: OpenText, messages: Collection[Found]) -> None:
        """The latest of `messages` that says the same is ours, unless another text that says it has it."""
        alike = [message for message in messages if _may_be(text, message)]
        alike.sort(key=lambda message: message.created_at, reverse=True)
        with self._choosing:  # two texts in doubt must not both take the same one
            taken = {sid for sid, by in self._taken.items() if by != text.text_id}
            known = self._texts.known(text.conversation, [m.sid for m in alike]) | taken
            ours = next((message for message in alike if message.sid not in known), None)
            if ours is not None:
                self._taken[ours.sid] = text.text_id
        self._put(handover.absent(text) if ours is None else handover.found(text, ours))

    def _put(self, command: Command) -> None:
        self._door.put(command).result()


def _may_be(text: OpenText, message: Found) -> bool:
    """Whether it says the same, from the same number; which of its numbers a service chose, only it knows."""
    from_us = message.sender == text.sender or not (text.sender or "").startswith("+")
    return from_us and message.body == text.body
