"""Any event, any envelope: hypothesis strategies read off the language itself."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, IPvAnyAddress
from pydantic.fields import FieldInfo

from schemas.actors import Actor
from schemas.events import Context, Event, Recorded, event_classes

_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, tzinfo=UTC)
MOMENTS = st.integers(0, int((_LAST - _FIRST).total_seconds() * 1e6)).map(
    lambda microseconds: _FIRST + timedelta(microseconds=microseconds)
)
_Model = TypeVar("_Model", bound=BaseModel)
_LETTERS = st.characters(codec="utf-8", exclude_characters="\0")
_FAR = 2**53
INTEGERS = st.integers(-_FAR, _FAR)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
STREAMS = st.from_regex(r"[acpr][A-Za-z0-9_-]{1,30}", fullmatch=True)
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    UUID: st.uuids(),
    AwareDatetime: MOMENTS,
    NoneType: st.none(),
    IPvAnyAddress: st.ip_addresses(),
    Any: JSON_VALUES,
}


def events(cls: type[Event] | None = None) -> st.SearchStrategy[Event]:
    """Events of `cls`, or of any class."""
    return st.sampled_from(event_classes()).flatmap(events) if cls is None else models(cls)


def recorded(event: st.SearchStrategy[Event]) -> st.SearchStrategy[Recorded]:
    """`event` somewhere, by somebody, at some time."""
    contexts = st.builds(
        Context,
        account=st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True),
        actor=_ACTORS,
        at=MOMENTS,
        command_id=st.uuids(),
        shard=st.integers(0, 1_000),
        position=st.integers(0, 2**63 - 1),
        traceparent=st.none() | st.text(max_size=55),
    )
    return st.builds(Recorded, STREAMS, st.integers(1, 2**31 - 1), event, contexts)


def models(cls: type[_Model]) -> st.SearchStrategy[_Model]:
    """Valid instances of `cls`."""
    return st.builds(cls, **{name: _of_field(field) for name, field in cls.model_fields.items()})


def _of_field(field: FieldInfo) -> st.SearchStrategy[Any]:
    return _of(field.annotation, _limits(field.metadata))


def _of(annotation: Any, limits: dict[str, Any]) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is str:
        return _texts(limits)
    if annotation is int:
        return st.integers(limits.get("ge", -_FAR), limits.get("le", _FAR))
    if annotation is float:
        return st.floats(limits.get("ge"), limits.get("le"), allow_nan=False, allow_infinity=False)
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if origin is Annotated:
        return _of(arguments[0], limits | _limits(arguments[1:]))
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, UnionType):
        return st.one_of(*(_of(argument, {}) for argument in arguments))
    if origin in (tuple, frozenset):
        return st.lists(_of(arguments[0], {}), min_size=limits.get("min_length", 0), max_size=3).map(origin)
    if origin is dict:
        return st.dictionaries(_of(arguments[0], {}), _of(arguments[1], {}), max_size=3)
    if issubclass(annotation, StrEnum):
        return st.sampled_from(annotation)
    if annotation is Actor:
        return _ACTORS
    if issubclass(annotation, BaseModel):
        return models(annotation)
    raise TypeError(f"no strategy for {annotation}")


def _texts(limits: dict[str, Any]) -> st.SearchStrategy[str]:
    if "pattern" in limits:
        return st.from_regex(limits["pattern"], fullmatch=True)
    least, most = limits.get("min_length", 0), min(limits.get("max_length", 30), 30)
    texts = st.text(_LETTERS, min_size=least, max_size=most)
    return texts.filter(lambda text: len(text.strip()) >= least) if "strip_whitespace" in limits else texts


def _limits(metadata: Iterable[Any]) -> dict[str, Any]:
    names = ("pattern", "min_length", "max_length", "strip_whitespace", "ge", "le")
    found: dict[str, Any] = {}
    for entry in metadata:
        if isinstance(entry, FieldInfo):  # within a union
            found |= _limits(entry.metadata)
        found |= {name: getattr(entry, name) for name in names if getattr(entry, name, None) is not None}
    return found


_ACTORS = st.builds(
    Actor,
    kind=st.sampled_from(["member", "service", "carrier", "system"]),
    id=st.text(_LETTERS, min_size=1, max_size=20),
    name=st.none() | _texts({"min_length": 1, "max_length": 200, "strip_whitespace": True}),
)
