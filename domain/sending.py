"""Sending: the rules a text must pass, in their order, and what becomes of it then.

The first rule that fails is the refusal:

 1. the actor may view and send texts                    not_permitted (domain.decide)
 2. the account is active, and not stopped               not_activated, sending_stopped
 3. the account has a sender                             no_sender
 4. the number is valid                                  number_invalid, number_ambiguous,
                                                         number_region_needed, number_cannot_be_texted
 5. the candidate has the number                         number_unknown
 6. its country may be texted                            country_blocked, french_number
 7. consent stands, and nothing waits for a review       consent_not_given, consent_withdrawn,
                                                         revoked_by_keyword, under_review
 8. there is something to send                           body_empty
 9. it fits                                              body_too_long
10. a first text says who writes and how to stop         first_text_incomplete (where the account requires it)
11. the time lies ahead, and outside quiet hours         send_at_past, never_open; not_permitted for whoever
                                                         overrides them without the permission to
12. the same was not said too often                      too_many_alike
13. not too much is waiting                              too_many_open_texts
14. there is credit                                      insufficient_credit
"""

from datetime import datetime
from typing import NamedTuple
from unicodedata import category
from uuid import UUID

from pydantic import JsonValue

from domain import account as accounts
from domain import conversation as conversations
from domain import first_text, numbers, repeats, senders
from domain.conversation import Conversation, OpenText
from domain.refusals import Refused
from domain.segments import TEXT_UNITS_MAX, Segments, count
from domain.turn import Turn
from schemas.actors import Permission
from schemas.commands import CancelText, RescheduleText, SendText
from schemas.events import Event, TextCancelled, TextQueued, TextRescheduled, TextScheduled
from schemas.writing import id_text, moment_text

_UNSEEN = frozenset({"Cc", "Cf", "Mn", "Me", "Zs", "Zl", "Zp"})
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # they pass for letters and symbols, and show nothing

OPEN_TEXTS_MAX = 100  # to one number: beyond it something is running wild


class Draft(NamedTuple):
    """A text that passed every rule but that of credit."""

    stream: str
    body: str
    """As it will be sent, an appended sentence included."""
    segments: Segments
    send_at: datetime | None
    """When it will be handed over; None is at once."""
    deferred: bool
    """Whether quiet hours moved it."""
    advice: tuple[str, ...]
    warnings: tuple[str, ...]


def send(turn: Turn, command: SendText) -> dict[str, JsonValue]:
    """Accept a text, for now or for later, and pay for it."""
    ready = accept(turn, command)
    return {
        "text_id": id_text(command.command_id),
        "encoding": ready.segments.encoding,
        "segments": ready.segments.segments,
        "send_at": None if ready.send_at is None else moment_text(ready.send_at),
        "deferred": ready.deferred,
        "advice": list(ready.advice),
        "warnings": list(ready.warnings),
        "balance": turn.account.balance,
    }


def accept(turn: Turn, command: SendText, bulk: UUID | None = None) -> Draft:
    """Hold `command` against rules 2 to 14, and do it; `bulk`: the one that it is a part of.

    Raises:
        Refused: with the first rule that fails.
    """
    ready = draft(turn, command)
    debit = accounts.debit(turn.account, command.command_id, ready.segments.segments)
    turn.on_conversation(ready.stream, [_accepted(command, ready, bulk)])
    turn.on_account(debit)
    return ready


def draft(turn: Turn, command: SendText) -> Draft:
    """Hold `command` against rules 2 to 13.

    Raises:
        Refused: with the first rule that fails.
    """
    account = turn.account
    accounts.require_sending(account)
    phone = numbers.parse(command.number)
    stream = turn.stream_of(phone.e164)
    conversation = turn.conversation(stream)
    if command.candidate not in conversation.candidates:
        raise Refused("number_unknown")
    sender = senders.choose(account.senders, phone.region, conversation.sender)
    warnings = numbers.require_country(phone.region, account, sender)
    conversations.require_consent(conversation, account.senders)
    segments = require_body(command.body)
    body, advice = _with_introduction(turn, conversation, command)
    if body != command.body:
        segments = _fitting(body)
    send_at, deferred = _due(turn, conversation, command, phone)
    require_measure(conversation, body, send_at or turn.now)
    return Draft(stream, body, segments, send_at, deferred, advice, warnings)


def require_body(body: str) -> Segments:
    """Hold `body` against rules 8 and 9."""
    for character in body:
        if category(character) not in _UNSEEN and character not in _FILLERS:
            return _fitting(body)
    raise Refused("body_empty")  # what cannot be seen is nothing


def _fitting(body: str) -> Segments:
    segments = count(body)
    if segments.units > TEXT_UNITS_MAX:
        raise Refused("body_too_long", units=segments.units, encoding=segments.encoding, limit=TEXT_UNITS_MAX)
    return segments


