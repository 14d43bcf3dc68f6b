"""Reading what is due, a little at a time, whatever waits behind it; and when to look again.

The wall clock only says what is due, and may jump. All waiting is done by a monotonic clock, in seconds, and
never for longer than IDLE_S_MAX: a clock that was put back or forward delays nothing that is due by it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from consumers.turns import Turns
from projections.shapes import URGENCIES, OpenText, Urgency, Waiting

DUE_MAX = 128
"""If no more than that is due, all of it is read; else, of each account the first ones."""
ACCOUNTS_PER_PAGE = 200
IDLE_S_MAX = 1.0
"""How late a due text is noticed if nothing tells of it."""
READ_EVERY_S = 0.02
"""The view is read no more often, however often it changes."""
READ_BUSY_EVERY_S = 0.1
"""Nor this often for what is new, where texts are at hand. So long may one wait that goes before them."""
PAGES_PER_LOOK = 10
"""So a look visits at most 2,000 accounts, in some 50 ms; the next look goes on from there."""


class DueTexts(Protocol):
    """The view of texts that wait. Every list is at most `limit` long."""

    def due(self, now: datetime, limit: int) -> Iterable[OpenText]:
        """Texts to hand over now, the longest due first."""
        ...

    def due_of(self, account: str, urgency: Urgency, now: datetime, limit: int) -> Iterable[OpenText]:
        """As `due`, but of one account, and of one urgency."""
        ...

    def waiting(self, after: str, limit: int) -> Iterable[Waiting]:
        """Accounts with texts that wait, now or for later, by name; those whose names come after `after`."""
        ...

    def next_due(self, after: datetime) -> datetime | None:
        """When the first text after that moment is due."""
        ...


class DueReader:
    """Keeps `turns` supplied with what is due. From one thread."""

    def __init__(self, texts: DueTexts, turns: Turns, lane_max: int) -> None:
        """`lane_max`: how many texts of an account, and of an urgency, are held at once."""
        self._texts = texts
        self._turns = turns
        self._lane_max = lane_max
        self._after = ""
        self._read_at_s = -IDLE_S_MAX
        self._turns_before = 0
        self.whole = True
        """Whether the last reading held all that is due."""
        self.next_due: datetime | None = None
        """When the first text after the last reading is due."""

    def wait_s(self, now: datetime, now_s: float, *, changed: bool, hands: int) -> float:
        """In how many seconds to read again; 0: now.

        `changed`: whether the view has, since; `hands`: how many texts can be handed over at once.
        """
        since_s, ready = now_s - self._read_at_s, self._turns.ready(hands)
        waits_s = [IDLE_S_MAX - since_s]
        if changed or self._after != "":  # or there are accounts that the last reading did not come to
            waits_s.append((READ_BUSY_EVERY_S if ready or not self.whole else READ_EVERY_S) - since_s)
        if not self.whole and ready < hands and self._turns.taken > self._turns_before:
            waits_s.append(READ_EVERY_S - since_s)
        if self.next_due is not None:
            waits_s.append(max((self.next_due - now).total_seconds(), READ_EVERY_S - since_s))
        return max(min(waits_s), 0.0)

    def read(self, now: datetime, now_s: float) -> None:
        """Look. Moments in the view are the wall clock's (`now`), those of limits a monotonic clock's."""
        self._read_at_s, self._turns_before = now_s, self._turns.taken
        if self.whole:
            limit = DUE_MAX + self._turns.all_begun
            texts = list(self._texts.due(now, limit))
            self.whole = len(texts) < limit
            if self.whole:
                self._turns.take_in_all(texts, now_s)
        if not self.whole:
            self.whole = self._read_by_account(now, now_s)
        self.next_due = self._texts.next_due(now)

    def _read_by_account(self, now: datetime, now_s: float) -> bool:
        """Whether that was all that is due."""
        whole = self._after == ""
        for _ in range(PAGES_PER_LOOK):
            before = self._after
            page = list(self._texts.waiting(before, ACCOUNTS_PER_PAGE))
            at_end = len(page) < ACCOUNTS_PER_PAGE
            self._after = "" if at_end else page[-1].account
            due = {
                (waiting.account, urgency)
                for waiting in page
                for urgency in URGENCIES
                if _is_due(waiting.due_at[urgency], now)
            }
            for account, urgency in due:
                whole &= self._supply(account, urgency, now, now_s)
            for place in self._turns.places:
                if place not in due and before < place[0] and (at_end or place[0] <= self._after):
                    self._turns.take_in(place, [], now_s, whole=True)
            if at_end:
                return whole
        return False

    def _supply(self, account: str, urgency: Urgency, now: datetime, now_s: float) -> bool:
        """Whether all that is due there is at hand now."""
        place = (account, urgency)
        if 2 * self._turns.held(place) >= self._lane_max:
            return False
        limit = self._lane_max + self._turns.begun(place)
        texts = list(self._texts.due_of(account, urgency, now, limit))
        self._turns.take_in(place, texts, now_s, whole=len(texts) < limit)
        return len(texts) < limit


def _is_due(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
