"""The hand-over: the last look before it, and what the carrier makes of it.

A text goes forwards only: waiting, dispatching, (in doubt,) sent, and out of the conversation's state once it
is settled. News about a settled text, or older news than is known, changes nothing.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from pydantic import JsonValue

from domain import account as accounts
from domain import bulk as bulks
from domain import conversation as conversations
from domain import numbers, senders, sending
from domain.carrier_errors import NEVER_ARRIVED, OPTED_OUT, UNREACHABLE, CarrierError, Consequence, look_up
from domain.conversation import OpenText
from domain.numbers import Phone
from domain.refusals import Refused
from domain.senders import Sender
from domain.turn import Turn
from schemas.base import FIRST_CARRIER
from schemas.commands import (
    CarrierStatus,
    GivenUp,
    HandedOver,
    InDoubt,
    NotTaken,
    RecordHandover,
    RefundText,
    ReportStatus,
    StartDispatch,
    TurnedDown,
)
from schemas.events import (
    DispatchDoubted,
    DispatchStarted,
    TextCounted,
    TextDelivered,
    TextFailed,
    TextRecounted,
    TextRescheduled,
    TextSent,
    TextUnknown,
)

# --- the last look --------------------------------------------------------------------------------


def start(turn: Turn, command: StartDispatch) -> dict[str, JsonValue]:
    """Look at consent, number, country and hour once more; hand the text over, defer it or call it back."""
    stream = turn.stream_of(command.number)
    text = turn.conversation(stream).texts.get(command.text_id)
    if text is None or text.state != "waiting" or command.attempt != text.attempt + 1:
        raise Refused("stale")
    if text.send_at is not None and text.send_at > turn.now:
        raise Refused("not_due")
    if turn.account.stopped is not None:
        # Nothing is wrong with the text: it waits until the operator has put right what is.
        raise Refused("sending_stopped", reason=turn.account.stopped)
    if text.bulk is not None:
        bulks.require_running(turn.bulk(text.bulk))  # it waits, too, until somebody has looked
    try:
        phone = numbers.parse(command.number)
        sender = _sender(turn, stream, command, text, phone.region)
        deferred = _last_look(turn, stream, command, text, phone, sender)
    except Refused as broken:
        sending.call_back(turn, stream, command.text_id, broken.code)
        return {"dispatch": False, "reason": broken.code}
    if deferred:
        return {"dispatch": False, "reason": "quiet_hours"}
    started = DispatchStarted(
        text_id=command.text_id, attempt=command.attempt, sender=sender.id, carrier=sender.carrier
    )
    turn.on_conversation(stream, [started])
    return {"dispatch": True, "sender": sender.id, "carrier": sender.carrier}


def _sender(turn: Turn, stream: str, command: StartDispatch, text: OpenText, region: str) -> Sender:
    """What the text leaves from: not through a carrier that fails, as far as there is a choice."""
    accounts.require_sending(turn.account)
    failing = command.failing_carriers | text.failed_carriers
    sender = senders.choose(turn.account.senders, region, turn.conversation(stream).sender, failing)
    assert sender is not None  # an account that may send has one
    return sender


def _last_look(
    turn: Turn, stream: str, command: StartDispatch, text: OpenText, phone: Phone, sender: Sender
) -> bool:
    """Whether quiet hours moved the text once more; raises Refused where a rule no longer holds."""
    conversation = turn.conversation(stream)
    numbers.require_country(phone.region, turn.account, sender)
    if text.purpose != "message":
        return False  # the answer to a keyword: asked for by the candidate, this moment, whatever the hour
    if text.candidate not in conversation.candidates:
        raise Refused("number_unknown")
    conversations.require_consent(conversation, turn.account.senders)
    if text.bulk is not None:
        bulks.require_open(turn.bulk(text.bulk))  # it was out of reach when the bulk was called back
    _require_in_time(turn, text, text.send_at or command.due_at)
    if text.overrides_quiet_hours:
        return False
    zones = numbers.zones(phone, conversation.candidates.get(text.candidate or ""))
    opening = numbers.opening(phone.region, turn.account, zones, turn.now)
    if opening == turn.now:
        return False
    turn.on_conversation(
        stream, [TextRescheduled(text_id=command.text_id, send_at=opening, delay="quiet_hours")]
    )
    return True


def _require_in_time(turn: Turn, text: OpenText, due_at: datetime | None) -> None:
    """Refuse what could not leave when it was to, and would come too late without anybody having asked.

    "At once" is as much a chosen time as any other. Where quiet hours or the carrier chose it, or where it is
    one text of many, it is still good some hours later.
    """
    chosen = (text.send_at is None or text.requested) and text.bulk is None
    late_max = turn.policy.late_max if chosen else turn.policy.unhurried_late_max
    if due_at is not None and turn.now - due_at > late_max:
        raise Refused("missed", late=str(late_max))


# --- what the carrier answered --------------------------------------------------------------------


class Failure(NamedTuple):
    """Why an attempt came to nothing."""

    error: CarrierError
    code: int | None
    reason: str
    """For the recruiter, should it be the last attempt."""
    wait: timedelta = timedelta(0)
    """How long the carrier asks to wait at least."""


def record(turn: Turn, command: RecordHandover) -> dict[str, JsonValue]:
    """How an attempt ended. An attempt that is settled already is left as it is."""
    stream = turn.stream_of(command.number)
    text = turn.conversation(stream).texts.get(command.text_id)
    if text is None and isinstance(command.result, GivenUp):
        _count(turn, stream, command.text_id, None, None)
        return {"changed": bool(turn.events)}
    if text is None or text.attempt != command.attempt:
        return {"changed": False}
    if text.state == "waiting" and not isinstance(command.result, HandedOver):
        return {"changed": False}  # it waits for another try already; only that it arrived would be news
    match command.result:
        case HandedOver() as taken if taken.sid not in text.failed_sids:
            _advance(turn, stream, command.text_id, taken.sid, taken.status, taken.segments, None)
        case HandedOver() if text.state == "in_doubt":
            # Only an attempt that failed before was found, so this one never arrived.
            _not_sent(turn, stream, command.text_id, _failure(text, NotTaken(cause="absent")))
        case (TurnedDown() | NotTaken()) as no if text.state != "sent":
            _not_sent(turn, stream, command.text_id, _failure(text, no))
        case InDoubt(reason=reason) if text.state == "dispatching":
            doubt = DispatchDoubted(text_id=command.text_id, attempt=command.attempt, reason=reason)
            turn.on_conversation(stream, [doubt])
        case GivenUp():
            turn.on_conversation(stream, [TextUnknown(text_id=command.text_id)])
        case _:
            pass  # older news than is known
    return {"changed": bool(turn.events)}


def _failure(text: OpenText, no: TurnedDown | NotTaken) -> Failure:
    if isinstance(no, NotTaken):
        error = UNREACHABLE if no.cause == "unreachable" else NEVER_ARRIVED
        return Failure(error, None, error.reason(text.attempt))
    error = look_up(no.code, no.http_status)
    return Failure(error, no.code, error.reason(text.attempt), timedelta(seconds=no.retry_after_s or 0))


def report(turn: Turn, command: ReportStatus) -> dict[str, JsonValue]:
    """How far the carrier says a text has come."""
    stream = turn.stream_of(command.number)
    text = turn.conversation(stream).texts.get(command.text_id)
    if text is not None and text.attempt > 0 and text.may_be(command.sid):
        # Even while it waits for another try: the carrier has it after all.
        _advance(
            turn, stream, command.text_id, command.sid, command.status, command.segments, command.error_code
        )
    elif text is None and command.segments:
        _count(turn, stream, command.text_id, command.sid, command.segments)
    return {"changed": bool(turn.events)}


def _advance(
    turn: Turn,
    stream: str,
    text_id: UUID,
    sid: str,
    status: CarrierStatus,
    billed: int | None,
    code: int | None,
) -> None:
    text = turn.conversation(stream).texts[text_id]
    if text.state != "sent":
        taken = TextSent(text_id=text_id, sid=sid, status=status, billed=billed or None)
        turn.on_conversation(stream, [taken])
    if billed:
        _recount(turn, stream, text_id, billed)
    match status:
        case "delivered" | "read":
            counted = turn.conversation(stream).texts[text_id].counted
            _end(turn, stream, TextDelivered(text_id=text_id, counted=counted))
        case "failed" | "canceled":
            _not_sent(turn, stream, text_id, _reported(text, code, f"The carrier reports: {status}."))
        case "undelivered":
            unsaid = "The carrier could not deliver the text."
            _undelivered(turn, stream, text_id, _reported(text, code, unsaid))
        case _:
            pass  # on its way


def _reported(text: OpenText, code: int | None, unsaid: str) -> Failure:
    error = look_up(code)
    return Failure(error, code, unsaid if error.code is None else error.reason(text.attempt))


def _recount(turn: Turn, stream: str, text_id: UUID, billed: int) -> None:
    """Follow the carrier's count. Where it is ours, and was known, there is nothing to tell."""
    text = turn.conversation(stream).texts[text_id]
    paid = _pay(turn, text_id, text.segments, billed)
    if paid != text.segments or not text.counted:
        turn.on_conversation(stream, [TextRecounted(text_id=text_id, billed=billed, paid=paid)])


