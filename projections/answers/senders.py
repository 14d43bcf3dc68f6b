"""What accounts text from, and from which of their senders a text that waits is likely to leave."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby

from sqlalchemy import Connection, func, select

from projections.answers.common import Found
from projections.catalog import ACCOUNTS, THREADS
from projections.shapes import Sender

_S, _M = ACCOUNTS.senders, THREADS.messages


def senders(connection: Connection, accounts: Collection[str]) -> Mapping[str, tuple[Sender, ...]]:
    """By account: its senders, in the order in which they were assigned."""
    theirs = select(_S).where(_S.c.account.in_(accounts), _S.c.assigned_at.is_not(None))
    rows = connection.execute(theirs.order_by(_S.c.account, _S.c.assigned_at, _S.c.assigned_position))
    return {
        account: tuple(Sender(row.sender, row.region, row.kind, row.carrier) for row in of_account)
        for account, of_account in groupby(rows, key=lambda row: str(row.account))
    }


def known(connection: Connection, conversations: Collection[str]) -> Mapping[str, str]:
    """By conversation: the sender that the recipient knows, as it texted them last, or they texted it."""
    heard = (_M.c.kind != "text") | _M.c.sid.is_not(None)
    here = _M.c.conversation.in_(conversations) & _M.c.sender.is_not(None) & heard
    last = select(_M.c.conversation, func.max(_M.c.version).label("version")).where(here)
    latest = last.group_by(_M.c.conversation).subquery()
    same = (_M.c.conversation == latest.c.conversation) & (_M.c.version == latest.c.version)
    found = connection.execute(select(_M.c.conversation, _M.c.sender).join(latest, same))
    return {row.conversation: row.sender for row in found}


def foretold(connection: Connection, texts: Iterable[Found]) -> Mapping[str, Sender]:
    """By conversation: what a text that waits there is likely to leave from, where the account has anything.

    The last look decides, and knows more: what countries allow, and which carriers fail. `texts` have
    `account`, `conversation` and the `region` of their number.
    """
    places = {text.conversation: (text.account, text.region) for text in texts}
    if not places:
        return {}
    theirs = senders(connection, {account for account, _ in places.values()})
    unsure = [place for place, (account, _) in places.items() if len(theirs.get(account, ())) > 1]
    last = known(connection, unsure) if unsure else {}
    return {
        place: _likely(theirs[account], region, last.get(place))
        for place, (account, region) in places.items()
        if account in theirs
    }


def _likely(senders: Sequence[Sender], region: str, last: str | None) -> Sender:
    known = [sender for sender in senders if sender.sender == last]
    home = [sender for sender in senders if sender.region == region]
    return (known or home or senders)[0]
