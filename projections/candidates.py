"""The candidates view: who they are, which numbers they have or had, and who follows them."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Integer

from projections.moments import micros
from projections.view import TEXT, Fold, View
from projections.writing import Writes
from schemas.events import (
    CandidateFollowed,
    CandidateJoined,
    CandidateLeft,
    CandidateUnfollowed,
    Event,
    NumberAdded,
    NumberRemoved,
    Recorded,
)


class Candidates(View):
    """`candidates`, their `numbers` (by conversation) and their `followers`.

    A number that was taken away keeps its row with `removed_at`, and `left_version`: the place in the
    conversation where the candidate's part in it ended.
    """

    NAME = "candidates"
    VERSION = 1

    def __init__(self, copy: str = "", generation: int = 1) -> None:
        super().__init__(copy, generation)
        self.candidates = self._table(
            "candidates",
            Column("account", TEXT, primary_key=True),
            Column("candidate", TEXT, primary_key=True),
            Column("added_at", BigInteger, nullable=False),
            Column("name", TEXT),
        )
        self._index("newest", *(self.candidates.c[name] for name in ("account", "added_at", "candidate")))
        self.numbers = self._table(
            "numbers",
            Column("account", TEXT, primary_key=True),
            Column("candidate", TEXT, primary_key=True),
            Column("conversation", TEXT, primary_key=True),
            Column("region", TEXT),
            Column("time_zone", TEXT),
            Column("added_at", BigInteger),
            Column("removed_at", BigInteger),
            Column("left_version", Integer),
        )
        self.followers = self._table(
            "followers",
            Column("account", TEXT, primary_key=True),
            Column("candidate", TEXT, primary_key=True),
            Column("member", TEXT, primary_key=True),
        )

    def _folds(self) -> Mapping[type[Event], Fold]:
        return {
            NumberAdded: self._added,
            NumberRemoved: self._removed,
            CandidateJoined: self._joined,
            CandidateLeft: self._left,
            CandidateFollowed: self._followed,
            CandidateUnfollowed: self._unfollowed,
        }

    def _added(self, writes: Writes, recorded: Recorded, event: NumberAdded) -> None:
        account, at = recorded.context.account, micros(recorded.context.at)
        key = (account, event.candidate)
        row = {"account": account, "candidate": event.candidate, "added_at": at}
        writes.ensure(self.candidates, key, row)
        if event.name is not None:
            writes.change(self.candidates, key, {"name": event.name})
        number = {"region": event.region, "time_zone": event.time_zone, "added_at": at, "removed_at": None}
        writes.put(self.numbers, (*key, event.conversation), number)

    def _removed(self, writes: Writes, recorded: Recorded, event: NumberRemoved) -> None:
        key = (recorded.context.account, event.candidate, event.conversation)
        writes.put(self.numbers, key, {"removed_at": micros(recorded.context.at)})

    def _joined(self, writes: Writes, recorded: Recorded, event: CandidateJoined) -> None:
        key = (recorded.context.account, event.candidate, recorded.stream)
        writes.put(self.numbers, key, {"left_version": None})

    def _left(self, writes: Writes, recorded: Recorded, event: CandidateLeft) -> None:
        key = (recorded.context.account, event.candidate, recorded.stream)
        writes.put(self.numbers, key, {"left_version": recorded.version})

    def _followed(self, writes: Writes, recorded: Recorded, event: CandidateFollowed) -> None:
        writes.put(self.followers, (recorded.context.account, event.candidate, event.member), {})

    def _unfollowed(self, writes: Writes, recorded: Recorded, event: CandidateUnfollowed) -> None:
        writes.remove(self.followers, (recorded.context.account, event.candidate, event.member))
