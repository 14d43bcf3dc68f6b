"""Whose text goes next.

Answers to keywords go first, then what was written to one candidate, then bulk; every `LAST_FIRST`th turn
goes the other way round, so that nothing waits for ever. Among texts of one kind, accounts take turns by
segments: the account that had the fewest goes next, and one that comes new goes at once. A text whose
sender's limit holds it up holds up no other account's.

Nothing here reads a clock or a view: both are given, so that every order can be tried out.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import NamedTuple
from uuid import UUID

from consumers.handover import ASKED_ANEW_AFTER_S
from consumers.rates import Rates, Way
from projections.shapes import URGENCIES, OpenText

LAST_FIRST = 8

Place = tuple[str, int]
"""An account, and how urgent its texts are."""


def place_of(text: OpenText) -> Place:
    """Whose turn it is when it is this text's."""
    return text.account, text.urgency


def way_of(text: OpenText) -> Way:
    """Whose limits it meets."""
    return text.carrier, text.sender


class _Begun(NamedTuple):
    """A text that was given out, as it was then."""

    attempt: int
    due_at: datetime | None
    until_s: float | None
    """When it may be given out again though nothing has changed; none while it is under way."""


@dataclass(slots=True)
class _Standing:
    """One account's texts of one urgency."""

    place: Place
    begun: dict[UUID, _Begun] = field(default_factory=dict)
    """Those that were given out, until the view no longer shows them as they were."""
    lanes: "dict[Way, _Lane]" = field(default_factory=dict)
    served: float = 0.0
    """How many segments it has had, counted from where all stood when it came."""


@dataclass(slots=True)
class _Lane:
    """Those of its texts that go one way."""

    standing: _Standing
    texts: deque[OpenText] = field(default_factory=deque)
    queued: bool = False
    """Whether it stands in line, or rests: else it is out."""


