"""The states that decisions look at: a bounded cache over the ledger."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from domain import account as accounts
from domain import bulk as bulks
from domain import candidate as candidates
from domain import conversation as conversations
from domain import snapshots
from domain.account import Account
from domain.bulk import Bulk
from domain.candidate import Candidate
from domain.conversation import Conversation
from domain.ledger import Ledger, StreamNames
from domain.turn import State

STREAMS_CACHED_MAX = 50_000  # about 1 kB each

_Evolve = Callable[[Any, Any, datetime], State]


def _timeless(evolve: Callable[[Any, Any], State]) -> _Evolve:
    """`evolve` of a state that keeps no times."""
    return lambda state, event, _: evolve(state, event)


_KINDS: Mapping[str, tuple[type[State], _Evolve]] = MappingProxyType(
    {
        "a": (Account, _timeless(accounts.evolve)),
        "b": (Bulk, _timeless(bulks.evolve)),
        "c": (Conversation, conversations.evolve),
        "p": (Candidate, _timeless(candidates.evolve)),
    }
)
"""By the first letter of a stream's name."""


@dataclass(slots=True)
class Entry:
    """A stream as the cache knows it."""

    state: State
    version: int
    """How many events the stream has."""
    snapshot_version: int
    """The version of its latest snapshot; 0 is none."""


class States:
    """The `Book` of one shard's decisions. For one thread alone."""

    def __init__(self, ledger: Ledger, names: StreamNames, cached_max: int = STREAMS_CACHED_MAX) -> None:
        self._ledger = ledger
        self._cached_max = cached_max
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._looks = 0
        self.account_stream = names.account
        self.conversation_stream = names.conversation
        self.candidate_stream = names.candidate
        self.bulk_stream = names.bulk

    def __len__(self) -> int:
        return len(self._entries)

    # --- as decisions see it ---------------------------------------------------------------------

    def account(self, stream: str) -> Account:
        """The account in `stream`."""
        state = self.entry(stream).state
        assert isinstance(state, Account)
        return state

    def conversation(self, stream: str) -> Conversation:
        """The conversation in `stream`."""
        state = self.entry(stream).state
        assert isinstance(state, Conversation)
        return state

    def candidate(self, stream: str) -> Candidate:
        """The candidate in `stream`."""
        state = self.entry(stream).state
        assert isinstance(state, Candidate)
        return state

    def bulk(self, stream: str) -> Bulk:
        """The bulk in `stream`."""
        state = self.entry(stream).state
        assert isinstance(state, Bulk)
        return state

    # --- as the shard keeps it -------------------------------------------------------------------

    @property
    def at_hand(self) -> Mapping[str, Entry]:
        """The entries of all streams that a decision has just looked at, and of others."""
        return self._entries

    def entry(self, stream: str) -> Entry:
        """The stream's entry, from the cache or the ledger."""
        self._looks += 1
        entry = self._entries.get(stream)
        if entry is None:
            entry = self._entries[stream] = self._load(stream)
        else:
            self._entries.move_to_end(stream)
        return entry

    def clear(self) -> None:
        """Forget everything; the ledger knows."""
        self._entries.clear()

    def begin(self) -> None:
        """A batch begins: what is looked at from now on is not on disk yet, and must not be dropped."""
        self._looks = 0

    def trim(self) -> None:
        """Drop the streams not looked at for longest."""
        keep = max(self._cached_max, self._looks)  # the latest looks are at the end
        while len(self._entries) > keep:
            self._entries.popitem(last=False)

    def _load(self, stream: str) -> Entry:
        kind, evolve = _KINDS[stream[0]]
        state, version = kind(), 0
        snapshot = self._ledger.load_snapshot(stream)
        if snapshot is not None and (known := snapshots.read(kind, snapshot[1])) is not None:
            state, version = known, snapshot[0]
        snapshot_version = version
        for recorded in self._ledger.read(stream, after=version):
            state = evolve(state, recorded.event, recorded.context.at)
            version = recorded.version
        return Entry(state, version, snapshot_version)
