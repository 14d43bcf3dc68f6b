"""What an operator asks of the views, over all accounts. Members ask `projections.queries`."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, select

from projections.catalog import ACCOUNTS
from projections.moments import moment


class StoppedAccount(NamedTuple):
    """An account that sends nothing until an operator resumes it: the carrier refused it as a whole."""

    account: str
    since: datetime
    code: int | None
    """The carrier's error code."""
    reason: str


def stopped_accounts(engine: Engine) -> list[StoppedAccount]:
    """All of them, the longest stopped first."""
    table = ACCOUNTS.accounts.c
    asked = select(table.account, table.stopped_at, table.stopped_code, table.stopped_reason)
    found = asked.where(table.stopped_at.is_not(None)).order_by(table.stopped_at, table.account)
    with engine.connect() as connection:
        return [
            StoppedAccount(account, moment(at), code, reason)
            for account, at, code, reason in connection.execute(found)
        ]
