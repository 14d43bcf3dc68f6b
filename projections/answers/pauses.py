"""Whether a text waits because its bulk is paused: looked up when somebody asks, and written into no text.

Both are part of a query of the threads' messages, to which the bulks are joined.
"""

from sqlalchemy import ColumnElement, Label, and_, case

from projections.bulk_shapes import STATUSES
from projections.catalog import BULKS, THREADS

_B, _M = BULKS.bulks, THREADS.messages


def is_of_bulk() -> ColumnElement[bool]:
    """Whether a message is part of a bulk."""
    return and_(_B.c.account == _M.c.account, _B.c.bulk == _M.c.bulk)


def bulk_paused() -> Label[str | None]:
    """`bulk_paused`: why the bulk of a text that waits is paused; none where nothing holds the text so."""
    waits = _M.c.status.in_(STATUSES["waiting"])
    return case((waits & (_B.c.state == "paused"), _B.c.cause)).label("bulk_paused")
