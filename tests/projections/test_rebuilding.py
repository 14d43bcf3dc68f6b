"""A view is built again beside the one that serves, and takes over as if nothing had happened."""

from collections.abc import Callable

import pytest
from sqlalchemy import inspect, text

from projections import catalog
from projections.engine import writing
from projections.rebuilding import rebuild
from projections.source import EventSource, Unfoldable
from projections.tracking import POSITIONS, PositionMoved, begin, positions
from projections.view import OLD, View
from schemas.events import TextReceived
from tests.projections.history import ACME, History, Log, conversation
from tests.projections.views import SOURCE, Views

NUMBER = "+14155550123"
STREAM = conversation(NUMBER)
Progress = Callable[[int, int], None]


class Interrupted(Exception):
    """The process was stopped."""


def quietly(_: int, __: int) -> None:
    """Report to nobody."""


def build(
    views: Views,
    history: History,
    progress: Progress = quietly,
    batch_max: int = 3,
    source: EventSource | None = None,
    view: View = catalog.THREADS,
) -> None:
    rebuild(views.engine, view, {SOURCE: source or history.log}, history.keys, progress, batch_max)


def replies(history: History, *sids: str) -> History:
    for sid in sids:
        history.happened(STREAM, TextReceived(sid=sid, body=f"{sid} says hello"))
    return history


@pytest.fixture
def history(history: History) -> History:
    return replies(history.numbered("grace", NUMBER), *(f"SM{n}" for n in range(10)))


def spoil(views: Views) -> None:
    with writing(views.engine) as connection:
        connection.execute(text("UPDATE threads_v5_messages SET body = 'spoilt'"))


def tables(views: Views) -> set[str]:
    return set(inspect(views.engine).get_table_names())


def test_a_spoilt_view_is_whole_again(views: Views, history: History) -> None:
    rows, names = views.given(history).rows(), tables(views)
    spoil(views)
    build(views, history)
    assert views.rows() == rows
    assert views.position() == len(history.entries)
    assert tables(views) == names


@pytest.mark.parametrize("view", catalog.LIVE, ids=lambda view: view.NAME)
def test_every_view_can_be_rebuilt_and_rebuilt_again(views: Views, history: History, view: View) -> None:
    rows = views.given(history).rows()
    for _ in range(3):
        build(views, history, view=view)
        assert views.rows() == rows
    assert views.given(replies(history, "SM99")).position() == len(history.entries)


def test_progress_is_told_batch_by_batch_up_to_the_end(views: Views, history: History) -> None:
    views.given(history)
    told: list[tuple[int, int]] = []
    build(views, history, lambda at, goal: told.append((at, goal)))
    assert told == [(0, 12), (3, 12), (6, 12), (9, 12), (12, 12)]


def test_the_old_one_serves_while_the_new_one_is_built(views: Views, history: History) -> None:
    views.given(history)
    spoil(views)
    seen: list[set[str]] = []

    def look(_: int, __: int) -> None:
        seen.append({message.body for message in views.ask.messages(ACME, "grace", NUMBER).items})

    build(views, history, look)
    assert seen[:-1] == [{"spoilt"}] * 4
    assert "spoilt" not in seen[-1]


def test_events_that_come_meanwhile_are_in_both(views: Views, history: History) -> None:
    views.given(history)
    coming = iter(range(100, 105))

    def more(_: int, __: int) -> None:
        for n in [next(coming, None)]:
            if n is not None:
                views.given(replies(history, f"SM{n}"))

    build(views, history, more)
    rows = views.rows()
    assert len(rows["threads_v5_messages"]) == 15
    spoil(views)
    build(views, history)
    assert views.rows() == rows


def test_a_log_that_is_ahead_of_the_views_is_taken_over_no_further_than_both_can_go_on_from(
    views: Views, history: History
) -> None:
    views.given(history)
    replies(history, *(f"SM{n}" for n in range(20, 30)))
    build(views, history)
    rows = views.given(history).rows()
    spoil(views)
    build(views, history)
    assert views.rows() == rows


def test_an_interrupted_rebuild_goes_on_where_it_was(views: Views, history: History) -> None:
    rows = views.given(history).rows()
    told: list[int] = []

    def stop_at_six(at: int, _: int) -> None:
        told.append(at)
        if at == 6:
            raise Interrupted

    with pytest.raises(Interrupted):
        build(views, history, stop_at_six)
    assert views.rows() == rows
    told.clear()
    build(views, history, lambda at, _: told.append(at))
    assert told == [6, 9, 12]
    assert views.rows() == rows


def test_a_rebuild_interrupted_before_it_tidied_up_is_tidied_up_at_the_next_start(
    views: Views, history: History
) -> None:
    names = tables(views.given(history))
    old = type(catalog.THREADS)(OLD, generation=9_999)  # which no test before it came to
    with writing(views.engine) as connection:
        old.metadata.create_all(connection)
    assert tables(views) > names
    catalog.prepare(views.engine, [SOURCE])
    assert tables(views) == names


def test_an_event_that_cannot_be_read_leaves_the_view_as_it_was(views: Views, history: History) -> None:
    rows = views.given(history).rows()
    broken = [*history.entries]
    broken[7] = (8, b"{}")
    with pytest.raises(Unfoldable, match="position 8"):
        build(views, history, source=Log(broken))
    assert views.rows() == rows
    build(views, history)
    assert views.rows() == rows


def test_of_two_who_build_the_same_copy_one_gives_way(views: Views, history: History) -> None:
    rows = views.given(history).rows()
    told: list[int] = []

    class Rival(Log):
        """Lets another rebuild finish while this one reads."""

        def notifications(self, after: int, limit: int) -> list[tuple[int, bytes]]:
            if not told:
                told.append(after)
                build(views, history)
            return [*super().notifications(after, limit)]

    with pytest.raises(PositionMoved):
        build(views, history, source=Rival(history.entries))
    assert views.rows() == rows


def test_what_an_earlier_version_left_is_dropped_and_nothing_else(views: Views, history: History) -> None:
    rows, names = views.given(history).rows(), tables(views)
    with writing(views.engine) as connection:
        for name in (
            "receipts_v1_receipts",
            "receipts_v1_next_receipts",
            "receipts_v9_receipts",
            "other_v0_x",
        ):
            connection.execute(text(f"CREATE TABLE {name} (a INTEGER)"))
        for view in ("receipts_v1", "receipts_v9"):
            begin(connection, view, SOURCE)
    catalog.drop_former(views.engine)
    assert tables(views) == names | {"receipts_v9_receipts", "other_v0_x"}
    with writing(views.engine) as connection:
        standing = positions(connection, SOURCE)
        for name in ("receipts_v9_receipts", "other_v0_x"):
            connection.execute(text(f"DROP TABLE {name}"))
        connection.execute(POSITIONS.delete().where(POSITIONS.c.view == "receipts_v9"))
    assert "receipts_v1" not in standing
    assert "receipts_v9" in standing
    assert views.rows() == rows
