"""States as bytes, so that a long history need not be read from its beginning."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import TypeAdapter, ValidationError

from domain.account import Account
from domain.candidate import Candidate
from domain.conversation import Conversation
from domain.turn import State

_ADAPTERS: Mapping[type[State], TypeAdapter[State]] = MappingProxyType(
    {kind: TypeAdapter(kind) for kind in (Account, Candidate, Conversation)}
)


def write(state: State) -> bytes:
    """`state` as JSON. Holds nothing personal, as no state does."""
    return _ADAPTERS[type(state)].dump_json(state)


def read(kind: type[State], data: bytes) -> State | None:
    """The state that `data` holds; None where its shape is not today's, and the events must be read."""
    try:
        return _ADAPTERS[kind].validate_json(data)
    except ValidationError:
        return None
