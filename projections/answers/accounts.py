"""Reading the accounts and the receipts."""

from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import Connection, select

from projections.answers.common import Found, who_of
from projections.answers.senders import senders
from projections.catalog import ACCOUNTS, CREDITS, RECEIPTS
from projections.moments import maybe, moment
from projections.shapes import Account, Receipt, Sender, Stopped
from schemas.account_settings import AccountSettings
from schemas.actors import Actor
from schemas.events import CommandAccepted, CommandRefused, Context
from schemas.receipts import Answer

_A, _M = ACCOUNTS.accounts, ACCOUNTS.members
_B, _R = CREDITS.balances, RECEIPTS.receipts


def account(connection: Connection, name: str) -> Account | None:
    """The account called `name`."""
    both = select(_A, _B.c.balance).outerjoin(_B, _B.c.account == _A.c.account).where(_A.c.account == name)
    row = connection.execute(both).one_or_none()
    return None if row is None else _account(row, senders(connection, [name]).get(name, ()))


def wants_notifications(connection: Connection, account: str, member: str) -> bool:
    """What the member chose."""
    chosen = select(_M.c.profile_actions).where(_M.c.account == account, _M.c.member == member)
    return bool(connection.scalar(chosen))


def sender_account(connection: Connection, sender: str) -> str | None:
    """Whose `sender` is."""
    return connection.scalar(ACCOUNTS.owner(sender))


def receipt(connection: Connection, account: str, command_id: UUID) -> Receipt | None:
    """The answer to a command."""
    here = (_R.c.account == account) & (_R.c.command_id == command_id.hex)
    row = connection.execute(select(_R).where(here)).one_or_none()
    return None if row is None else _receipt(row)


def receipt_answer(connection: Connection, account: str, command_id: UUID) -> Answer | None:
    """The answer to a command, as its sender gets it."""
    here = (_R.c.account == account) & (_R.c.command_id == command_id.hex)
    row = connection.execute(select(_R).where(here)).one_or_none()
    return None if row is None else Answer(_event(row), _context(row))


def _event(row: Found) -> CommandAccepted | CommandRefused:
    common = {"command_type": row.command_type, "fingerprint": row.fingerprint}
    if row.accepted:
        return CommandAccepted(**common, result=from_json(row.result))
    return CommandRefused(**common, code=row.code, sentence=row.sentence)


def _context(row: Found) -> Context:
    return Context(
        account=row.account,
        actor=Actor(kind=row.by_kind, id=row.by_id, name=row.by_name),
        at=moment(row.at),
        command_id=UUID(row.command_id),
        shard=row.shard,
        position=row.position,
    )


def _account(row: Found, senders: tuple[Sender, ...]) -> Account:
    stopped = None
    if row.stopped_at is not None:
        stopped = Stopped(row.stopped_code, row.stopped_reason, moment(row.stopped_at))
    return Account(
        account=row.account,
        activated_at=maybe(row.activated_at),
        activated_by=None if row.activated_at is None else who_of(row),
        country=row.country,
        currency=row.currency,
        agreement_version=row.agreement_version,
        settings=AccountSettings.model_validate_json(row.settings or "{}"),
        sender=senders[0].sender if senders else None,
        sender_region=senders[0].region if senders else None,
        senders=senders,
        stopped=stopped,
        balance=row.balance or 0,
    )


def _receipt(row: Found) -> Receipt:
    return Receipt(
        account=row.account,
        command_id=UUID(row.command_id),
        command_type=row.command_type,
        accepted=row.accepted,
        code=row.code,
        sentence=row.sentence,
        result=from_json(row.result or "{}"),
        at=moment(row.at),
        by=who_of(row),
    )
