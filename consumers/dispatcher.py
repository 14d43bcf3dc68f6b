"""The dispatcher: hands texts that are due to the carrier, and settles those whose end is not known.

It remembers nothing that matters: what is due, under way or in doubt stands in the view of open texts.
"""

import threading
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol
from uuid import UUID

import structlog

from consumers import handover
from consumers.carriers.carrier import Carrier, Found, Unknown
from projections.shapes import OpenText
from schemas import tracing
from schemas.commands import Command
from schemas.door import Busy, CommandDoor, Unavailable
from schemas.events import CommandAccepted
from schemas.receipts import Answer

log = structlog.get_logger()

IDLE_S_MAX = 1.0
"""How late a due text is noticed if nothing wakes the dispatcher."""
ASKED_MAX = 200
"""How many texts are asked after at one look."""
CLOCKS_APART_MAX = timedelta(hours=25)
"""Between the carrier's clock and ours, which may have been wrong by a day when the hand-over began. What was
said before in the same words is told apart by its sid, not by its time."""


class OpenTexts(Protocol):
    """The view of texts whose end is not known. Every list is at most `limit` long."""

    def due(self, now: datetime, limit: int) -> Iterable[OpenText]:
        """Texts to hand over now, the longest due first."""
        ...

    def next_due(self) -> datetime | None:
        """When the next text is due."""
        ...

    def dispatching(self, before: datetime, limit: int) -> Iterable[OpenText]:
        """Texts whose hand-over began before that moment, and whose outcome was never recorded."""
        ...

    def in_doubt(self, before: datetime, limit: int) -> Iterable[OpenText]:
        """Texts in doubt since before that moment."""
        ...

    def known(self, conversation: str, sids: Collection[str]) -> frozenset[str]:
        """Those of the carrier's `sids` that a text of the conversation has already."""
        ...

    def awaiting_status(self, before: datetime, limit: int) -> Iterable[OpenText]:
        """Texts handed over before that moment, of which nothing was heard since."""
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
    unknown_after: timedelta = timedelta(hours=72)
    settle_every: timedelta = timedelta(seconds=5)
    asked_again_after: timedelta = timedelta(minutes=5)


class Dispatcher:
    """One thread that looks for work, and several that talk to the carrier."""

    def __init__(
        self,
        open_texts: OpenTexts,
        door: CommandDoor,
        carrier: Carrier,
        callback: handover.CALLBACK,
        clock: Callable[[], datetime],
        hand_overs_max: int,
        patience: Patience = Patience(),
    ) -> None:
        self._open_texts = open_texts
        self._door = door
        self._carrier = carrier
        self._callback = callback
        self._clock = clock
        self._patience = patience
        self._hand_overs_max = hand_overs_max
        self._pool = ThreadPoolExecutor(hand_overs_max, thread_name_prefix="hand-over")
        self._under_way: set[UUID] = set()
        self._settled_at: datetime | None = None
        self._asked_at: dict[UUID, datetime] = {}
        self._settling = threading.Lock()
        self._taken: set[str] = set()
        """What texts in doubt were settled with, until the view knows it: one at most for each."""
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it looks for work."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There may be work."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the hand-overs under way, and let go."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        self._pool.shutdown()

    # --- looking for work ------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._look()
                idle_s = self._idle_s()
            except Exception:
                log.exception("dispatcher_failed")  # the view may be away for a moment; the texts wait in it
                idle_s = IDLE_S_MAX
            self._wake.wait(idle_s)
            self._wake.clear()

    def _look(self) -> None:
        now = self._clock()
        room = 2 * self._hand_overs_max - len(self._under_way)
        if room > 0:
            self._begin(self._open_texts.due(now, room + len(self._under_way)), self._hand_over)
        if self._settled_at is None or now - self._settled_at >= self._patience.settle_every:
            self._settled_at = now
            self._settle(now)

    def _settle(self, now: datetime) -> None:
        patience = self._patience
        again_at = now - patience.asked_again_after
        self._asked_at = {text: at for text, at in self._asked_at.items() if at > again_at}
        self._begin(self._open_texts.dispatching(now - patience.abandoned_after, ASKED_MAX), self._doubt)
        self._begin(self._open_texts.in_doubt(now - patience.doubt_asked_after, ASKED_MAX), self._ask)
        self._begin(self._open_texts.awaiting_status(now - patience.status_asked_after, ASKED_MAX), self._ask)

    def _begin(self, texts: Iterable[OpenText], work: Callable[[OpenText], None]) -> None:
        for text in texts:
            if text.text_id not in self._under_way:
                self._under_way.add(text.text_id)
                self._pool.submit(self._guarded, work, text)

    def _guarded(self, work: Callable[[OpenText], None], text: OpenText) -> None:
        about = {"text_id": str(text.text_id), **tracing.named(text.traceparent)}
        try:
            work(text)
        except (Busy, Unavailable):
            log.warning("hand_over_postponed", **about)  # it is still in the view
        except Exception:
            log.exception("hand_over_failed", **about)
        finally:
            self._under_way.discard(text.text_id)
            if not self._under_way:
                self._wake.set()

    def _idle_s(self) -> float:
        next_due = self._open_texts.next_due()
        if next_due is None:
            return IDLE_S_MAX
        return min(max((next_due - self._clock()).total_seconds(), 0.005), IDLE_S_MAX)

    # --- doing it --------------------------------------------------------------------------------

    def _hand_over(self, text: OpenText) -> None:
        until_s = monotonic() + self._patience.sent_within.total_seconds()
        answer = self._put(handover.start(text, self._clock()))
        receipt = answer.receipt
        if answer.repeated or not isinstance(receipt, CommandAccepted) or not receipt.result["dispatch"]:
            return  # somebody began before, or the last look said no; the view will tell
        sender = str(receipt.result["sender"])
        outcome = self._carrier.send(handover.outgoing(text, sender, self._callback, until_s))
        self._put(handover.record(text, text.attempt + 1, outcome))

    def _doubt(self, text: OpenText) -> None:
        self._put(handover.doubt(text, "The hand-over was cut short."))

    def _ask(self, text: OpenText) -> None:
        now = self._clock()
        if text.text_id in self._asked_at:
            return
        self._asked_at[text.text_id] = now
        messages = self._carrier.find(text.number, text.since - CLOCKS_APART_MAX)
        if isinstance(messages, Unknown):
            pass  # asked again at the next look
        elif text.state == "sent":
            for message in messages:
                if message.sid == text.sid:
                    self._put(handover.progress(text, message))
        else:
            self._settle_doubt(text, messages)
            return
        if now - text.since >= self._patience.unknown_after:
            self._put(handover.give_up(text))

    def _settle_doubt(self, text: OpenText, messages: Collection[Found]) -> None:
        """One of `messages` with the same words is ours, unless another text with the same words has it."""
        alike = [message for message in messages if message.body == text.body]
        with self._settling:  # two texts in doubt must not both take the same one
            known = self._open_texts.known(text.conversation, [m.sid for m in alike]) | self._taken
            ours = next((message for message in alike if message.sid not in known), None)
            if ours is not None:
                self._taken.add(ours.sid)
        self._put(handover.absent(text) if ours is None else handover.found(text, ours))

    def _put(self, command: Command) -> Answer:
        return self._door.put(command).result()
