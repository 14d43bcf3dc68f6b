"""Every command's decision: who may want it, and where it is taken."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import JsonValue

from domain import account as accounts
from domain import attachments, bulk_sending, consent, dispatching, numbers, replies, senders, sending
from domain import candidate as candidates
from domain.policy import Policy
from domain.refusals import Refused
from domain.turn import Book, State, Turn
from schemas import commands as c
from schemas.actors import Permission
from schemas.events import Event, ThreadRead

PERMISSIONS_CACHED_MAX = 1_024

Result = dict[str, JsonValue]


class Decision(NamedTuple):
    """What a command leads to: events in order, each with its stream; the states after them; the result."""

    events: list[tuple[str, Event]]
    states: Mapping[str, State]
    result: Result


def decide(command: c.Command, book: Book, now: datetime, policy: Policy) -> Decision:
    """What `command` leads to, given what the `book` says, at the moment `now` (UTC). Changes nothing.

    Raises:
        Refused: the command is not to be done, with the first rule that it fails.
    """
    require_permission(command)
    turn = Turn(command, book, now, policy)
    result = RULES[type(command)].decision(turn, command)
    return Decision(turn.events, turn.states, result)


def require_permission(command: c.Command) -> None:
    """Refuse unless the actor of `command` may want it."""
    missing = _missing(command.actor.permissions, type(command))
    if missing:
        raise Refused("not_permitted", missing=missing)


@lru_cache(PERMISSIONS_CACHED_MAX)
def _missing(given: frozenset[Permission], kind: type[c.Command]) -> str:
    """What an actor with the permissions `given` lacks for commands of `kind`; empty if nothing."""
    allowed = RULES[kind].allowed
    if any(given >= needed for needed in allowed):
        return ""
    return ", ".join(sorted(allowed[0] - given))


# --- decisions of one stream ----------------------------------------------------------------------


def _activate(turn: Turn, command: c.ActivateTexting) -> Result:
    turn.on_account(accounts.activate(turn.account, command, turn.policy))
    return {"balance": turn.account.balance}


def _buy(turn: Turn, command: c.BuyPackage) -> Result:
    turn.on_account(accounts.buy(turn.account, command.package, turn.policy))
    return {"balance": turn.account.balance}


def _change_settings(turn: Turn, command: c.ChangeSettings) -> Result:
    turn.on_account(accounts.change_settings(turn.account, command.change))
    return {}


def _assign_sender(turn: Turn, command: c.AssignSender) -> Result:
    sender = senders.described(command, turn.policy.carriers)
    turn.on_account(accounts.assign_sender(turn.account, sender))
    return {"kind": sender.kind, "region": sender.region}


def _withdraw_sender(turn: Turn, command: c.WithdrawSender) -> Result:
    turn.on_account(accounts.withdraw_sender(turn.account, command.sender))
    return {"senders": len(turn.account.senders)}


def _adjust(turn: Turn, command: c.AdjustSegments) -> Result:
    turn.on_account(accounts.adjust(turn.account, command.segments, command.reason))
    return {"balance": turn.account.balance}


def _resume(turn: Turn, _: c.ResumeSending) -> Result:
    turn.on_account(accounts.resume_sending(turn.account))
    return {}


def _set_notifications(turn: Turn, command: c.SetNotifications) -> Result:
    member = command.actor.id
    turn.on_account(accounts.set_notifications(turn.account, member, profile_actions=command.profile_actions))
    return {}


def _follow(turn: Turn, command: c.FollowCandidate) -> Result:
    state = turn.candidate(command.candidate)
    turn.on_candidate(command.candidate, candidates.follow(state, command.candidate, command.actor.id))
    return {}


def _unfollow(turn: Turn, command: c.UnfollowCandidate) -> Result:
    state = turn.candidate(command.candidate)
    turn.on_candidate(command.candidate, candidates.unfollow(state, command.candidate, command.actor.id))
    return {}


def _mark_read(turn: Turn, command: c.MarkRead) -> Result:
    stream = turn.stream_of(numbers.parse(command.number).e164)
    if command.candidate not in turn.conversation(stream).candidates:
        raise Refused("number_unknown")
    turn.on_conversation(stream, [ThreadRead()])
    return {}


# --- who may do what ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """A command's decision, and the sets of permissions of which its actor needs one."""

    decision: Callable[[Turn, Any], Result]
    allowed: tuple[frozenset[Permission], ...]


_VIEW = frozenset({Permission.VIEW})
_SEND = frozenset({Permission.VIEW, Permission.SEND})
_MANAGE = frozenset({Permission.MANAGE})
_OPERATE = frozenset({Permission.OPERATE})
_APPLICATIONS = frozenset({Permission.RECORD_APPLICATIONS})
_CARRIER = frozenset({Permission.CARRIER})

RULES: Mapping[type[c.Command], Rule] = MappingProxyType(
    {
        c.ActivateTexting: Rule(_activate, (_MANAGE,)),
        c.BuyPackage: Rule(_buy, (_MANAGE,)),
        c.ChangeSettings: Rule(_change_settings, (_MANAGE,)),
        c.AssignSender: Rule(_assign_sender, (_OPERATE,)),
        c.WithdrawSender: Rule(_withdraw_sender, (_OPERATE,)),
        c.AdjustSegments: Rule(_adjust, (_OPERATE,)),
        c.ResumeSending: Rule(_resume, (_OPERATE,)),
        c.RefundText: Rule(dispatching.refund, (_OPERATE,)),
        c.SetNotifications: Rule(_set_notifications, (_VIEW,)),
        c.AddNumber: Rule(consent.add_number, (_SEND, _APPLICATIONS)),
        c.RemoveNumber: Rule(consent.remove_number, (_SEND, _APPLICATIONS)),
        c.ChangeNumber: Rule(consent.change_number, (_SEND, _APPLICATIONS)),
        c.FollowCandidate: Rule(_follow, (_VIEW,)),
        c.UnfollowCandidate: Rule(_unfollow, (_VIEW,)),
        c.RecordApplicationConsent: Rule(consent.record_application, (_APPLICATIONS,)),
        c.AddConsent: Rule(consent.add_by_hand, (_SEND,)),
        c.WithdrawConsent: Rule(consent.withdraw, (_SEND,)),
        c.ReviewStopRequest: Rule(consent.review, (_SEND,)),
        c.SendText: Rule(sending.send, (_SEND,)),
        c.RescheduleText: Rule(sending.reschedule, (_SEND,)),
        c.CancelText: Rule(sending.cancel, (_SEND,)),
        c.SendBulk: Rule(bulk_sending.send, (_SEND,)),
        c.PauseBulk: Rule(bulk_sending.pause, (_SEND,)),
        c.ResumeBulk: Rule(bulk_sending.resume, (_SEND,)),
        c.CancelBulk: Rule(bulk_sending.cancel, (_SEND,)),
        c.MarkRead: Rule(_mark_read, (_VIEW,)),
        c.ReceiveText: Rule(bulk_sending.counting(replies.receive), (_CARRIER,)),
        c.StartDispatch: Rule(bulk_sending.counting(dispatching.start), (_CARRIER,)),
        c.RecordHandover: Rule(bulk_sending.counting(dispatching.record), (_CARRIER,)),
        c.ReportStatus: Rule(bulk_sending.counting(dispatching.report), (_CARRIER,)),
        c.RecordAttachment: Rule(attachments.record, (_CARRIER,)),
    }
)