def _count(turn: Turn, stream: str, text_id: UUID, sid: str | None, billed: int | None) -> None:
    """What the carrier bills for `sid`, by which a text has ended. None: it is never learned; ours stands."""
    ended = turn.conversation(stream).uncounted.get(text_id)
    if ended is not None and (billed is None or sid == ended.sid):
        paid = _pay(turn, text_id, ended.segments, billed or ended.segments)
        turn.on_conversation(stream, [TextCounted(text_id=text_id, billed=billed, paid=paid)])


def _end(turn: Turn, stream: str, ended: TextDelivered | TextFailed) -> None:
    turn.on_conversation(stream, conversations.end(turn.conversation(stream), ended))


def _pay(turn: Turn, text_id: UUID, paid: int, billed: int) -> int:
    """What is paid for the text then: `billed`, as far as the balance allows."""
    adjusted = accounts.follow_carrier_count(turn.account, text_id, paid, billed)
    turn.on_account(adjusted)
    return paid - sum(one.segments for one in adjusted)


# --- what follows from a failure ------------------------------------------------------------------


def _not_sent(turn: Turn, stream: str, text_id: UUID, failure: Failure) -> None:
    """The text never reached the network: it is tried again, or what was paid for it comes back."""
    if not (_goes_elsewhere(turn, stream, text_id, failure) or _tried_again(turn, stream, text_id, failure)):
        _fail(turn, stream, text_id, failure)
        _bear(turn, stream, failure)


