"""Reading the credits."""

from uuid import UUID

from sqlalchemy import Connection, select

from projections import cursors
from projections.answers.common import Found, page, who_of
from projections.catalog import CREDITS
from projections.credits import warning
from projections.moments import moment
from projections.shapes import Credits, Page, StatementLine

_B, _L = CREDITS.balances, CREDITS.statement
_LISTING = "statement"


def balance(connection: Connection, account: str) -> Credits | None:
    """The account's balance and totals."""
    row = connection.execute(select(_B).where(_B.c.account == account)).one_or_none()
    if row is None:
        return None
    level = row.level or 0
    return Credits(
        balance=row.balance,
        free=row.free,
        bought=row.bought,
        debited=row.debited,
        refunded=row.refunded,
        adjusted=row.adjusted,
        level=level,
        warning=warning(row.balance, level),
    )


def statement(connection: Connection, account: str, cursor: str | None, limit: int) -> Page[StatementLine]:
    """The movements, newest first."""
    lines = select(_L).where(_L.c.account == account)
    if cursor is not None:
        (version,) = cursors.read(_LISTING, cursor, (int,))
        lines = lines.where(_L.c.version < version)
    rows = connection.execute(lines.order_by(_L.c.version.desc()).limit(limit + 1)).all()
    return page(_LISTING, rows, limit, _line, lambda row: (row.version,))


def _line(row: Found) -> StatementLine:
    return StatementLine(
        kind=row.kind,
        segments=row.segments,
        balance=row.balance,
        at=moment(row.at),
        by=who_of(row),
        text_id=None if row.text_id is None else UUID(row.text_id),
        package=row.package,
        price=row.price,
        currency=row.currency,
        reason=row.reason,
    )
