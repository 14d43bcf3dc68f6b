"""Texts in doubt, while their settling cannot always be stored, or their carrier is away."""

import threading
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from consumers.carriers.carrier import Found, Outcome, OutgoingText, Unknown
from consumers.settling import ASKED_MAX, Patience, Settler
from projections.shapes import OpenText
from schemas.commands import Command, RecordHandover
from schemas.door import Unavailable
from schemas.receipts import Answer
from tests.consumers.waiting_texts import NOON, text
from tests.support.sayso import eventually

LOOK_AGAIN = Patience().asked_again_after + timedelta(seconds=1)


class View:
    """A view that shows these texts in doubt, for ever."""

    def __init__(self, *texts: OpenText) -> None:
        self.texts = texts
        self.limits: list[int] = []

    def dispatching(self, before: datetime, limit: int, behind: OpenText | None) -> Sequence[OpenText]:
        return ()

    def in_doubt(self, before: datetime, limit: int, behind: OpenText | None) -> Sequence[OpenText]:
        self.limits.append(limit)
        begin = 0 if behind is None else self.texts.index(behind) + 1
        return self.texts[begin : begin + limit]

    def awaiting_status(self, before: datetime, limit: int, behind: OpenText | None) -> Sequence[OpenText]:
        return ()

    def uncounted(self, before: datetime, limit: int, behind: OpenText | None) -> Sequence[OpenText]:
        return ()

    def known(self, conversation: str, sids: Collection[str]) -> frozenset[str]:
        return frozenset()


class Lists:
    """A carrier that has these texts."""

    def __init__(self, *found: Found) -> None:
        self.found = found

    def send(self, text: OutgoingText) -> Outcome:
        raise AssertionError("nobody hands anything over here")

    def find(self, carrier: str, to: str, since: datetime) -> tuple[Found, ...] | Unknown:
        return self.found

    def failing(self) -> frozenset[str]:
        return frozenset()


class OneIsAway(Lists):
    """Of two carriers, the one that is away says nothing, and that only once it is `let_go`."""

    def __init__(self, *found: Found, let_go: threading.Event) -> None:
        super().__init__(*found)
        self.let_go = let_go

    def find(self, carrier: str, to: str, since: datetime) -> tuple[Found, ...] | Unknown:
        if carrier == "away":
            self.let_go.wait()
            return Unknown("no answer")
        return self.found


class Door:
    """Takes what is settled in, unless it is `shut`."""

    def __init__(self) -> None:
        self.shut = False
        self.tried: list[RecordHandover] = []

    async def submit(self, command: Command, wait_s: float) -> Answer | None:
        raise AssertionError("a worker's own steps are put")

    def put(self, command: Command) -> "Future[Answer]":
        assert isinstance(command, RecordHandover)
        self.tried.append(command)
        if self.shut:
            raise Unavailable("The command could not be stored; nothing was done.")
        done: Future[Any] = Future()
        done.set_result(None)
        return done


def doubted(n: int) -> OpenText:
    return text(n, state="in_doubt", due_at=None, attempt=1)


def listed(sid: str, of: OpenText) -> Found:
    return Found(sid, "queued", of.body, of.sender, 1, NOON, None, None)


def outcomes(door: Door) -> list[tuple[int, str]]:
    return [(command.text_id.int, command.result.outcome) for command in door.tried]


def test_a_text_that_could_not_be_settled_is_found_again() -> None:
    """P3: else it would count as never arrived, and be sent once more."""
    door, one = Door(), doubted(1)
    settler = Settler(View(one), door, Lists(listed("SM1", one)), lambda: NOON, Patience(), ())
    door.shut = True
    settler.look(NOON)
    eventually(lambda: door.tried)
    door.shut = False
    later = count(1)

    def tried_again() -> bool:
        settler.look(NOON + next(later) * LOOK_AGAIN)  # it does nothing while the first try is under way
        return len(door.tried) > 1

    eventually(tried_again)
    settler.stop()
    assert set(outcomes(door)) == {(1, "handed_over")}


def test_what_one_text_was_settled_with_is_not_anothers() -> None:
    """P3: of two with the same words one arrived."""
    door, one, two = Door(), doubted(1), doubted(2)
    settler = Settler(View(one, two), door, Lists(listed("SM1", one)), lambda: NOON, Patience(), ())
    settler.look(NOON)
    settler.stop()
    assert sorted(outcome for _, outcome in outcomes(door)) == ["handed_over", "not_taken"]


def test_texts_of_a_carrier_that_is_away_hold_no_others_up() -> None:
    """P3: however many they are, and although they are asked about again and again."""
    door, let_go = Door(), threading.Event()
    away = [replace(doubted(n), carrier="away") for n in range(2, ASKED_MAX + 2)]
    one = doubted(1)
    carriers = OneIsAway(listed("SM1", one), let_go=let_go)
    view = View(*away, one)
    settler = Settler(view, door, carriers, lambda: NOON, Patience(), ())
    settler.look(NOON)
    settler.look(NOON + LOOK_AGAIN)
    assert view.limits == [ASKED_MAX]  # no more than so many are under way
    let_go.set()
    later = count(2)

    def settled() -> bool:
        settler.look(NOON + next(later) * LOOK_AGAIN)
        return bool(door.tried)

    eventually(settled)
    settler.stop()
    assert (1, "handed_over") in outcomes(door)
