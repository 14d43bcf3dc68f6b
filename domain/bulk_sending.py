"""Sending one text to many: each recipient by the rules of a single text, all of them in one decision.

What a bulk's texts lead to afterwards, in whichever conversation, is counted in the bulk's own stream.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar
from uuid import UUID, uuid5

from pydantic import JsonValue

from domain import account as accounts
from domain import bulk as bulks
from domain import numbers, sending
from domain.refusals import Refused
from domain.turn import Turn
from schemas.commands import CancelBulk, Command, PauseBulk, Recipient, ResumeBulk, SendBulk, SendText
from schemas.events import BulkCount, BulkStarted, ConsentRevoked, DispatchStarted, Event, TextFailed

Result = dict[str, JsonValue]
C = TypeVar("C", bound=Command)


def send(turn: Turn, command: SendBulk) -> Result:
    """Accept a text for each recipient who may be texted, as long as credit lasts; list the others."""
    accounts.require_sending(turn.account)
    sending.require_body(command.body)
    sending.require_time(turn, command.send_at)
    sent: list[str] = []
    accepted: list[JsonValue] = []
    refused: list[JsonValue] = []
    for index, recipient in enumerate(command.recipients):
        about: Result = {"index": index, "candidate": recipient.candidate}
        try:
            stream = _send_one(turn, command, recipient)
        except Refused as no:
            refused.append({**about, "code": no.code, "sentence": no.sentence})
        else:
            sent.append(stream)
            accepted.append({**about, "text_id": str(text_id_of(command.command_id, stream))})
    started = BulkStarted(
        bulk=command.command_id,
        body=command.body,
        send_at=command.send_at,
        conversations=tuple(sent),
        refused=len(refused),
    )
    turn.on_bulk(command.command_id, [started])
    return {
        "bulk": str(command.command_id),
        "accepted": accepted,
        "refused": refused,
        "balance": turn.account.balance,
    }


def _send_one(turn: Turn, command: SendBulk, recipient: Recipient) -> str:
    """The stream of the conversation that the text was accepted in."""
    stream = turn.stream_of(numbers.parse(recipient.number).e164)
    text_id = text_id_of(command.command_id, stream)
    if text_id in turn.conversation(stream).texts:
        raise Refused("recipient_repeated")
    text = SendText.model_construct(  # of what was checked as a part of the bulk
        command_id=text_id,
        account=command.account,
        actor=command.actor,
        candidate=recipient.candidate,
        number=recipient.number,
        body=command.body,
        send_at=command.send_at,
    )
    sending.accept(turn, text, command.command_id)
    return stream


def text_id_of(bulk: UUID, stream: str) -> UUID:
    """The id of the bulk's text in the conversation `stream`: made of a hash, it gives no number away."""
    return uuid5(bulk, stream)


# --- holding, releasing, ending it ----------------------------------------------------------------


def pause(turn: Turn, command: PauseBulk) -> Result:
    """Hand nothing more over."""
    return _while_some_wait(turn, command.bulk, bulks.pause(turn.bulk(command.bulk), command.bulk))


def resume(turn: Turn, command: ResumeBulk) -> Result:
    """Go on."""
    return _while_some_wait(turn, command.bulk, bulks.resume(turn.bulk(command.bulk), command.bulk))


def _while_some_wait(turn: Turn, bulk: UUID, events: list[Event]) -> Result:
    waiting = len(list(_waiting(turn, bulk)))
    if not waiting:
        raise Refused("bulk_finished")
    turn.on_bulk(bulk, events)
    return {"bulk": str(bulk), "waiting": waiting}


def cancel(turn: Turn, command: CancelBulk) -> Result:
    """Call back and refund what has not left. What the carrier turns out not to have taken follows later."""
    bulk = command.bulk
    bulks.require_open(turn.bulk(bulk))
    waiting = list(_waiting(turn, bulk))
    if not waiting:
        raise Refused("bulk_finished")
    for stream, text_id in waiting:
        sending.call_back(turn, stream, text_id, "cancelled_by_member")
    turn.on_bulk(bulk, bulks.cancel(turn.bulk(bulk), bulk, len(waiting)))
    return {"bulk": str(bulk), "cancelled": len(waiting), "balance": turn.account.balance}


def _waiting(turn: Turn, bulk: UUID) -> Iterator[tuple[str, UUID]]:
    for stream in turn.bulk(bulk).conversations:
        text_id = text_id_of(bulk, stream)
        text = turn.conversation(stream).texts.get(text_id)
        if text is not None and text.state == "waiting":
            yield stream, text_id


# --- what becomes of its texts --------------------------------------------------------------------


def counting(decision: Callable[[Turn, C], Result]) -> Callable[[Turn, C], Result]:
    """`decision`, and what it does to texts of bulks is counted there."""

    def counted(turn: Turn, command: C) -> Result:
        result = decision(turn, command)
        for stream, event in tuple(turn.events):
            if isinstance(event, _COUNTED):
                _count(turn, stream, event)
        return result

    return counted


_COUNTED = (DispatchStarted, TextFailed, ConsentRevoked)


def _count(turn: Turn, stream: str, event: DispatchStarted | TextFailed | ConsentRevoked) -> None:
    before = turn.book.conversation(stream)  # what this decision ended is in it still
    if isinstance(event, ConsentRevoked):
        last = before.last_bulk
        if last is not None and turn.now - last.at <= turn.policy.bulk_opt_out_within:
            _count_one(turn, last.bulk, "opted_out")
        return
    bulk = before.texts[event.text_id].bulk
    if bulk is None:
        return
    if isinstance(event, TextFailed):
        _count_one(turn, bulk, "failed")
    elif event.attempt == 1:
        _count_one(turn, bulk, "handed_over")


def _count_one(turn: Turn, bulk: UUID, what: BulkCount) -> None:
    turn.on_bulk(bulk, bulks.count(turn.bulk(bulk), bulk, what, turn.policy))
