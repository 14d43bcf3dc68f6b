"""Whose text goes next.

Answers to keywords go first, then what was written to one candidate, then bulk; every `LAST_FIRST`th turn
goes the other way round, so that nothing waits for ever. Among texts of one kind, accounts take turns by
segments: the account that had the fewest goes next, and one that comes new goes at once. A text whose
sender's limit holds it up holds up no other account's.

Nothing here reads a clock or a view: both are given, so that every order can be tried out.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from math import inf
from typing import NamedTuple
from uuid import UUID

from consumers.handover import ASKED_ANEW_AFTER_S
from consumers.rates import Rates
from projections.shapes import URGENCIES, OpenText

LAST_FIRST = 8

Place = tuple[str, int]
"""An account, and how urgent its texts are."""


def place_of(text: OpenText) -> Place:
    """Where `text` stands in line."""
    return text.account, text.urgency


class _Begun(NamedTuple):
    """A text that was given out, as it was then."""

    attempt: int
    due_at: datetime | None
    until_s: float | None
    """When it may be given out again though nothing has changed; none while it is under way."""


@dataclass(slots=True)
class _Lane:
    """The texts of one place."""

    place: Place
    texts: deque[OpenText] = field(default_factory=deque)
    begun: dict[UUID, _Begun] = field(default_factory=dict)
    """Those that were given out, until the view no longer shows them as they were."""
    served: float = 0.0
    """How many segments it has had, counted from where all stood when it came."""
    queued: bool = False
    """Whether it stands in line, or rests: else it is out."""


class Turns:
    """Texts that are due, as far as they were read, and the order in which they leave. For one thread."""

    def __init__(self, rates: Rates, under_way_max: int) -> None:
        """`under_way_max`: of one account, so that a carrier that hangs leaves room for others."""
        self._rates = rates
        self._under_way_max = under_way_max
        self._lanes: dict[Place, _Lane] = {}
        self._lines: dict[int, list[tuple[float, int, _Lane]]] = {urgency: [] for urgency in URGENCIES}
        self._resting: list[tuple[float, int, _Lane]] = []
        """By when they come back."""
        self._served: dict[int, float] = dict.fromkeys(URGENCIES, 0.0)
        self._under_way: Counter[str] = Counter()
        self._full: dict[str, list[_Lane]] = {}
        """Of accounts that have as many under way as they may."""
        self.taken = 0
        """How many turns there were."""
        self._ticket = 0
        self._carrier_free_s = 0.0

    # --- what is due ------------------------------------------------------------------------------

    def take_in_all(self, texts: Iterable[OpenText], now_s: float) -> None:
        """These are all texts that are due."""
        by_place: dict[Place, list[OpenText]] = {place: [] for place in self._lanes}
        for text in texts:
            by_place.setdefault(place_of(text), []).append(text)
        for place, theirs in by_place.items():
            self.take_in(place, theirs, now_s, whole=True)

    def take_in(self, place: Place, texts: list[OpenText], now_s: float, *, whole: bool) -> None:
        """These are the texts of `place` that are longest due, or all of them (`whole`)."""
        lane = self._lanes.setdefault(place, _Lane(place))
        there = {text.text_id for text in texts}
        last = None if whole or not texts else texts[-1].due_at
        lane.begun = {
            text_id: begun
            for text_id, begun in lane.begun.items()
            if begun.until_s is None or text_id in there or not (whole or _within(begun, last))
        }
        lane.texts = deque(text for text in texts if _is_new(text, lane.begun.get(text.text_id), now_s))
        if lane.texts:
            self._stand_in_line(lane)
        elif not lane.begun:
            lane.queued = False  # where it still stands in line, it is passed over
            del self._lanes[place]

    @property
    def places(self) -> list[Place]:
        """Where texts stand, or were given out."""
        return list(self._lanes)

    def held(self, place: Place) -> int:
        """How many texts of `place` are here."""
        lane = self._lanes.get(place)
        return 0 if lane is None else len(lane.texts)

    def begun(self, place: Place) -> int:
        """How many texts of `place` were given out, and may still be shown as due."""
        lane = self._lanes.get(place)
        return 0 if lane is None else len(lane.begun)

    @property
    def all_begun(self) -> int:
        """How many texts were given out, and may still be shown as due."""
        return sum(len(lane.begun) for lane in self._lanes.values())

    # --- turns ------------------------------------------------------------------------------------

    def next(self, now_s: float) -> OpenText | None:
        """The text whose turn it is, with its tokens taken; none, if none may leave just now."""
        self._wake_up(now_s)
        if now_s < self._carrier_free_s:
            return None
        for urgency in URGENCIES if (self.taken + 1) % LAST_FIRST else URGENCIES[::-1]:
            for lane in self._in_line(urgency):
                text = lane.texts[0]
                wait_s = self._rates.sender_wait_s(text.sender, text.segments, now_s)
                if wait_s > 0:
                    self._push(self._resting, now_s + wait_s, lane)
                    continue
                wait_s = self._rates.take(text.sender, text.segments, now_s)
                if wait_s > 0:
                    self._push(self._lines[urgency], lane.served, lane)
                    self._carrier_free_s = now_s + wait_s
                    return None
                self._give_out(lane, text)
                return text
        return None

    def ended(self, text: OpenText, now_s: float, *, again: bool = False) -> None:
        """What was given out is no longer under way.

        It waits as before, and comes `again` after a while; else the view will show it otherwise or not at
        all, however far behind it is.
        """
        self._under_way[text.account] -= 1
        if not self._under_way[text.account]:
            del self._under_way[text.account]
        lane = self._lanes[place_of(text)]
        until_s = now_s + ASKED_ANEW_AFTER_S if again else inf
        lane.begun[text.text_id] = lane.begun[text.text_id]._replace(until_s=until_s)
        for waiting in self._full.pop(text.account, ()):
            self._come_back(waiting)

    def free_in_s(self, now_s: float) -> float | None:
        """In how many seconds a text may leave that may not now; none: nothing waits for tokens."""
        if any(lane.queued and lane.texts for line in self._lines.values() for _, _, lane in line):
            return max(self._carrier_free_s - now_s, 0.0)
        return max(self._resting[0][0] - now_s, 0.0) if self._resting else None

    def ready(self, enough: int) -> int:
        """How many texts wait for nothing but a free hand; counted until they are `enough`."""
        ready = 0
        for line in self._lines.values():
            for _, _, lane in line:
                ready += len(lane.texts) if lane.queued else 0
                if ready >= enough:
                    return ready
        return ready

    def held_up(self, now_s: float) -> int:
        """How many of the texts that are here are held up by a limit. From any thread."""
        if now_s < self._carrier_free_s:
            return sum(len(lane.texts) for lane in list(self._lanes.values()))
        return sum(len(lane.texts) for _, _, lane in list(self._resting))

    def _in_line(self, urgency: int) -> Iterator[_Lane]:
        """Lanes of that urgency that may go, in their order; each is taken out of line."""
        line = self._lines[urgency]
        while line:
            _, _, lane = heappop(line)
            if not lane.queued:
                continue
            if not lane.texts:
                lane.queued = False
            elif self._under_way[lane.place[0]] >= self._under_way_max:
                self._full.setdefault(lane.place[0], []).append(lane)
            else:
                yield lane

    def _give_out(self, lane: _Lane, text: OpenText) -> None:
        urgency = lane.place[1]
        lane.texts.popleft()
        lane.begun[text.text_id] = _Begun(text.attempt, text.due_at, None)
        self._under_way[text.account] += 1
        self.taken += 1
        self._served[urgency] = lane.served
        lane.served += text.segments
        if lane.texts:
            self._push(self._lines[urgency], lane.served, lane)
        else:
            lane.queued = False

    def _stand_in_line(self, lane: _Lane) -> None:
        if not lane.queued:
            lane.queued = True
            self._come_back(lane)

    def _come_back(self, lane: _Lane) -> None:
        """Into line: whoever was away has saved nothing up."""
        urgency = lane.place[1]
        lane.served = max(lane.served, self._served[urgency])
        self._push(self._lines[urgency], lane.served, lane)

    def _wake_up(self, now_s: float) -> None:
        while self._resting and self._resting[0][0] <= now_s:
            _, _, lane = heappop(self._resting)
            if lane.queued:
                self._come_back(lane)

    def _push(self, heap: list[tuple[float, int, _Lane]], by: float, lane: _Lane) -> None:
        self._ticket += 1  # among equals, who came first
        heappush(heap, (by, self._ticket, lane))


def _within(begun: _Begun, last: datetime | None) -> bool:
    """Whether a page of texts that ends at `last` would hold it, if it still stood there."""
    return last is not None and begun.due_at is not None and begun.due_at < last


def _is_new(text: OpenText, begun: _Begun | None, now_s: float) -> bool:
    if begun is None:
        return True
    if begun.until_s is None:
        return False
    return now_s >= begun.until_s or (text.attempt, text.due_at) != (begun.attempt, begun.due_at)
