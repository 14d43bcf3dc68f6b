"""What the HTTP door is given by the wiring."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Depends, Request
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry

from domain.policy import Policy
from producers.dead_letters import DeadLetters
from producers.http.auth import AuthSettings
from producers.http.call_intake import CallIntake
from producers.http.public_address import Network
from producers.http.twilio_signature import CarrierSecrets
from projections.feeds import Changes
from projections.queries import Queries
from schemas.attachment_files import AttachmentFiles
from schemas.door import CommandDoor

Check = Callable[[], str | None]
"""A readiness check: None if all is well, else a sentence that says what is not. Must not block."""


@dataclass(frozen=True)
class CarrierDoor:
    """How the carriers reach us.

    Attributes:
        secrets: what signs the calls of each of our accounts with carriers, by its sid, and those of no
            other; calls that do not say whose they are must be signed as the first one's.
        public_url: where the carriers call us, e.g. `https://texts.example.com`: what they sign.
        proxies: whose word is taken for another address than that.
    """

    secrets: Mapping[str, CarrierSecrets]
    public_url: str
    proxies: tuple[Network, ...] = ()

    def secrets_of(self, account_sid: str | None) -> CarrierSecrets | None:
        """What signs the calls of that account; None if it is none of ours."""
        return self.secrets.get(account_sid) if account_sid else next(iter(self.secrets.values()))


@dataclass(frozen=True)
class ApiDeps:
    """Everything the HTTP door leans on."""

    door: CommandDoor
    queries: Queries
    changes: Changes
    policy: Policy
    auth: AuthSettings
    carrier: CarrierDoor
    calls: CallIntake
    dead_letters: DeadLetters
    attachments: AttachmentFiles | None
    """None: what comes with replies is not stored."""
    readiness: Mapping[str, Check]
    registry: CollectorRegistry
    clock: Callable[[], datetime]
    tracer: Tracer | None = None


async def _deps_of(request: Request) -> ApiDeps:
    deps: ApiDeps = request.app.state.deps
    return deps


Deps = Annotated[ApiDeps, Depends(_deps_of)]
"""A route's parameter: what the wiring gave."""


class OpsDeps(Protocol):
    """What the operator's routes lean on, in a process of any kind."""

    @property
    def readiness(self) -> Mapping[str, Check]:
        """The checks of `/readyz`, by name."""
        ...

    @property
    def registry(self) -> CollectorRegistry:
        """What `/metrics` shows."""
        ...


async def _ops_deps_of(request: Request) -> OpsDeps:
    deps: OpsDeps = request.app.state.deps
    return deps


Ops = Annotated[OpsDeps, Depends(_ops_deps_of)]
"""A route's parameter: as `Deps`, for the operator's routes."""
