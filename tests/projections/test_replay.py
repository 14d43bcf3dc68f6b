"""P5 and P8, whatever the log: views equal a replay, and show each account its own alone."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections import catalog
from projections.engine import writing
from projections.folding import advance
from projections.source import Batch, read_batch
from projections.tracking import PositionMoved
from schemas import codec
from schemas.events import ConversationOpened, event_classes
from tests.projections.history import History, Log
from tests.projections.logs import ACCOUNTS, CANDIDATES, MAKERS, MEMBERS, NUMBERS, logs
from tests.projections.views import SOURCE, Server, Views

SOME = settings(max_examples=max(10, settings().max_examples // 5))  # a server is slower than a file
sizes = st.lists(st.integers(1, 9), max_size=20)


Fresh = Callable[[], AbstractContextManager[Views]]
"""Empty views, as many as one likes."""


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    @contextmanager
    def in_folder() -> Iterator[Views]:
        views = Views.in_folder(tmp_path_factory.mktemp("views"))
        yield views
        views.close()

    return in_folder


def test_the_logs_hold_every_kind_of_event_and_every_view_knows_its_own() -> None:
    folded = {event for view in catalog.LIVE for event in view.folds}
    assert {*MAKERS, ConversationOpened} == set(event_classes())
    assert folded == set(event_classes())


@given(history=logs(), sizes=sizes)
def test_however_a_log_is_cut_into_batches_the_rows_are_the_same(
    history: History, sizes: list[int], fresh: Fresh
) -> None:
    with fresh() as cut, fresh() as whole, fresh() as single:
        rows = whole.given(history).rows()
        assert cut.given(history, sizes).rows() == rows
        assert single.given(history, [1] * len(history.entries)).rows() == rows


@given(history=logs(), starts=st.lists(st.integers(0, 80), max_size=5), sizes=sizes)
def test_batches_that_come_again_or_overlap_change_nothing(
    history: History, starts: list[int], sizes: list[int], fresh: Fresh
) -> None:
    with fresh() as views:
        rows = views.given(history, sizes).rows()
        for start in starts:
            _again(views, history, min(start, len(history.entries)))
        assert views.rows() == rows


@SOME
@given(history=logs(), sizes=sizes, start=st.integers(0, 80))
def test_both_databases_hold_the_same_rows_however_a_log_is_cut(
    history: History, sizes: list[int], start: int, fresh: Fresh, views_server: Server
) -> None:
    with fresh() as sqlite, views_server.engine() as engine:
        rows = sqlite.given(history).rows()
        views = Views(engine).given(history, sizes)
        assert views.rows() == rows
        _again(views, history, min(start, len(history.entries)))
        assert views.rows() == rows
        for account in ACCOUNTS:
            assert everything(views, account, history) == everything(sqlite, account, history)


@given(history=logs(max_size=30), start=st.integers(1, 40))
def test_a_batch_that_leaves_a_gap_is_refused_whole(history: History, start: int, fresh: Fresh) -> None:
    with fresh() as views:
        batch = read_batch(history.log, history.keys, start, 1_000)
        with pytest.raises(PositionMoved), writing(views.engine) as connection:
            advance(connection, views.views, SOURCE, batch)
        assert views.position() == 0
        assert not any(views.rows().values())


@pytest.mark.no_cover  # nothing that no other test reaches, at twice the price
@given(history=logs(), sizes=sizes)
def test_an_account_reads_the_same_whether_or_not_there_are_others(
    history: History, sizes: list[int], fresh: Fresh
) -> None:
    with fresh() as together:
        together.given(history, sizes)
        for account in ACCOUNTS:
            with fresh() as alone:
                _project_only(alone, history, account)
                assert everything(together, account, history) == everything(alone, account, history)


def _again(views: Views, history: History, start: int) -> None:
    batch = read_batch(history.log, history.keys, start, 1_000)
    with writing(views.engine) as connection:
        advance(connection, views.views, SOURCE, batch)


def _project_only(views: Views, history: History, account: str) -> None:
    events = [recorded for recorded in history.recorded if recorded.context.account == account]
    encoded = [(n, codec.encode(recorded, history.keys, n)) for n, recorded in enumerate(events, start=1)]
    batch = read_batch(Log(encoded), history.keys, 0, 1_000)
    assert isinstance(batch, Batch)
    with writing(views.engine) as connection:
        advance(connection, views.views, SOURCE, batch)


def everything(views: Views, account: str, history: History) -> list[Any]:
    """Every answer that can be had about `account`."""
    ask, ids = views.ask, [UUID(int=n) for n in range(len(history.entries) + 1)]
    return [
        ask.account(account),
        ask.credits(account),
        ask.statement(account, limit=200),
        ask.candidates(account),
        [ask.candidate(account, candidate) for candidate in CANDIDATES],
        [ask.threads(account, candidate) for candidate in CANDIDATES],
        [ask.messages(account, candidate, number) for candidate in CANDIDATES for number in NUMBERS],
        [ask.consent(account, number) for number in NUMBERS],
        [ask.receipt(account, command_id) for command_id in ids],
        [ask.text(account, text_id) for text_id in ids],
        [ask.bulk(account, bulk) for bulk in ids],
        ask.bulks(account, limit=200),
        [ask.wants_notifications(account, member) for member in MEMBERS],
        [ask.notifications(account, member) for member in MEMBERS],
    ]
