"""The account: activation, settings, senders and credit."""

from typing import NamedTuple
from uuid import UUID

from babel import Locale
from phonenumbers import SUPPORTED_REGIONS

from domain import keywords
from domain.policy import Policy
from domain.refusals import Refused
from domain.senders import SENDERS_MAX, Sender
from schemas.account_settings import AccountSettings, SettingsChange
from schemas.commands import ActivateTexting
from schemas.events import (
    Event,
    NotificationsSet,
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

# --- state ----------------------------------------------------------------------------------------


class Account(NamedTuple):
    """What decisions need to know of an account. Its size does not grow with its history."""

    balance: int = 0
    country: str | None = None
    currency: str | None = None
    settings: AccountSettings = AccountSettings()
    senders: tuple[Sender, ...] = ()
    """What it texts from, in the order in which they were assigned."""
    stopped: str | None = None
    """Why the carrier refuses the account as a whole, if it does."""
    listening: frozenset[str] = frozenset()
    """The members who want to hear of actions in the profiles that they follow."""

    @property
    def active(self) -> bool:
        """Whether texting was activated."""
        return self.country is not None


def evolve(state: Account, event: Event) -> Account:
    """`state` after `event`. Never refuses."""
    match event:
        case SegmentsDebited() | SegmentsRefunded() | SegmentsAdjusted() | PackageBought():
            return Account(event.balance, *state[1:])  # on every send: four times as fast as _replace
        case TextingActivated():
            return state._replace(country=event.country, currency=event.currency, balance=event.balance)
        case SettingsChanged():
            return state._replace(settings=event.settings)
        case SenderAssigned():
            return state._replace(senders=_assigned(state.senders, event))
        case SenderWithdrawn():
            return state._replace(senders=tuple(one for one in state.senders if one.id != event.sender))
        case NotificationsSet():
            rest = state.listening - {event.member}
            return state._replace(listening=rest | {event.member} if event.profile_actions else rest)
        case SendingStopped():
            return state._replace(stopped=event.reason)
        case SendingResumed():
            return state._replace(stopped=None)
        case _:
            return state


def _assigned(senders: tuple[Sender, ...], event: SenderAssigned) -> tuple[Sender, ...]:
    """One that was there already keeps its place."""
    sender = Sender(event.sender, event.region, event.kind, event.carrier)
    if event.replaces:
        return (sender,)
    if any(one.id == sender.id for one in senders):
        return tuple(sender if one.id == sender.id else one for one in senders)
    return (*senders, sender)


# --- decisions ------------------------------------------------------------------------------------


def activate(state: Account, command: ActivateTexting, policy: Policy) -> list[Event]:
    """Switch texting on; the free texts come with the first time, once for ever."""
    if command.country not in SUPPORTED_REGIONS:
        raise Refused("country_unknown", country=command.country)
    if command.currency not in Locale("en").currencies:
        raise Refused("currency_unknown", currency=command.currency)
    free = 0 if state.active else policy.free_segments
    events: list[Event] = [
        TextingActivated(
            country=command.country,
            currency=command.currency,
            agreement_version=command.agreement.version,
            free_segments=free,
            balance=state.balance + free,
        )
    ]
    if command.company is not None:
        events += change_settings(state, SettingsChange(company=command.company))
    return events


def buy(state: Account, package: str, policy: Policy) -> list[Event]:
    """Buy a package in the account's currency."""
    require_active(state)
    if package not in policy.packages:
        raise Refused("no_such_package", package=package, known=", ".join(sorted(policy.packages)))
    offer = policy.packages[package]
    if state.currency is None or state.currency not in offer.prices:
        raise Refused("no_price", package=package, currency=state.currency)
    return [
        PackageBought(
            package=package,
            segments=offer.segments,
            price=str(offer.prices[state.currency]),
            currency=state.currency,
            balance=state.balance + offer.segments,
        )
    ]


def change_settings(state: Account, change: SettingsChange) -> list[Event]:
    """The settings as they stand after `change`; nothing, if that is how they stand already."""
    missing = change.keyword_packs - keywords.PACKS.keys()
    if missing:
        known = ", ".join(sorted(keywords.PACKS))
        raise Refused("no_such_keyword_pack", packs=", ".join(sorted(missing)), known=known)
    settings = change.applied_to(state.settings)
    return [] if settings == state.settings else [SettingsChanged(settings=settings)]


def set_notifications(state: Account, member: str, *, profile_actions: bool) -> list[Event]:
    """Whether `member` hears of actions in the profiles that they follow."""
    if (member in state.listening) == profile_actions:
        return []
    return [NotificationsSet(member=member, profile_actions=profile_actions)]


def assign_sender(state: Account, sender: Sender) -> list[Event]:
    """Text from `sender`, too."""
    if sender in state.senders:
        return []
    if len(state.senders) >= SENDERS_MAX and all(one.id != sender.id for one in state.senders):
        raise Refused("too_many_senders", limit=SENDERS_MAX)
    return [SenderAssigned(sender=sender.id, region=sender.region, kind=sender.kind, carrier=sender.carrier)]


def withdraw_sender(state: Account, sender: str) -> list[Event]:
    """Text from `sender` no longer."""
    if all(one.id != sender for one in state.senders):
        raise Refused("sender_unknown")
    return [SenderWithdrawn(sender=sender)]


def debit(state: Account, text_id: UUID, segments: int) -> list[Event]:
    """Pay a text's segments."""
    if segments > state.balance:
        raise Refused("insufficient_credit", needed=segments, balance=state.balance)
    return [SegmentsDebited.of(text_id, segments, state.balance - segments)]


def refund(state: Account, text_id: UUID, segments: int, reason: str) -> list[Event]:
    """Give a text's segments back."""
    return [
        SegmentsRefunded(text_id=text_id, segments=segments, reason=reason, balance=state.balance + segments)
    ]


def adjust(state: Account, segments: int, reason: str) -> list[Event]:
    """Correct the balance by hand; `segments` is signed."""
    if state.balance + segments < 0:
        raise Refused("balance_would_be_negative", balance=state.balance)
    return [SegmentsAdjusted(segments=segments, reason=reason, balance=state.balance + segments)]


def follow_carrier_count(state: Account, text_id: UUID, paid: int, billed: int) -> list[SegmentsAdjusted]:
    """Follow the carrier's count of a text's segments, but never below an empty balance."""
    difference = max(paid - billed, -state.balance)
    if difference == 0:
        return []
    return [
        SegmentsAdjusted(
            segments=difference, reason="carrier_count", text_id=text_id, balance=state.balance + difference
        )
    ]


def stop_sending(state: Account, code: int | None, reason: str) -> list[Event]:
    """The carrier refuses the account as a whole."""
    return [] if state.stopped is not None else [SendingStopped(code=code, reason=reason)]


def resume_sending(state: Account) -> list[Event]:
    """What had stopped the account is put right."""
    if state.stopped is None:
        raise Refused("sending_not_stopped")
    return [SendingResumed()]


def require_active(state: Account) -> None:
    """Refuse unless texting is activated."""
    if not state.active:
        raise Refused("not_activated")


def require_sending(state: Account) -> None:
    """Refuse unless the account can send at all."""
    require_active(state)
    if state.stopped is not None:
        raise Refused("sending_stopped", reason=state.stopped)
    if not state.senders:
        raise Refused("no_sender")
