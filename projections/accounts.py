"""The accounts view: what each account chose, its senders, its members' wishes; and whose each sender is."""

from collections.abc import Mapping

import structlog
from pydantic_core import to_json
from sqlalchemy import BigInteger, Boolean, Column, ColumnElement, Integer, Select, select, update

from projections.moments import micros
from projections.view import TEXT, Fold, View, who, who_columns
from projections.writing import Row, Writes
from schemas.events import (
    Event,
    NotificationsSet,
    Recorded,
    SenderAssigned,
    SenderWithdrawn,
    SendingResumed,
    SendingStopped,
    SettingsChanged,
    TextingActivated,
)

_log = structlog.get_logger(__name__)


class Accounts(View):
    """`accounts`: one row each. `members`: who wants notifications. `senders`: where what comes in belongs.

    A sender stays with the account that had it first: replies to a number that was once theirs still reach
    them, and a second account's claim to it is logged and changes nothing. Every claim is kept with its
    moment, since accounts of several shards are shown in any order. `assigned_at` and `assigned_position`
    order an account's present senders; they are empty while it does not text from that one.
    """

    NAME = "accounts"
    VERSION = 3

    def __init__(self, copy: str = "", generation: int = 1) -> None:
        super().__init__(copy, generation)
        self.accounts = self._table(
            "accounts",
            Column("account", TEXT, primary_key=True),
            Column("activated_at", BigInteger),
            *who_columns(),
            Column("country", TEXT),
            Column("currency", TEXT),
            Column("agreement_version", TEXT),
            Column("settings", TEXT),
            Column("stopped_at", BigInteger),
            Column("stopped_code", Integer),
            Column("stopped_reason", TEXT),
        )
        self.members = self._table(
            "members",
            Column("account", TEXT, primary_key=True),
            Column("member", TEXT, primary_key=True),
            Column("profile_actions", Boolean, nullable=False),
        )
        self.senders = self._table(
            "senders",
            Column("sender", TEXT, primary_key=True),
            Column("account", TEXT, primary_key=True),
            Column("at", BigInteger, nullable=False),
            Column("position", BigInteger, nullable=False),
            Column("region", TEXT),
            Column("kind", TEXT),
            Column("carrier", TEXT),
            Column("assigned_at", BigInteger),
            Column("assigned_position", BigInteger),
        )
        self._index("of_account", self.senders.c.account)

    def owner(self, sender: str) -> Select[str]:
        """Asks whose `sender` is: of those who claimed it, the first."""
        claims = self.senders.c
        first = (claims.at, claims.position, claims.account)
        return select(claims.account).where(claims.sender == sender).order_by(*first).limit(1)

    def _folds(self) -> Mapping[type[Event], Fold]:
        return {
            TextingActivated: self._activated,
            SettingsChanged: self._settings,
            SenderAssigned: self._assigned,
            SenderWithdrawn: self._withdrawn,
            NotificationsSet: self._notifications,
            SendingStopped: self._stopped,
            SendingResumed: self._resumed,
        }

    def _activated(self, writes: Writes, recorded: Recorded, event: TextingActivated) -> None:
        context = recorded.context
        columns = {
            "activated_at": micros(context.at),
            **who(context.actor),
            "country": event.country,
            "currency": event.currency,
            "agreement_version": event.agreement_version,
        }
        self._put(writes, recorded, columns)

    def _settings(self, writes: Writes, recorded: Recorded, event: SettingsChanged) -> None:
        self._put(writes, recorded, {"settings": to_json(event.settings).decode()})

    def _assigned(self, writes: Writes, recorded: Recorded, event: SenderAssigned) -> None:
        """One that is there already keeps its place among the account's own."""
        context = recorded.context
        account, at = context.account, micros(context.at)
        self._put(writes, recorded, {})
        claim = {"sender": event.sender, "account": account}
        since = {"at": at, "position": context.position}
        writes.ensure(self.senders, (event.sender, account), {**claim, **since})
        writes.flush()
        if event.replaces:
            self._withdraw(writes, self.senders.c.account == account)
        ours = self._place(event.sender, account)
        is_there = writes.connection.scalar(select(self.senders.c.assigned_at).where(ours)) is not None
        place = {} if is_there else {"assigned_at": at, "assigned_position": context.position}
        known = {"region": event.region, "kind": event.kind, "carrier": event.carrier}
        writes.connection.execute(update(self.senders).where(ours).values(**known, **place))
        owner = writes.connection.scalar(self.owner(event.sender))
        if owner != account:
            _log.warning("sender_belongs_to_another_account", account=account, owner=owner)

    def _withdrawn(self, writes: Writes, recorded: Recorded, event: SenderWithdrawn) -> None:
        writes.flush()
        self._withdraw(writes, self._place(event.sender, recorded.context.account))

    def _withdraw(self, writes: Writes, which: ColumnElement[bool]) -> None:
        nowhere = {"assigned_at": None, "assigned_position": None}
        writes.connection.execute(update(self.senders).where(which).values(**nowhere))

    def _place(self, sender: str, account: str) -> ColumnElement[bool]:
        return (self.senders.c.sender == sender) & (self.senders.c.account == account)

    def _notifications(self, writes: Writes, recorded: Recorded, event: NotificationsSet) -> None:
        key = (recorded.context.account, event.member)
        writes.put(self.members, key, {"profile_actions": event.profile_actions})

    def _stopped(self, writes: Writes, recorded: Recorded, event: SendingStopped) -> None:
        at = micros(recorded.context.at)
        columns = {"stopped_at": at, "stopped_code": event.code, "stopped_reason": event.reason}
        self._put(writes, recorded, columns)

    def _resumed(self, writes: Writes, recorded: Recorded, _: SendingResumed) -> None:
        columns = {"stopped_at": None, "stopped_code": None, "stopped_reason": None}
        self._put(writes, recorded, columns)

    def _put(self, writes: Writes, recorded: Recorded, columns: Row) -> None:
        writes.put(self.accounts, (recorded.context.account,), columns)
