"""One command's decision in the making: the states it looks at, and the events it has come to so far."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain import account as accounts
from domain import bulk as bulks
from domain import candidate as candidates
from domain import conversation as conversations
from domain.account import Account
from domain.bulk import Bulk
from domain.candidate import Candidate
from domain.conversation import Conversation
from domain.policy import Policy
from schemas.commands import Command
from schemas.events import Event

State = Account | Conversation | Candidate | Bulk


class Book(Protocol):
    """Where a decision looks things up: the names of streams, and their states as they stand."""

    def account_stream(self, account: str, /) -> str: ...
    def conversation_stream(self, account: str, number: str, /) -> str: ...
    def candidate_stream(self, account: str, candidate: str, /) -> str: ...
    def bulk_stream(self, account: str, bulk: UUID, /) -> str: ...
    def account(self, stream: str, /) -> Account: ...
    def conversation(self, stream: str, /) -> Conversation: ...
    def candidate(self, stream: str, /) -> Candidate: ...
    def bulk(self, stream: str, /) -> Bulk: ...


class Turn:
    """Collects a decision's events, and shows each stream as it will stand after them."""

    __slots__ = (
        "_account",
        "_seen",
        "account_stream",
        "actor",
        "book",
        "command",
        "events",
        "now",
        "policy",
        "states",
    )

    def __init__(self, command: Command, book: Book, now: datetime, policy: Policy) -> None:
        self.command = command
        self.actor = command.actor
        self.book = book
        self.now = now
        self.policy = policy
        self.events: list[tuple[str, Event]] = []
        self.account_stream = book.account_stream(command.account)
        self._account = book.account(self.account_stream)
        self._seen: dict[str, Conversation | Candidate | Bulk] = {}
        self.states: dict[str, State] = {}
        """Every stream that has new events, with its state after them."""

    # --- looking ---------------------------------------------------------------------------------

    @property
    def account(self) -> Account:
        """The account that the command names."""
        return self._account

    def stream_of(self, number: str) -> str:
        """The stream of the account's conversation with `number` (E.164)."""
        return self.book.conversation_stream(self.command.account, number)

    def conversation(self, stream: str) -> Conversation:
        """The conversation in `stream`."""
        state = self._seen.get(stream)
        if state is None:
            state = self._seen[stream] = self.book.conversation(stream)
        assert isinstance(state, Conversation)
        return state

    def candidate(self, candidate: str) -> Candidate:
        """The candidate of that id."""
        stream = self.book.candidate_stream(self.command.account, candidate)
        state = self._seen.get(stream)
        if state is None:
            state = self._seen[stream] = self.book.candidate(stream)
        assert isinstance(state, Candidate)
        return state

    def bulk(self, bulk: UUID) -> Bulk:
        """The account's bulk of that id."""
        stream = self.book.bulk_stream(self.command.account, bulk)
        state = self._seen.get(stream)
        if state is None:
            state = self._seen[stream] = self.book.bulk(stream)
        assert isinstance(state, Bulk)
        return state

    # --- deciding --------------------------------------------------------------------------------

    def on_account(self, events: Sequence[Event]) -> None:
        """`events` happen to the account."""
        for event in events:
            self.events.append((self.account_stream, event))
            self._account = self.states[self.account_stream] = accounts.evolve(self._account, event)

    def on_conversation(self, stream: str, events: Sequence[Event]) -> None:
        """`events` happen to the conversation in `stream`."""
        state = self.conversation(stream)
        for event in events:
            self.events.append((stream, event))
            state = self.states[stream] = conversations.evolve(state, event, self.now)
        self._seen[stream] = state

    def on_candidate(self, candidate: str, events: Sequence[Event]) -> None:
        """`events` happen to the candidate of that id."""
        stream = self.book.candidate_stream(self.command.account, candidate)
        state = self.candidate(candidate)
        for event in events:
            self.events.append((stream, event))
            state = self.states[stream] = candidates.evolve(state, event)
        self._seen[stream] = state

    def on_bulk(self, bulk: UUID, events: Sequence[Event]) -> None:
        """`events` happen to the account's bulk of that id."""
        stream = self.book.bulk_stream(self.command.account, bulk)
        state = self.bulk(bulk)
        for event in events:
            self.events.append((stream, event))
            state = self.states[stream] = bulks.evolve(state, event)
        self._seen[stream] = state
