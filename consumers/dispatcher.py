"""The dispatcher: hands texts that are due to the carrier, in their turn and no faster than limits allow.

It remembers nothing that matters: what is due, under way or in doubt stands in the view of open texts.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from consumers import handover
from consumers.carriers.carrier import Carriers, Outcome
from consumers.due import IDLE_S_MAX, DueReader, DueTexts
from consumers.rates import Rates
from consumers.settling import Patience, Settler, UnsettledTexts
from consumers.turns import Turns, way_of
from projections.shapes import OpenText
from schemas import tracing
from schemas.base import FIRST_CARRIER
from schemas.door import Busy, CommandDoor, Unavailable
from schemas.events import CommandAccepted, CommandRefused
from schemas.receipts import Answer

log = structlog.get_logger()

LANE_PER_HAND = 4
"""How many texts of one account are held for each that may be handed over at once."""


class OpenTexts(DueTexts, UnsettledTexts, Protocol):
    """The view of texts whose end, or price, is not known."""


class Dispatcher:
    """One thread that looks for work, and several that talk to the carrier."""

    def __init__(
        self,
        open_texts: OpenTexts,
        door: CommandDoor,
        carriers: Carriers,
        callback: handover.CALLBACK,
        clock: Callable[[], datetime],
        hand_overs_max: int,
        rates: Rates,
        patience: Patience,
    ) -> None:
        self._door = door
        self._carriers = carriers
        self._callback = callback
        self._clock = clock
        self._rates = rates
        self._patience = patience
        self._hands = hand_overs_max
        self._turns = Turns(rates, max(hand_overs_max - 1, 1))
        self._due = DueReader(open_texts, self._turns, LANE_PER_HAND * hand_overs_max)
        self._in_hand: set[UUID] = set()
        """Texts whose hand-over is not recorded yet."""
        self._recording: dict[UUID, Future[Answer]] = {}
        self._busy = 0
        """Threads that talk to the carrier."""
        self._answered: deque[tuple[OpenText, bool]] = deque()
        """Texts that need no hand any more, and whether they wait as before; for the one thread."""
        self._settler = Settler(open_texts, door, carriers, clock, patience, self._in_hand)
        self._pool = ThreadPoolExecutor(hand_overs_max, thread_name_prefix="hand-over")
        self._changed = threading.Event()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it looks for work."""
        return self._thread.is_alive()

    @property
    def held_up(self) -> int:
        """How many texts at hand wait for a limit."""
        return self._turns.held_up(time.monotonic())

    @property
    def carrier_rate(self) -> float:
        """Segments a second that the process may hand to the first carrier now, for all its shards."""
        return self._rates.carrier_rate(FIRST_CARRIER, time.monotonic())

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There may be work."""
        self._changed.set()
        self._wake.set()

    def stop(self) -> None:
        """Finish the hand-overs under way, and let go."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        self._pool.shutdown()
        wait(list(self._recording.values()))
        self._settler.stop()

    # --- looking for work ------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                idle_s = self._look()
            except Exception:
                log.exception("dispatcher_failed")  # the view may be away for a moment; the texts wait in it
                idle_s = IDLE_S_MAX
            self._wake.wait(idle_s)
            self._wake.clear()

    def _look(self) -> float:
        """Hand out what may leave; how many seconds to wait, unless somebody calls."""
        now, now_s = self._clock(), time.monotonic()
        self._free_hands(now_s)
        if self._read_in_s(now, now_s) == 0:
            self._changed.clear()
            self._due.read(now, now_s)
        self._hand_out(now_s)
        self._settler.look(now)
        return self._idle_s(now, time.monotonic())

    def _free_hands(self, now_s: float) -> None:
        while self._answered:
            text, again = self._answered.popleft()
            self._turns.ended(text, now_s, again=again)
            self._busy -= 1

    def _hand_out(self, now_s: float) -> None:
        while self._busy < self._hands:
            text = self._turns.next(now_s)
            if text is None:
                break
            self._in_hand.add(text.text_id)
            self._busy += 1
            self._pool.submit(self._guarded, text)

    def _read_in_s(self, now: datetime, now_s: float) -> float:
        return self._due.wait_s(now, now_s, changed=self._changed.is_set(), hands=self._hands)

    def _idle_s(self, now: datetime, now_s: float) -> float:
        read_in_s = self._read_in_s(now, now_s)
        free_in_s = self._turns.free_in_s(now_s) if self._busy < self._hands else None
        return read_in_s if free_in_s is None else min(read_in_s, free_in_s)

    # --- doing it --------------------------------------------------------------------------------

    def _guarded(self, text: OpenText) -> None:
        about = {"text_id": str(text.text_id), **tracing.named(text.traceparent)}
        again = True
        try:
            again = self._hand_over(text)
        except (Busy, Unavailable):
            log.warning("hand_over_postponed", **about)  # it is still in the view
        except Exception:
            log.exception("hand_over_failed", **about)
        finally:
            if text.text_id not in self._recording:
                self._in_hand.discard(text.text_id)
            self._answered.append((text, again))
            self._wake.set()

    def _hand_over(self, text: OpenText) -> bool:
        """The last look and, with no wait in between, the call. Whether the text waits as before."""
        until_s = time.monotonic() + self._patience.sent_within.total_seconds()
        try:
            answer = self._door.put(handover.start(text, self._clock(), self._carriers.failing())).result()
        except (Busy, Unavailable):
            self._rates.give_back(way_of(text), text.segments, time.monotonic())
            raise
        receipt = answer.receipt
        if answer.repeated or not isinstance(receipt, CommandAccepted) or not receipt.result["dispatch"]:
            self._rates.give_back(way_of(text), text.segments, time.monotonic())
            # Accepted: it was begun before, moved or called back. Stale: the view is behind, and will tell.
            return isinstance(receipt, CommandRefused) and receipt.code != "stale"
        sender, carrier = str(receipt.result["sender"]), str(receipt.result["carrier"])
        outcome = self._carriers.send(handover.outgoing(text, sender, carrier, self._callback, until_s))
        self._rates.heard((carrier, sender), outcome, time.monotonic())
        self._record(text, outcome)
        return False

    def _record(self, text: OpenText, outcome: Outcome) -> None:
        """Have it recorded, which a hand need not wait for: it is free when the carrier has answered."""
        recording = self._door.put(handover.record(text, text.attempt + 1, outcome))
        self._recording[text.text_id] = recording
        recording.add_done_callback(lambda recorded: self._recorded(text, recorded))

    def _recorded(self, text: OpenText, recorded: "Future[Answer]") -> None:
        self._in_hand.discard(text.text_id)
        self._recording.pop(text.text_id, None)
        error = recorded.exception()
        if error is not None:  # the outcome is lost: the text counts as abandoned, and is asked after
            log.error("hand_over_unrecorded", text_id=str(text.text_id), exc_info=error)
