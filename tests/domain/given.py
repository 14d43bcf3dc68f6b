"""Given, when, then: decisions told as stories, `now` and the ids being inputs.

    given(active(), numbered(), granted()).when(send("Hello")).then(queued("Hello"), debited(1, balance=49))

Every decision that is told here is also held to what holds for all of them: the states it hands out are those
that its events lead to, and each survives being written as a snapshot.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from domain import account as accounts
from domain import bulk as bulks
from domain import candidate as candidates
from domain import conversation as conversations
from domain import snapshots
from domain.account import Account
from domain.bulk import Bulk
from domain.candidate import Candidate
from domain.conversation import Conversation
from domain.decide import Decision, decide
from domain.policy import Policy
from domain.refusals import Refused
from domain.turn import State
from schemas.commands import Command
from schemas.events import (
    BulkCancelled,
    BulkCounted,
    BulkPaused,
    BulkResumed,
    BulkStarted,
    CandidateFollowed,
    CandidateUnfollowed,
    Event,
    FollowerNotified,
    NotificationsSet,
    NumberAdded,
    NumberRemoved,
    PackageBought,
    SegmentsAdjusted,
    SegmentsDebited,
    SegmentsRefunded,
    SenderAssigned,
    SenderWithdrawn,
    SendingResumed,
    SendingStopped,
    SettingsChanged,
    TextingActivated,
)

ACME = "acme"
NUMBER = "+14155552671"
NOW = datetime(2026, 3, 2, 18, tzinfo=UTC)
"""A Monday: ten in the morning in San Francisco, where NUMBER is from."""
POLICY = Policy()


@dataclass(frozen=True, slots=True)
class Placed:
    """An event in its stream."""

    stream: str
    event: Event
    at: datetime = field(default=NOW, compare=False)


Happening = Event | Placed | Iterable["Happening"]


def given(*happenings: Happening) -> "History":
    """What has happened so far. Events of conversations happened with NUMBER, unless put elsewhere."""
    return History(placed(happenings))


def on(number: str, *happenings: Happening) -> list[Placed]:
    """`happenings` in the conversation with `number`."""
    return placed(happenings, number)


def placed(happenings: Iterable[Happening], number: str = NUMBER) -> list[Placed]:
    found: list[Placed] = []
    for happening in happenings:
        match happening:
            case Placed():
                found.append(happening)
            case Event():
                found.append(Placed(home(happening, number), happening))
            case _:
                found += placed(happening, number)
    return found


# --- the book ---------------------------------------------------------------------------------------


def home(event: Event, number: str) -> str:
    """The stream that an event belongs to."""
    if isinstance(event, _OF_ACCOUNT):
        return account_stream(ACME)
    if isinstance(event, _OF_CANDIDATE):
        return candidate_stream(ACME, event.candidate)
    if isinstance(event, _OF_BULK):
        return bulk_stream(ACME, event.bulk)
    return conversation_stream(ACME, number)


def account_stream(account: str) -> str:
    return f"account {account}"


def conversation_stream(account: str, number: str) -> str:
    return f"conversation {account} {number}"


def candidate_stream(account: str, candidate: str) -> str:
    return f"person {account} {candidate}"


def bulk_stream(account: str, bulk: UUID) -> str:
    return f"bulk {account} {bulk}"


_OF_ACCOUNT = (
    NotificationsSet, PackageBought, SegmentsAdjusted, SegmentsDebited, SegmentsRefunded, SenderAssigned,
    SenderWithdrawn, SendingResumed, SendingStopped, SettingsChanged, TextingActivated,
)  # fmt: skip
_OF_BULK = (BulkCancelled, BulkCounted, BulkPaused, BulkResumed, BulkStarted)
_OF_CANDIDATE = (CandidateFollowed, CandidateUnfollowed, FollowerNotified, NumberAdded, NumberRemoved)


class History:
    """What has happened, and the book of states that follow from it."""

    account_stream = staticmethod(account_stream)
    conversation_stream = staticmethod(conversation_stream)
    candidate_stream = staticmethod(candidate_stream)
    bulk_stream = staticmethod(bulk_stream)

    def __init__(self, events: Sequence[Placed], now: datetime = NOW, policy: Policy = POLICY) -> None:
        self.events = events
        self.now = now
        self.policy = policy

    def at(self, now: datetime) -> "History":
        """The same, at another moment."""
        return History(self.events, now, self.policy)

    def under(self, policy: Policy) -> "History":
        """The same, under another policy of the operator's."""
        return History(self.events, self.now, policy)

    def when(self, command: Command) -> "Outcome":
        """`command` is decided."""
        try:
            decision = decide(command, self, self.now, self.policy)
        except Refused as refusal:
            return Outcome(self, None, refusal)
        new = [Placed(*event, self.now) for event in decision.events]
        after = History([*self.events, *new], self.now, self.policy)
        for stream, state in decision.states.items():
            assert after.state(stream) == state, "a decision's states are those that its events lead to"
            assert snapshots.read(type(state), snapshots.write(state)) == state
        return Outcome(after, decision, None)

    # --- states ----------------------------------------------------------------------------------

    def account(self, stream: str = account_stream(ACME)) -> Account:
        state = self.state(stream)
        assert isinstance(state, Account)
        return state

    def conversation(self, stream: str = conversation_stream(ACME, NUMBER)) -> Conversation:
        state = self.state(stream)
        assert isinstance(state, Conversation)
        return state

    def candidate(self, stream: str) -> Candidate:
        state = self.state(stream)
        assert isinstance(state, Candidate)
        return state

    def bulk(self, stream: str) -> Bulk:
        state = self.state(stream)
        assert isinstance(state, Bulk)
        return state

    def state(self, stream: str) -> State:
        kind, evolve = _KINDS[stream[0]]
        state = kind()
        for happened in self.events:
            if happened.stream == stream:
                times = [happened.at] if kind is Conversation else []
                state = evolve(state, happened.event, *times)
        return state


