"""Consent and the numbers it hangs on: what members and applications do to them."""

from functools import cache
from zoneinfo import available_timezones

from pydantic import JsonValue

from domain import candidate as candidates
from domain import conversation as conversations
from domain import numbers, sending
from domain.refusals import Refused
from domain.turn import Turn
from schemas.commands import (
    AddConsent,
    AddNumber,
    ChangeNumber,
    RecordApplicationConsent,
    RemoveNumber,
    ReviewStopRequest,
    WithdrawConsent,
)
from schemas.events import NumberAdded


def add_number(turn: Turn, command: AddNumber) -> dict[str, JsonValue]:
    """Give a candidate a number; the conversation with it opens."""
    if command.time_zone is not None and command.time_zone not in _time_zones():
        raise Refused("time_zone_unknown", time_zone=command.time_zone)
    phone = numbers.parse(command.number, command.region)
    _add(turn, command.candidate, phone, command.name, command.time_zone)
    return {"conversation": turn.stream_of(phone.e164), "region": phone.region}


@cache
def _time_zones() -> set[str]:
    return available_timezones()  # reads some 600 files


def remove_number(turn: Turn, command: RemoveNumber) -> dict[str, JsonValue]:
    """Take a number from a candidate, and with it the consent that came with their record."""
    _remove(turn, command.candidate, numbers.parse(command.number))
    return {}


def change_number(turn: Turn, command: ChangeNumber) -> dict[str, JsonValue]:
    """Replace a number by another, which starts without consent of its own."""
    old = numbers.parse(command.number)
    new = numbers.parse(command.to, command.region)
    zone = turn.conversation(turn.stream_of(old.e164)).candidates.get(command.candidate)
    _remove(turn, command.candidate, old)
    if new.e164 == old.e164:
        raise Refused("number_present")  # only written differently: that must not cost the consent
    _add(turn, command.candidate, new, None, zone)
    return {"conversation": turn.stream_of(new.e164), "region": new.region}


def _add(turn: Turn, candidate: str, phone: numbers.Phone, name: str | None, zone: str | None) -> None:
    stream = turn.stream_of(phone.e164)
    added = NumberAdded(
        candidate=candidate,
        conversation=stream,
        number=phone.e164,
        name=name,
        region=phone.region,
        time_zone=zone,
    )
    turn.on_candidate(candidate, candidates.add_number(turn.candidate(candidate), added))
    conversation = turn.conversation(stream)
    joined = conversations.join(conversation, candidate, zone)
    turn.on_conversation(stream, conversations.open_with(conversation, phone.e164, phone.region) + joined)


def _remove(turn: Turn, candidate: str, phone: numbers.Phone) -> None:
    stream = turn.stream_of(phone.e164)
    turn.on_candidate(candidate, candidates.remove_number(turn.candidate(candidate), candidate, stream))
    turn.on_conversation(stream, conversations.leave(turn.conversation(stream), candidate))
    conversation = turn.conversation(stream)
    waiting = [
        text_id
        for text_id, text in conversation.texts.items()
        if text.state == "waiting" and (text.candidate == candidate or conversation.consent != "granted")
    ]
    for text_id in waiting:
        sending.call_back(turn, stream, text_id, "number_removed")


def record_application(turn: Turn, command: RecordApplicationConsent) -> dict[str, JsonValue]:
    """Pass on what a candidate agreed to when applying."""
    return _grant(turn, command)


def add_by_hand(turn: Turn, command: AddConsent) -> dict[str, JsonValue]:
    """Record that a candidate agreed, on their behalf."""
    return _grant(turn, command)


def _grant(turn: Turn, command: RecordApplicationConsent | AddConsent) -> dict[str, JsonValue]:
    stream = turn.stream_of(numbers.parse(command.number).e164)
    events = conversations.grant(
        turn.conversation(stream),
        command.candidate,
        command.obtained_at,
        command.evidence,
        turn.now,
        turn.account.senders,
    )
    turn.on_conversation(stream, events)
    return {"consent": "granted"}


def withdraw(turn: Turn, command: WithdrawConsent) -> dict[str, JsonValue]:
    """Take consent back, and with it every text that has not left."""
    stream = turn.stream_of(numbers.parse(command.number).e164)
    events = conversations.withdraw(turn.conversation(stream), command.candidate, command.reason)
    turn.on_conversation(stream, events)
    cancelled = sending.call_back_all(turn, stream, "consent_withdrawn")
    return {"consent": "withdrawn", "cancelled": cancelled}


def review(turn: Turn, command: ReviewStopRequest) -> dict[str, JsonValue]:
    """A person has read what sounded like a wish to stop."""
    stream = turn.stream_of(numbers.parse(command.number).e164)
    conversation = turn.conversation(stream)
    if command.candidate not in conversation.candidates:
        raise Refused("number_unknown")
    turn.on_conversation(stream, conversations.review(conversation, wants_to_stop=command.wants_to_stop))
    cancelled = sending.call_back_all(turn, stream, "consent_withdrawn") if command.wants_to_stop else 0
    return {"consent": turn.conversation(stream).consent, "cancelled": cancelled}
