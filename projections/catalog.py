"""All views there are, and their tables in the database."""

import re
from collections.abc import Iterable
from functools import cache

from sqlalchemy import Connection, Engine, MetaData, Table, inspect, select
from sqlalchemy.schema import DropTable

from projections import tracking
from projections.accounts import Accounts
from projections.bulks import Bulks
from projections.candidates import Candidates
from projections.consent import Consent
from projections.credits import Credits
from projections.engine import shaping
from projections.notifications import Notifications
from projections.open_texts import OpenTexts
from projections.receipts import Receipts
from projections.threads import Threads
from projections.view import OLD, View

ACCOUNTS = Accounts()
CANDIDATES = Candidates()
CONSENT = Consent()
THREADS = Threads()
CREDITS = Credits()
RECEIPTS = Receipts()
NOTIFICATIONS = Notifications()
OPEN_TEXTS = OpenTexts()
BULKS = Bulks()

LIVE: tuple[View, ...] = (
    ACCOUNTS, CANDIDATES, CONSENT, THREADS, CREDITS, RECEIPTS, NOTIFICATIONS, OPEN_TEXTS, BULKS,
)  # fmt: skip


def prepare(engine: Engine, sources: Iterable[str], views: Iterable[View] = LIVE) -> None:
    """Make what is missing: the tables of `views`, and where each stands in each of `sources`.

    Any number of processes may do so at once.
    """
    names = tuple(sources)
    with shaping(engine) as connection:
        tracking.METADATA.create_all(connection)
        there = frozenset(inspect(connection).get_table_names())  # one question, instead of one for each
        for view in views:
            if there.issuperset(view.metadata.tables):
                _begin(connection, view, names)
            else:
                create(connection, view, names)
            if not there.isdisjoint(_old(view).metadata.tables):
                drop(connection, _old(view))


@cache
def _old(view: View) -> View:
    return type(view)(OLD)


def create(connection: Connection, view: View, sources: Iterable[str]) -> None:
    """The tables of `view`, if they are not there, and its positions, where it has none."""
    view.metadata.create_all(connection)
    _begin(connection, view, sources)


def _begin(connection: Connection, view: View, sources: Iterable[str]) -> None:
    for source in sources:
        tracking.begin(connection, view.key, source)


def drop(connection: Connection, view: View) -> None:
    """The tables of `view`, and all its positions."""
    view.metadata.drop_all(connection)
    positions = tracking.POSITIONS
    connection.execute(positions.delete().where(positions.c.view == view.key))


def drop_former(engine: Engine) -> None:
    """Drop what earlier versions of the views left: it holds what people wrote, and serves nobody.

    Only when no process of an earlier release works any more: it would miss them.
    """
    with shaping(engine) as connection:
        former = [name for name in inspect(connection).get_table_names() if _is_former(name)]
        for name in former:
            connection.execute(DropTable(Table(name, MetaData())))
        views = connection.scalars(select(tracking.POSITIONS.c.view).distinct()).all()
        gone = [view for view in views if _is_former(view)]
        for table in (tracking.POSITIONS, tracking.GENERATIONS):
            connection.execute(table.delete().where(table.c.view.in_(gone)))


def _is_former(name: str) -> bool:
    """Whether a view, or a table, is called by the name of one that has a later version."""
    match = _VERSIONED.match(name)
    return match is not None and int(match["version"]) < _VERSIONS.get(match["view"], 0)


_VERSIONED = re.compile(r"(?P<view>[a-z_]+?)_v(?P<version>\d+)(_|$)")
_VERSIONS = {view.NAME: view.VERSION for view in LIVE}