def _with_introduction(
    turn: Turn, conversation: Conversation, command: SendText
) -> tuple[str, tuple[str, ...]]:
    if conversation.introduced:
        return command.body, ()
    who = introduction(turn)
    missing = first_text.missing(command.body, who)
    mode = turn.account.settings.first_text
    if not missing or mode == "advise":
        return command.body, missing
    if mode == "require":
        raise Refused("first_text_incomplete", sentence=first_text.sentence(missing, who))
    return first_text.completed(command.body, who), ()


def introduction(turn: Turn) -> first_text.Introduction:
    """Who a first text should say is writing."""
    settings = turn.account.settings
    return first_text.Introduction(
        settings.language, settings.company, turn.actor.name, settings.keyword_packs
    )


def _due(
    turn: Turn, conversation: Conversation, command: SendText, phone: numbers.Phone
) -> tuple[datetime | None, bool]:
    require_time(turn, command.send_at)
    wanted = command.send_at or turn.now
    if command.override_quiet_hours:
        if not turn.actor.may(Permission.OVERRIDE_QUIET_HOURS):
            raise Refused("not_permitted", missing=Permission.OVERRIDE_QUIET_HOURS)
        return command.send_at, False
    zones = numbers.zones(phone, conversation.candidates[command.candidate])
    opening = numbers.opening(phone.region, turn.account, zones, wanted)
    if opening != wanted:
        return opening, True
    return command.send_at, False


def require_time(turn: Turn, send_at: datetime | None) -> None:
    """Refuse a time that is over."""
    if send_at is not None and send_at < turn.now:
        raise Refused("send_at_past")


def require_measure(conversation: Conversation, body: str, leaves_at: datetime) -> None:
    """Hold a text to the number against rules 12 and 13: what breaks them has run wild."""
    repeats.require_variety(conversation.said, body, leaves_at)
    if len(conversation.texts) >= OPEN_TEXTS_MAX:
        raise Refused("too_many_open_texts", limit=OPEN_TEXTS_MAX)


def _accepted(command: SendText, ready: Draft, bulk: UUID | None) -> Event:
    if ready.send_at is None:
        return TextQueued.of(
            command.command_id,
            command.candidate,
            ready.body,
            ready.segments.encoding,
            ready.segments.segments,
            overrides_quiet_hours=command.override_quiet_hours,
            bulk=bulk,
        )
    return TextScheduled.of(
        command.command_id,
        command.candidate,
        ready.body,
        ready.segments.encoding,
        ready.segments.segments,
        send_at=ready.send_at,
        delay="quiet_hours" if ready.deferred else "requested",
        overrides_quiet_hours=command.override_quiet_hours,
        bulk=bulk,
    )


# --- before it leaves -----------------------------------------------------------------------------


def reschedule(turn: Turn, command: RescheduleText) -> dict[str, JsonValue]:
    """Move a text that waits to another time."""
    phone = numbers.parse(command.number)
    stream = turn.stream_of(phone.e164)
    text = waiting_text(turn.conversation(stream), command.candidate, command.text_id)
    require_time(turn, command.send_at)
    opening = command.send_at
    if not text.overrides_quiet_hours:
        zones = numbers.zones(phone, turn.conversation(stream).candidates.get(command.candidate))
        opening = numbers.opening(phone.region, turn.account, zones, command.send_at)
    deferred = opening != command.send_at
    moved = TextRescheduled(
        text_id=command.text_id, send_at=opening, delay="quiet_hours" if deferred else "requested"
    )
    turn.on_conversation(stream, [moved])
    return {"text_id": str(command.text_id), "send_at": opening.isoformat(), "deferred": deferred}


def cancel(turn: Turn, command: CancelText) -> dict[str, JsonValue]:
    """Call a text back; its credit comes back."""
    stream = turn.stream_of(numbers.parse(command.number).e164)
    waiting_text(turn.conversation(stream), command.candidate, command.text_id)
    call_back(turn, stream, command.text_id, "cancelled_by_member")
    return {"text_id": str(command.text_id), "balance": turn.account.balance}


def waiting_text(conversation: Conversation, candidate: str, text_id: UUID) -> OpenText:
    """The candidate's text of that id, if it can still be called back.

    Raises:
        Refused: `text_unknown` or `already_dispatched`.
    """
    text = conversation.texts.get(text_id)
    if text is None or text.candidate != candidate:
        raise Refused("text_unknown")
    if text.state != "waiting":
        raise Refused("already_dispatched")
    return text


def call_back(turn: Turn, stream: str, text_id: UUID, reason: str) -> None:
    """Cancel a text that has not left, and refund it."""
    segments = turn.conversation(stream).texts[text_id].segments
    turn.on_conversation(stream, [TextCancelled(text_id=text_id, reason=reason)])
    turn.on_account(accounts.refund(turn.account, text_id, segments, reason))


def call_back_all(turn: Turn, stream: str, reason: str) -> int:
    """Cancel and refund every text to the number that has not left; how many there were."""
    waiting = [
        text_id for text_id, text in turn.conversation(stream).texts.items() if text.state == "waiting"
    ]
    for text_id in waiting:
        call_back(turn, stream, text_id, reason)
    return len(waiting)
