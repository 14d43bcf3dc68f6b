"""States as bytes, so that a long history need not be read from its beginning."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType

from pydantic import TypeAdapter, ValidationError

from domain.account import Account
from domain.bulk import Bulk
from domain.candidate import Candidate
from domain.conversation import Conversation
from domain.turn import State

FOLD = 2
"""To be raised whenever `evolve` makes something else of the same events: older snapshots are then void."""


def write(state: State) -> bytes:
    """`state` as JSON, after the mark of its shape. Holds nothing personal, as no state does."""
    form = _FORMS[type(state)]
    return form.mark + form.adapter.dump_json(state)


def read(kind: type[State], data: bytes) -> State | None:
    """The state that `data` holds; None where its shape is not today's, and the events must be read."""
    form = _FORMS[kind]
    if not data.startswith(form.mark):
        return None  # a field that came since would be empty, not what the events say
    try:
        return form.adapter.validate_json(data.removeprefix(form.mark))
    except ValidationError:
        return None


@dataclass(frozen=True, slots=True)
class _Form:
    adapter: TypeAdapter[State]
    mark: bytes
    """Differs wherever the fields of the state, or what is in them, differ."""


def _form(kind: type[State]) -> _Form:
    adapter = TypeAdapter[State](kind)
    shape = json.dumps([FOLD, adapter.json_schema()], sort_keys=True)
    return _Form(adapter, blake2b(shape.encode(), digest_size=8).hexdigest().encode())


_FORMS: Mapping[type[State], _Form] = MappingProxyType(
    {kind: _form(kind) for kind in (Account, Bulk, Candidate, Conversation)}
)
