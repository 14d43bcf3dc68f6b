"""Whose text goes next: every order, tried out without a clock, a view or a carrier."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from consumers.handover import ASKED_ANEW_AFTER_S
from consumers.rates import CarrierRates, Limits, Rates
from consumers.turns import LAST_FIRST, Turns, place_of
from projections.shapes import OpenText
from tests.consumers.waiting_texts import NOON, bulk, keyword_answer, text

FAST = {"elsewhere": 1e9}


def turns(
    texts: Sequence[OpenText] = (), *, under_way_max: int = 10**9, carrier: float = 1e9, **senders: float
) -> Turns:
    """With nothing held up, unless `carrier` or `senders` say how fast."""
    limits = Limits({**FAST, **senders})
    line = Turns(Rates(limits, CarrierRates(lambda _: carrier, 0.0)), under_way_max)
    line.take_in_all(texts, 0.0)
    return line


def order(line: Turns, number: int = 10**9, now_s: float = 0.0) -> list[OpenText]:
    taken: list[OpenText] = []
    while len(taken) < number and (one := line.next(now_s)) is not None:
        taken.append(one)
    return taken


def accounts(texts: Sequence[OpenText]) -> list[str]:
    return [text.account for text in texts]


def test_texts_of_one_account_leave_in_the_order_in_which_they_are_due() -> None:
    line = turns([text(n) for n in (3, 1, 2)])
    assert [one.text_id.int for one in order(line)] == [3, 1, 2]


def test_answers_to_keywords_go_first_then_what_was_written_to_one_then_bulk() -> None:
    line = turns([bulk(1), bulk(2), text(3), text(4), keyword_answer(5), keyword_answer(6)])
    assert [one.text_id.int for one in order(line)] == [5, 6, 3, 4, 1, 2]


def test_bulk_does_not_wait_for_ever() -> None:
    line = turns([*(text(n) for n in range(100)), *(bulk(100 + n) for n in range(100))])
    first = order(line, 80)
    assert sum(one.bulk is not None for one in first) == 80 // LAST_FIRST


def test_accounts_take_turns_whatever_the_number_of_their_texts() -> None:
    line = turns([*(text(n) for n in range(50)), *(text(50 + n, "globex") for n in range(3))])
    assert Counter(accounts(order(line, 6))) == {"acme": 3, "globex": 3}


def test_turns_are_by_segments_not_by_texts() -> None:
    line = turns([*(text(n, segments=3) for n in range(50)), *(text(50 + n, "globex") for n in range(50))])
    taken = Counter(accounts(order(line, 40)))
    assert (taken["acme"], taken["globex"]) == (10, 30)


def test_who_comes_new_goes_next_behind_fifty_thousand_of_another() -> None:
    crowd = [text(n) for n in range(50_000)]
    line = turns(crowd)
    order(line, 1_000)
    line.take_in(("globex", 1), [text(60_000, "globex")], 0.0, whole=True)
    assert accounts(order(line, 2)).index("globex") <= 1


def test_who_was_away_has_saved_nothing_up() -> None:
    line = turns([text(n) for n in range(100)])
    order(line, 50)
    line.take_in(("globex", 1), [text(200 + n, "globex") for n in range(50)], 0.0, whole=True)
    assert Counter(accounts(order(line, 20))) == {"acme": 10, "globex": 10}


def test_a_slow_sender_holds_up_only_its_own_texts() -> None:
    line = turns([*(text(n) for n in range(5)), *(text(5 + n, "globex") for n in range(5))], **{"+45acme": 1})
    assert Counter(accounts(order(line))) == {"acme": 1, "globex": 5}
    assert (line.held_up(0.0), line.free_in_s(0.0)) == (4, 1.0)
    assert accounts(order(line, now_s=1.0)) == ["acme"]


def test_an_account_with_several_senders_has_each_of_their_rates_and_one_accounts_turns() -> None:
    ours = [replace(text(n), sender=f"+45{n % 4}") for n in range(40)]
    line = turns([*ours, *(text(50 + n, "globex") for n in range(20))])
    assert Counter(accounts(order(line, 20))) == {"acme": 10, "globex": 10}
    slow = turns(ours, elsewhere=1)
    assert {one.sender for one in order(slow)} == {f"+45{n}" for n in range(4)}


def test_a_carrier_that_is_held_up_holds_up_no_other() -> None:
    line = turns(
        [*(text(n) for n in range(5)), *(text(9 + n, carrier="backup") for n in range(5))], carrier=1.0
    )
    assert sorted(one.carrier for one in order(line)) == ["backup", "twilio"]
    assert (line.held_up(0.5), line.free_in_s(0.5)) == (8, 0.5)
    assert len(order(line, now_s=1.0)) == 2


def test_while_the_carrier_account_has_no_tokens_nobody_goes_and_then_the_most_urgent() -> None:
    line = turns([bulk(1), bulk(2), bulk(3)], carrier=1.0)
    assert len(order(line)) == 1
    assert (line.free_in_s(0.25), line.held_up(0.25)) == (0.75, 2)
    line.take_in(("globex", 0), [keyword_answer(4, "globex")], 0.5, whole=True)
    assert order(line, now_s=0.9) == []
    assert accounts(order(line, now_s=1.0)) == ["globex"]


def test_a_carrier_that_hangs_on_one_accounts_texts_leaves_a_hand_for_others() -> None:
    line = turns([*(text(n) for n in range(20)), *(bulk(20 + n) for n in range(20))], under_way_max=15)
    hung = order(line)
    assert len(hung) == 15
    line.take_in(("globex", 1), [text(60, "globex")], 0.0, whole=True)
    assert accounts(order(line)) == ["globex"]
    line.ended(hung[0], 0.0)
    assert len(order(line)) == 1


def test_a_text_is_not_given_out_again_while_the_view_still_shows_it() -> None:
    waiting = [text(1), text(2)]
    line = turns(waiting)
    (first,) = order(line, 1)
    line.take_in_all(waiting, 0.1)
    line.ended(first, 0.2)
    line.take_in_all(waiting, 0.3)
    assert [one.text_id.int for one in order(line, now_s=0.3)] == [2]


def test_a_text_that_was_refused_its_last_look_and_still_waits_comes_again_after_a_while() -> None:
    line = turns([text(1)])
    (first,) = order(line)
    line.ended(first, 0.0, again=True)
    for now_s, comes in ((1.0, False), (ASKED_ANEW_AFTER_S, True)):
        line.take_in_all([text(1)], now_s)
        assert bool(order(line, now_s=now_s)) is comes


def test_a_text_that_is_tried_again_comes_again_as_soon_as_it_is_due() -> None:
    line = turns([text(1)])
    (first,) = order(line)
    line.ended(first, 0.0)
    again = text(1, attempt=1, due_at=NOON + timedelta(seconds=1))
    line.take_in_all([again], 0.1)
    assert order(line, now_s=0.1) == [again]


def test_what_the_view_no_longer_shows_is_forgotten() -> None:
    line = turns([text(1), text(2)])
    (first,) = order(line, 1)
    line.ended(first, 0.0)
    line.take_in_all([], 0.1)
    assert (order(line, now_s=0.1), line.places, line.all_begun, line.free_in_s(0.1)) == ([], [], 0, None)


def test_a_page_says_nothing_of_what_lies_behind_it() -> None:
    early, late = text(1), text(9, due_at=NOON + timedelta(hours=1))
    line = turns([early, late])
    for one in order(line):
        line.ended(one, 0.0)
    assert line.begun(place_of(early)) == 2
    page = [text(2, due_at=NOON + timedelta(minutes=1))]
    line.take_in(place_of(early), page, 0.1, whole=False)
    assert line.begun(place_of(early)) == 1


def test_a_text_that_was_begun_never_comes_again_however_far_the_view_is_behind() -> None:
    line = turns([text(1)])
    (first,) = order(line)
    line.ended(first, 0.0)
    line.take_in_all([text(1)], 1e6)
    assert order(line, now_s=1e6) == []


WISHES = st.lists(
    st.tuples(
        st.sampled_from(["acme", "globex", "initech"]),
        st.sampled_from([text, bulk, keyword_answer]),
        st.integers(1, 21),
    ),
    max_size=12,
)


@given(wishes=WISHES, rate=st.floats(0.5, 50), hands=st.integers(1, 4), behind=st.integers(0, 5))
def test_each_text_leaves_once_and_none_is_left_behind(
    wishes: list[tuple[str, Callable[..., OpenText], int]], rate: float, hands: int, behind: int
) -> None:
    """Whatever the limits, and however far the view is behind."""
    waiting = [make(n, account, segments=segments) for n, (account, make, segments) in enumerate(wishes)]
    line = turns(waiting, under_way_max=hands, carrier=2 * rate, elsewhere=rate)
    now_s = 0.0
    left: list[OpenText] = []
    while len(left) < len(waiting):
        taken = order(line, now_s=now_s)
        for one in taken:
            line.ended(one, now_s)
        left += taken
        shown = waiting if not behind else [one for one in waiting if one not in left[:-behind]]
        line.take_in_all(shown, now_s)
        free_in_s = line.free_in_s(now_s)
        assert len(left) == len(waiting) or free_in_s is not None
        now_s += (free_in_s or 0.0) + 1e-6
    assert sorted(one.text_id for one in left) == sorted(one.text_id for one in waiting)
