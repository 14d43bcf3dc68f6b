"""Reading what is due from a real view with a great many texts in it, by clocks that the test moves."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.due import ACCOUNTS_PER_PAGE, DUE_MAX, IDLE_S_MAX, PAGES_PER_LOOK, READ_EVERY_S, DueReader
from consumers.rates import CarrierRates, Limits, Rates
from consumers.turns import Turns
from projections.shapes import OpenText
from tests.consumers.waiting_texts import NOON, bulk, keyword_answer, put, take_out, text
from tests.projections.views import Views

HANDS = 16


@pytest.fixture
def views(tmp_path: Path) -> Iterator[Views]:
    views = Views.in_folder(tmp_path)
    yield views
    views.close()


class Desk:
    """A reader and its turns over a view, with limits that hold nothing up."""

    def __init__(self, views: Views) -> None:
        self.views = views
        rates = Rates(Limits({"elsewhere": 1e9}), CarrierRates(lambda _: 1e9, 0.0))
        self.turns = Turns(rates, 10**9)
        self.reader = DueReader(views.worklist, self.turns, 4 * HANDS)
        self.now_s = 0.0

    def read(self, now: datetime = NOON) -> None:
        self.now_s += READ_EVERY_S
        self.reader.read(now, self.now_s)

    def hand_over(self, number: int) -> list[OpenText]:
        """The next texts, which leave the view."""
        taken: list[OpenText] = []
        while len(taken) < number and (one := self.turns.next(self.now_s)) is not None:
            taken.append(one)
            self.turns.ended(one, self.now_s)
            take_out(self.views.engine, one)
        return taken


def test_behind_fifty_thousand_texts_of_one_account_anothers_single_text_is_next(views: Views) -> None:
    """Counted in hand-overs: it must not depend on the machine."""
    put(views.engine, [bulk(n, due_at=NOON - timedelta(hours=1)) for n in range(50_000)])
    desk = Desk(views)
    desk.read()
    assert len(desk.hand_over(40)) == 40
    put(views.engine, [text(60_000, "globex"), keyword_answer(60_001), bulk(60_002, "initech")])

    desk.read()

    first = desk.hand_over(4)
    assert {one.text_id.int for one in first[:2]} == {60_000, 60_001}
    assert 60_002 in {one.text_id.int for one in first}


def test_a_backlog_is_worked_off_to_the_last_text(views: Views) -> None:
    texts = [bulk(n, f"account-{n % 7}") for n in range(4 * DUE_MAX)]
    put(views.engine, texts)
    desk, left = Desk(views), []
    for _ in range(100):
        desk.read()
        left += desk.hand_over(HANDS)
    assert sorted(one.text_id for one in left) == sorted(one.text_id for one in texts)
    assert desk.reader.whole


def test_accounts_beyond_one_look_have_their_turn_at_the_next(views: Views) -> None:
    more = PAGES_PER_LOOK * ACCOUNTS_PER_PAGE + 10
    put(views.engine, [bulk(n, f"account-{n:05}") for n in range(more)])
    desk = Desk(views)
    desk.read()
    assert desk.reader.wait_s(NOON, desk.now_s, changed=False, hands=HANDS) < IDLE_S_MAX / 2
    desk.read()
    assert len(desk.turns.places) == more


def test_what_is_called_back_in_a_backlog_is_not_handed_over(views: Views) -> None:
    texts = [bulk(n, f"account-{n % 2}") for n in range(2 * DUE_MAX)]
    put(views.engine, texts)
    desk = Desk(views)
    desk.read()
    for one in texts:
        if one.account == "account-1":
            take_out(views.engine, one)
    desk.read()
    assert {one.account for one in desk.hand_over(1_000)} == {"account-0"}


def test_nothing_is_read_more_often_than_needed(views: Views) -> None:
    desk = Desk(views)
    desk.read()
    wait_s = desk.reader.wait_s
    assert wait_s(NOON, desk.now_s, changed=False, hands=HANDS) == IDLE_S_MAX
    assert wait_s(NOON, desk.now_s, changed=True, hands=HANDS) == pytest.approx(READ_EVERY_S)
    put(views.engine, [text(1, due_at=NOON + timedelta(seconds=0.5))])
    desk.read()
    assert wait_s(NOON, desk.now_s, changed=False, hands=HANDS) == pytest.approx(0.5)


JUMPS = st.lists(
    st.tuples(
        st.floats(0.1, 20),
        st.sampled_from(
            [
                timedelta(hours=-1),
                timedelta(hours=1),
                timedelta(days=-1),
                timedelta(days=1),
                timedelta(seconds=-2),
            ]
        ),
    ),
    max_size=4,
)
AROUND_A_CHANGE_OF_TIME = datetime(2026, 3, 29, 0, 59, 55, tzinfo=NOON.tzinfo)
"""In Europe, summer begins five seconds later. The clock is UTC: nothing must happen."""


@given(jumps=JUMPS, seed=st.integers(0, 2**32), begin=st.sampled_from([NOON, AROUND_A_CHANGE_OF_TIME]))
@settings(max_examples=25)
def test_whatever_the_clock_does_a_text_leaves_within_a_second_of_being_due_by_it(
    tmp_path_factory: pytest.TempPathFactory,
    jumps: list[tuple[float, timedelta]],
    seed: int,
    begin: datetime,
) -> None:
    """And never before, and the view is not read in a frenzy."""
    views = Views.in_folder(tmp_path_factory.mktemp("views"))
    chance = Random(seed)  # noqa: S311  # no secret
    texts = [text(n, due_at=begin + timedelta(seconds=chance.uniform(-1, 30))) for n in range(12)]
    put(views.engine, texts)
    desk = Desk(views)
    elapsed_s, ahead, looks = 0.0, timedelta(0), 0
    due_since: dict[OpenText, float] = {}
    left: dict[OpenText, float] = {}
    pending = list(jumps)
    while elapsed_s < 60:
        now = begin + timedelta(seconds=elapsed_s) + ahead
        for one in texts:
            assert one.due_at is not None
            if one.due_at <= now:
                due_since.setdefault(one, elapsed_s)
            elif one not in left:
                due_since.pop(one, None)  # the clock was put back: it is not due after all
        if desk.reader.wait_s(now, elapsed_s, changed=False, hands=HANDS) == 0:
            looks += 1
            desk.reader.read(now, elapsed_s)
            desk.now_s = elapsed_s
            for one in desk.hand_over(HANDS):
                assert one.due_at is not None
                assert one.due_at <= now
                left[one] = elapsed_s
        for one, since_s in due_since.items():
            assert left.get(one, elapsed_s) - since_s <= IDLE_S_MAX + 1e-6
        step_s = max(desk.reader.wait_s(now, elapsed_s, changed=False, hands=HANDS), 1e-3)
        if pending and pending[0][0] <= elapsed_s + step_s:
            at_s, jump = pending.pop(0)
            step_s, ahead = max(at_s - elapsed_s, 1e-3), ahead + jump
        elapsed_s += step_s
    views.close()
    assert looks <= 60 / IDLE_S_MAX + len(texts) + 2 * len(jumps) + 2