def _goes_elsewhere(turn: Turn, stream: str, text_id: UUID, failure: Failure) -> bool:
    """Whether another carrier is to take the text at once: this one is at fault, and does not have it."""
    text = turn.conversation(stream).texts[text_id]
    failed = text.failed_carriers | {text.carrier or FIRST_CARRIER}
    if not senders.is_carriers_fault(failure.error) or not senders.beyond(turn.account.senders, failed):
        return False
    moved = TextRescheduled(
        text_id=text_id, send_at=turn.now, delay="carrier", code=failure.code, failed_carriers=failed
    )
    turn.on_conversation(stream, [moved])
    return True


def _undelivered(turn: Turn, stream: str, text_id: UUID, failure: Failure) -> None:
    """The network took the text, and charged for it: another try is paid for like the first."""
    text = turn.conversation(stream).texts[text_id]
    paid = text.segments
    if paid <= turn.account.balance and _tried_again(turn, stream, text_id, failure):
        turn.on_account(accounts.debit(turn.account, text_id, paid))
        return
    ended = TextFailed(
        text_id=text_id,
        status="undelivered",
        code=failure.code,
        reason=failure.reason,
        counted=text.counted,
    )
    _end(turn, stream, ended)
    _bear(turn, stream, failure)


def _tried_again(turn: Turn, stream: str, text_id: UUID, failure: Failure) -> bool:
    attempt, retry = turn.conversation(stream).texts[text_id].attempt, failure.error.retry
    if retry is None or attempt >= retry.attempts_max:
        return False
    again = turn.now + max(retry.after(attempt, text_id), failure.wait)
    moved = TextRescheduled(text_id=text_id, send_at=again, delay="carrier", code=failure.code)
    turn.on_conversation(stream, [moved])
    return True


def _fail(turn: Turn, stream: str, text_id: UUID, failure: Failure) -> None:
    segments = turn.conversation(stream).texts[text_id].segments
    ended = TextFailed(text_id=text_id, status="failed", code=failure.code, reason=failure.reason)
    turn.on_conversation(stream, [ended])
    turn.on_account(accounts.refund(turn.account, text_id, segments, "failed"))


def _bear(turn: Turn, stream: str, failure: Failure) -> None:
    """What an error means beyond the text that met it."""
    if failure.error.consequence is Consequence.REVOKES_CONSENT:
        _opted_out(turn, stream)
    if failure.error.consequence is Consequence.CONFIGURATION:
        turn.on_account(accounts.stop_sending(turn.account, failure.code, failure.reason))


def _opted_out(turn: Turn, stream: str) -> None:
    """The carrier heard a stop that never reached us: it counts all the same."""
    turn.on_conversation(stream, conversations.revoke(turn.conversation(stream), str(OPTED_OUT)))
    sending.call_back_all(turn, stream, "revoked_by_keyword")


# --- by hand --------------------------------------------------------------------------------------


def refund(turn: Turn, command: RefundText) -> dict[str, JsonValue]:
    """Count a text whose fate could not be learned as failed, and pay it back."""
    stream = turn.stream_of(numbers.parse(command.number).e164)
    segments = turn.conversation(stream).unknown.get(command.text_id)
    if segments is None:
        raise Refused("text_not_unknown")
    ended = TextFailed(text_id=command.text_id, status="failed", code=None, reason=command.reason)
    turn.on_conversation(stream, [ended])
    turn.on_account(accounts.refund(turn.account, command.text_id, segments, "by_hand"))
    return {"balance": turn.account.balance}
