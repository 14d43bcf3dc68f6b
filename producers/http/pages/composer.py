"""Whether the visitor can write in a thread just now; if not, why, and what can be done."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from domain.countries import WARNINGS
from domain.refusals import REFUSALS
from producers.http.auth import Caller
from producers.http.deps import ApiDeps
from producers.http.preview import preview_text
from producers.http.preview_models import PreviewRequest
from projections.shapes import Thread
from schemas.actors import Permission

Remedy = Literal["add-consent", "review", "activate", "buy", "none"]

_PROBE = "."
"""The shortest text there is: what stands against it stands against every text."""
_OF_THE_TEXT = frozenset(
    {"body_empty", "body_too_long", "first_text_incomplete", "send_at_past", "never_open", "not_permitted"}
)
"""Refusals that another text, time or choice may avoid: they do not close the composer."""
_REMEDIES: Mapping[str, Remedy] = MappingProxyType(
    {
        "consent_not_given": "add-consent",
        "consent_withdrawn": "add-consent",
        "under_review": "review",
        "not_activated": "activate",
        "insufficient_credit": "buy",
    }
)


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why nothing can be sent, by the code and sentence with which the interface would refuse it."""

    code: str
    sentence: str
    remedy: Remedy


@dataclass(frozen=True, slots=True)
class Composer:
    """Where a text is written."""

    blocked: Blocked | None
    may_override: bool
    warnings: Mapping[str, str]
    """What the preview can warn of, by its code."""


def composer_for(deps: ApiDeps, visitor: Caller, thread: Thread) -> Composer | None:
    """None: the visitor may not send."""
    if not visitor.actor.may(Permission.VIEW, Permission.SEND):
        return None
    return Composer(
        blocked=_blocked(deps, visitor, thread),
        may_override=visitor.actor.may(Permission.OVERRIDE_QUIET_HOURS),
        warnings={str(code): sentence for code, sentence in WARNINGS.items()},
    )


def _blocked(deps: ApiDeps, visitor: Caller, thread: Thread) -> Blocked | None:
    probe = PreviewRequest(number=thread.number, body=_PROBE, candidate=thread.candidate)
    refusal = preview_text(visitor.account, visitor, probe, deps).refusal
    if refusal is not None and refusal.code not in _OF_THE_TEXT:
        return Blocked(refusal.code, refusal.sentence, _REMEDIES.get(refusal.code, "none"))
    account = deps.queries.account(visitor.account)
    if account is not None and account.balance == 0:
        sentence = REFUSALS["insufficient_credit"].format(needed=1, balance=0)
        return Blocked("insufficient_credit", sentence, "buy")
    return None