_KINDS: dict[str, tuple[type[State], Any]] = {
    "a": (Account, accounts.evolve),
    "b": (Bulk, bulks.evolve),
    "c": (Conversation, conversations.evolve),
    "p": (Candidate, candidates.evolve),
}


@dataclass(frozen=True)
class Outcome:
    """What came of a command."""

    history: History
    """With the events that the command led to."""
    decision: Decision | None
    refusal: Refused | None

    def then(self, *happenings: Happening) -> Self:
        """Exactly these events, in this order, in these streams."""
        assert self.events == placed(happenings)
        return self

    def refused(self, code: str, *words: str) -> None:
        """Nothing happened, for that reason; its sentence has these words."""
        assert self.refusal is not None, f"accepted: {self.events}"
        assert self.refusal.code == code
        for word in words:
            assert word in self.refusal.sentence

    def answering(self, **result: Any) -> Self:
        """The receipt says this, perhaps among other things."""
        assert {name: self.result[name] for name in result} == result
        return self

    @property
    def events(self) -> list[Placed]:
        return [Placed(*event, self.history.now) for event in self._accepted.events]

    @property
    def result(self) -> dict[str, Any]:
        return self._accepted.result

    def of(self, kind: type[Event]) -> list[Any]:
        """The new events of that kind."""
        return [happened.event for happened in self.events if isinstance(happened.event, kind)]

    @property
    def _accepted(self) -> Decision:
        assert self.decision is not None, f"refused: {self.refusal}"
        return self.decision

    # --- going on --------------------------------------------------------------------------------

    def and_when(self, command: Command) -> "Outcome":
        """And then that command."""
        assert self.decision is not None, f"refused: {self.refusal}"
        return self.history.when(command)

    def at(self, now: datetime) -> History:
        """And later."""
        return self.history.at(now)

    @property
    def balance(self) -> int:
        return self.history.account().balance

    def conversation(self, number: str = NUMBER) -> Conversation:
        """The conversation with `number` as it stands now."""
        return self.history.conversation(conversation_stream(ACME, number))
