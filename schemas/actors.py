"""Who wants something, and what they may do."""

import re
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Message, ShortText, SortedSet, WithoutNul


class Permission(StrEnum):
    """What an actor may do. The values are the scopes of the access tokens."""

    VIEW = "texts:view"
    SEND = "texts:send"
    MANAGE = "texts:manage"
    AUDIT = "texts:audit"
    OVERRIDE_QUIET_HOURS = "texts:override-quiet-hours"
    RECORD_APPLICATIONS = "texts:record-applications"
    """An ATS service that passes on the consent a candidate gave when applying."""
    ACT_AS = "texts:act-as"
    """An ATS service that names the team member on whose behalf it writes."""
    OPERATE = "texts:operate"
    """Whoever runs Sayso: assigns senders, adjusts credit, releases what the carrier stopped."""
    CARRIER = "texts:carrier"
    """The carrier's doors and Sayso's own workers."""


CANDIDATE_ID = r"^[A-Za-z0-9][A-Za-z0-9._:~-]{0,127}$"
_FOREIGN = re.compile(CANDIDATE_ID)

ActorKind = Literal["member", "candidate", "service", "carrier", "system"]


class Actor(Message):
    """Who: a team member, the candidate, a service of the ATS, the carrier, or Sayso itself."""

    kind: ActorKind
    id: Annotated[str, Field(min_length=1, max_length=128), WithoutNul]
    name: ShortText | None = None
    permissions: SortedSet[Permission] = frozenset()

    @model_validator(mode="after")
    def _gives_nothing_away(self) -> Self:
        """Actors stand beside events in the clear; what a candidate is called does not."""
        if self.kind == "candidate" and (self.name is not None or not _FOREIGN.fullmatch(self.id)):
            raise ValueError("a candidate acts under the id that the ATS chose, without a name")
        return self

    def may(self, *permissions: Permission) -> bool:
        """Whether every one of `permissions` was given."""
        return self.permissions.issuperset(permissions)


SYSTEM = Actor(kind="system", id="sayso", permissions=frozenset({Permission.CARRIER}))
"""Sayso's own workers: dispatcher, scheduler."""
CARRIER = Actor(kind="carrier", id="twilio", permissions=frozenset({Permission.CARRIER}))
