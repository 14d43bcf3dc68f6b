"""The notifications view: what each follower was told."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Integer

from projections.moments import micros
from projections.view import TEXT, Fold, View
from projections.writing import Writes
from schemas.events import Event, FollowerNotified, Recorded


class Notifications(View):
    """`notifications`, known by their event's place in the candidate's stream; ordered by the command's."""

    NAME = "notifications"
    VERSION = 1

    def __init__(self, copy: str = "", generation: int = 1) -> None:
        super().__init__(copy, generation)
        self.notifications = self._table(
            "notifications",
            Column("stream", TEXT, primary_key=True),
            Column("version", Integer, primary_key=True, autoincrement=False),
            Column("account", TEXT, nullable=False),
            Column("member", TEXT, nullable=False),
            Column("position", BigInteger, nullable=False),
            Column("candidate", TEXT, nullable=False),
            Column("conversation", TEXT, nullable=False),
            Column("about", TEXT, nullable=False),
            Column("sid", TEXT, nullable=False),
            Column("at", BigInteger, nullable=False),
        )
        order = ("account", "member", "position", "stream", "version")
        self._index("newest", *(self.notifications.c[name] for name in order))

    def _folds(self) -> Mapping[type[Event], Fold]:
        return {FollowerNotified: self._notified}

    def _notified(self, writes: Writes, recorded: Recorded, event: FollowerNotified) -> None:
        row = {
            "stream": recorded.stream,
            "version": recorded.version,
            "account": recorded.context.account,
            "member": event.member,
            "position": recorded.context.position,
            "candidate": event.candidate,
            "conversation": event.conversation,
            "about": event.about,
            "sid": event.sid,
            "at": micros(recorded.context.at),
        }
        writes.insert(self.notifications, (recorded.stream, recorded.version), row)