class Turns:
    """Texts that are due, as far as they were read, and the order in which they leave. For one thread."""

    def __init__(self, rates: Rates, under_way_max: int) -> None:
        """`under_way_max`: of one account, so that a carrier that hangs leaves room for others."""
        self._rates = rates
        self._under_way_max = under_way_max
        self._standings: dict[Place, _Standing] = {}
        self._lines: dict[int, list[_Ticket]] = {urgency: [] for urgency in URGENCIES}
        self._resting: list[_Ticket] = []
        """By when they come back."""
        self._served: dict[int, float] = dict.fromkeys(URGENCIES, 0.0)
        self._under_way: Counter[str] = Counter()
        self._full: dict[str, list[_Lane]] = {}
        """Of accounts that have as many under way as they may."""
        self._carriers_free_s: dict[str, float] = {}
        self.taken = 0
        """How many turns there were."""
        self._tickets = count()

    # --- what is due ------------------------------------------------------------------------------

    def take_in_all(self, texts: Iterable[OpenText], now_s: float) -> None:
        """These are all texts that are due."""
        by_place: dict[Place, list[OpenText]] = {place: [] for place in self._standings}
        for text in texts:
            by_place.setdefault(place_of(text), []).append(text)
        for place, theirs in by_place.items():
            self.take_in(place, theirs, now_s, whole=True)

    def take_in(self, place: Place, texts: list[OpenText], now_s: float, *, whole: bool) -> None:
        """These are the texts of `place` that are longest due, or all of them (`whole`)."""
        standing = self._standings.setdefault(place, _Standing(place))
        there = {text.text_id for text in texts}
        last = None if whole or not texts else texts[-1].due_at
        standing.begun = {
            text_id: begun
            for text_id, begun in standing.begun.items()
            if begun.until_s is None or text_id in there or not (whole or _within(begun, last))
        }
        by_way: dict[Way, deque[OpenText]] = {way: deque() for way in standing.lanes}
        for text in texts:
            if _is_new(text, standing.begun.get(text.text_id), now_s):
                by_way.setdefault(way_of(text), deque()).append(text)
        for way, theirs in by_way.items():
            self._fill(standing, way, theirs)
        if not standing.lanes and not standing.begun:
            del self._standings[place]

    def _fill(self, standing: _Standing, way: Way, texts: deque[OpenText]) -> None:
        lane = standing.lanes.setdefault(way, _Lane(standing))
        lane.texts = texts
        if not texts:
            lane.queued = False  # where it still stands in line, it is passed over
            del standing.lanes[way]
        elif not lane.queued:
            lane.queued = True
            self._carriers_free_s.setdefault(way[0], 0.0)
            self._come_back(lane)

    @property
    def places(self) -> list[Place]:
        """Where texts stand, or were given out."""
        return list(self._standings)

    def held(self, place: Place) -> int:
        """How many texts of `place` are here."""
        standing = self._standings.get(place)
        return 0 if standing is None else sum(len(lane.texts) for lane in standing.lanes.values())

    def begun(self, place: Place) -> int:
        """How many texts of `place` were given out, and may still be shown as due."""
        standing = self._standings.get(place)
        return 0 if standing is None else len(standing.begun)

    @property
    def all_begun(self) -> int:
        """How many texts were given out, and may still be shown as due."""
        return sum(len(standing.begun) for standing in self._standings.values())

    # --- turns ------------------------------------------------------------------------------------

    def next(self, now_s: float) -> OpenText | None:
        """The text whose turn it is, with its tokens taken; none, if none may leave just now."""
        while self._resting and self._resting[0][0] <= now_s:
            *_, rested = heappop(self._resting)
            self._come_back(rested)
        for urgency in URGENCIES if (self.taken + 1) % LAST_FIRST else URGENCIES[::-1]:
            while not self._no_carrier(now_s) and (lane := self._first(urgency)) is not None:
                text = lane.texts[0]
                wait_s = self._wait_s(text, now_s)
                if wait_s == 0:
                    self._give_out(lane)
                    return text
                if self._no_carrier(now_s):
                    self._push(self._lines[urgency], lane.standing.served, lane)
                else:
                    self._push(self._resting, now_s + wait_s, lane)
        return None

    def ended(self, text: OpenText, now_s: float, *, again: bool = False) -> None:
        """What was given out is no longer under way.

        It waits as before, and comes `again` after a while; else the view will show it otherwise or not at
        all, however far behind it is.
        """
        self._under_way[text.account] -= 1
        if not self._under_way[text.account]:
            del self._under_way[text.account]
        begun = self._standings[place_of(text)].begun
        until_s = now_s + ASKED_ANEW_AFTER_S if again else inf
        begun[text.text_id] = begun[text.text_id]._replace(until_s=until_s)
        for waiting in self._full.pop(text.account, ()):
            self._come_back(waiting)

    def free_in_s(self, now_s: float) -> float | None:
        """In how many seconds a text may leave that may not now; none: nothing waits for tokens."""
        if self.ready(1):
            return max(min(self._carriers_free_s.values()) - now_s, 0.0)
        return max(self._resting[0][0] - now_s, 0.0) if self._resting else None

    def ready(self, enough: int) -> int:
        """How many texts wait for no sender's limit; counted until they are `enough`."""
        ready = 0
        for line in self._lines.values():
            for _, _, lane in line:
                ready += len(lane.texts) if lane.queued else 0
                if ready >= enough:
                    return ready
        return ready

    def held_up(self, now_s: float) -> int:
        """How many of the texts that are here are held up by a limit. From any thread."""
        heaps = [self._resting, *(self._lines.values() if self._no_carrier(now_s) else ())]
        return sum(len(lane.texts) for heap in heaps for _, _, lane in list(heap) if lane.queued)

    def _no_carrier(self, now_s: float) -> bool:
        return all(now_s < free_s for free_s in list(self._carriers_free_s.values()))

    def _wait_s(self, text: OpenText, now_s: float) -> float:
        """Take the text's tokens; how long to wait where there are none."""
        way = way_of(text)
        wait_s = self._carriers_free_s[text.carrier] - now_s
        if wait_s > 0:
            return wait_s
        wait_s = self._rates.sender_wait_s(way, text.segments, now_s)
        if wait_s > 0:
            return wait_s
        wait_s = self._rates.take(way, text.segments, now_s)
        if wait_s > 0:
            self._carriers_free_s[text.carrier] = now_s + wait_s
        return wait_s

    def _first(self, urgency: int) -> _Lane | None:
        """The lane of that urgency whose turn it is, taken out of line."""
        line = self._lines[urgency]
        while line:
            by, _, lane = heappop(line)
            account = lane.standing.place[0]
            if not lane.queued:
                continue
            if by < lane.standing.served:  # its account had a turn by another way meanwhile
                self._push(line, lane.standing.served, lane)
            elif self._under_way[account] >= self._under_way_max:
                self._full.setdefault(account, []).append(lane)
            else:
                return lane
        return None

    def _give_out(self, lane: _Lane) -> None:
        standing, text = lane.standing, lane.texts.popleft()
        urgency = standing.place[1]
        standing.begun[text.text_id] = _Begun(text.attempt, text.due_at, None)
        self._under_way[text.account] += 1
        self.taken += 1
        self._served[urgency] = standing.served
        standing.served += text.segments
        if lane.texts:
            self._push(self._lines[urgency], standing.served, lane)
        else:
            lane.queued = False

    def _come_back(self, lane: _Lane) -> None:
        """Into line: whoever was away has saved nothing up."""
        standing = lane.standing
        urgency = standing.place[1]
        standing.served = max(standing.served, self._served[urgency])
        self._push(self._lines[urgency], standing.served, lane)

    def _push(self, heap: "list[_Ticket]", by: float, lane: _Lane) -> None:
        heappush(heap, (by, next(self._tickets), lane))  # among equals, who came first


_Ticket = tuple[float, int, _Lane]


def _within(begun: _Begun, last: datetime | None) -> bool:
    """Whether a page of texts that ends at `last` would hold it, if it still stood there."""
    return last is not None and begun.due_at is not None and begun.due_at < last


def _is_new(text: OpenText, begun: _Begun | None, now_s: float) -> bool:
    if begun is None:
        return True
    if begun.until_s is None:
        return False
    return now_s >= begun.until_s or (text.attempt, text.due_at) != (begun.attempt, begun.due_at)
