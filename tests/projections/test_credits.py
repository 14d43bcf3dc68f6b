"""Given debits, refunds and purchases, then the balance and its statement."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.credits import warning
from projections.cursors import BadCursor
from projections.shapes import CreditWarning, StatementKind
from schemas.events import (
    Event,
    PackageBought,
    SegmentsAdjusted,
    SegmentsDebited,
    SegmentsRefunded,
    TextingActivated,
)
from tests.projections.history import ACME, History
from tests.projections.views import Views

ACCOUNT = f"account-{ACME}"
TEXT = uuid4()


def activated(free: int, balance: int) -> Event:
    return TextingActivated(
        country="US", currency="USD", agreement_version="1", free_segments=free, balance=balance
    )


def bought(segments: int, balance: int) -> Event:
    return PackageBought(
        package="standard", segments=segments, price="75.00", currency="USD", balance=balance
    )


def debited(segments: int, balance: int) -> Event:
    return SegmentsDebited(text_id=TEXT, segments=segments, balance=balance)


def test_every_movement_is_counted_where_it_belongs(views: Views, history: History) -> None:
    history.happened(ACCOUNT, activated(50, 50), bought(1000, 1050), debited(3, 1047))
    history.happened(ACCOUNT, SegmentsRefunded(text_id=TEXT, segments=3, reason="cancelled", balance=1050))
    history.happened(ACCOUNT, SegmentsAdjusted(segments=-50, reason="by hand", balance=1000))
    credit = views.given(history).ask.credits(ACME)
    assert credit is not None
    assert (credit.free, credit.bought, credit.debited, credit.refunded, credit.adjusted) == (
        50, 1000, 3, 3, -50,
    )  # fmt: skip
    assert credit.balance == 1000
    assert (credit.level, credit.warning) == (1050, None)


def test_a_second_activation_credits_nothing_and_stands_in_no_statement(
    views: Views, history: History
) -> None:
    history.happened(ACCOUNT, activated(50, 50), activated(0, 50))
    views.given(history)
    assert [line.kind for line in views.ask.statement(ACME).items] == ["free"]


def test_a_statement_is_newest_first_and_signed(views: Views, history: History) -> None:
    history.happened(ACCOUNT, activated(50, 50), debited(2, 48), bought(100, 148))
    newest, text, first = views.given(history).ask.statement(ACME).items
    assert (newest.kind, newest.segments, newest.balance) == ("bought", 100, 148)
    assert (newest.package, newest.price, newest.currency) == ("standard", "75.00", "USD")
    assert (text.kind, text.segments, text.text_id, text.balance) == ("debited", -2, TEXT, 48)
    assert (first.kind, first.segments, first.at) == ("free", 50, history.now)


def test_a_statement_is_read_page_by_page_while_new_lines_arrive(views: Views, history: History) -> None:
    history.happened(ACCOUNT, activated(50, 50), *(debited(1, 49 - n) for n in range(5)))
    first = views.given(history).ask.statement(ACME, limit=4)
    views.given(history.happened(ACCOUNT, debited(1, 44)))
    second = views.ask.statement(ACME, cursor=first.next, limit=4)
    assert [line.balance for line in (*first.items, *second.items)] == [45, 46, 47, 48, 49, 50]
    assert second.next is None


def test_another_lists_cursor_is_refused(views: Views, history: History) -> None:
    history.happened(ACCOUNT, activated(50, 50), debited(1, 49))
    cursor = views.given(history).ask.statement(ACME, limit=1).next
    with pytest.raises(BadCursor, match="Start again"):
        views.ask.candidates(ACME, cursor=cursor)


@pytest.mark.parametrize(
    ("balance", "level", "expected"),
    [(50, 50, None), (11, 50, None), (10, 50, "low"), (1, 50, "low"), (0, 50, "empty"), (0, 0, "empty")],
)
def test_a_fifth_of_the_last_credit_is_low_and_nothing_is_empty(
    balance: int, level: int, expected: CreditWarning | None
) -> None:
    assert warning(balance, level) == expected


def test_the_level_is_what_there_was_after_the_last_credit(views: Views, history: History) -> None:
    history.happened(ACCOUNT, activated(50, 50), debited(45, 5))
    low = views.given(history).ask.credits(ACME)
    history.happened(ACCOUNT, bought(100, 105), debited(84, 21))
    fine = views.given(history).ask.credits(ACME)
    history.happened(ACCOUNT, SegmentsRefunded(text_id=TEXT, segments=1, reason="failed", balance=22))
    history.happened(ACCOUNT, SegmentsAdjusted(text_id=TEXT, segments=-1, reason="carrier", balance=21))
    same = views.given(history).ask.credits(ACME)
    assert low is not None
    assert fine is not None
    assert same is not None
    assert (low.level, low.warning) == (50, "low")
    assert (fine.level, fine.warning) == (105, "low")
    assert (same.level, same.warning) == (105, "low")


Movement = tuple[StatementKind, int]

movements = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["free", "bought", "refunded", "debited"]), st.integers(0, 500)),
        st.tuples(st.just("adjusted"), st.integers(-500, 500)),
    ),
    max_size=30,
)


@given(movements=movements, sizes=st.lists(st.integers(1, 7), max_size=8))
def test_the_totals_always_make_the_balance(
    movements: list[Movement], sizes: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    history, balance = History(), 0
    for kind, segments in movements:
        gained = -min(segments, balance) if kind == "debited" else max(segments, -balance)
        balance += gained
        history.happened(ACCOUNT, _movement(kind, gained, balance))
    views = Views.in_folder(tmp_path_factory.mktemp("credits")).given(history, sizes)
    credit = views.ask.credits(ACME)
    lines = views.ask.statement(ACME, limit=100).items
    views.close()
    if credit is None:
        assert movements == []
        return
    total = credit.free + credit.bought - credit.debited + credit.refunded + credit.adjusted
    assert credit.balance == balance == total == sum(line.segments for line in lines)
    assert balance >= 0


def _movement(kind: StatementKind, gained: int, balance: int) -> Event:
    match kind:
        case "free":
            return activated(gained, balance)
        case "bought":
            return bought(gained, balance)
        case "debited":
            return debited(-gained, balance)
        case "refunded":
            return SegmentsRefunded(text_id=TEXT, segments=gained, reason="failed", balance=balance)
        case "adjusted":
            return SegmentsAdjusted(segments=gained, reason="by hand", balance=balance)
