"""One text's way to the carrier and back: the steps, each a command of its own.

The id of a step follows from the text and the attempt, so that a step that is repeated, by whomever, finds
the first one's receipt and does nothing.
"""

from collections.abc import Callable
from datetime import datetime
from typing import get_args
from uuid import UUID, uuid5

from consumers.carriers.carrier import Accepted, Found, Outcome, OutgoingText, Rejected, Unknown, Unreachable
from projections.shapes import OpenText
from schemas.actors import SYSTEM
from schemas.commands import (
    CarrierStatus,
    GivenUp,
    HandedOver,
    InDoubt,
    NotTaken,
    RecordHandover,
    ReportStatus,
    Result,
    StartDispatch,
    TurnedDown,
)

CALLBACK = Callable[[str, UUID], str]
"""Account and text to the address where the carrier reports the text's status."""

ASKED_ANEW_AFTER_S = 2
_STATUSES = frozenset(get_args(CarrierStatus))


def start(text: OpenText, now: datetime, failing: frozenset[str] = frozenset()) -> StartDispatch:
    """Ask for the last look, while the carriers in `failing` do not answer.

    A refusal is for ever, but its reason may pass (a clock that stepped back, an account that was stopped):
    so asked after a while is asked anew. It is the attempt's number that keeps it from starting twice.
    """
    due = "" if text.due_at is None else text.due_at.isoformat()
    attempt, while_ = text.attempt + 1, int(now.timestamp()) // ASKED_ANEW_AFTER_S
    without = "".join(f" without {name}" for name in sorted(failing))
    return StartDispatch(
        command_id=uuid5(text.text_id, f"start {attempt} {due} {while_}{without}"),
        account=text.account,
        actor=SYSTEM,
        number=text.number,
        text_id=text.text_id,
        attempt=attempt,
        due_at=text.due_at,
        failing_carriers=failing,
        traceparent=text.traceparent,
    )


def outgoing(text: OpenText, sender: str, carrier: str, callback: CALLBACK, until_s: float) -> OutgoingText:
    """What the carrier is given, if it can be before `until_s` (by `time.monotonic`)."""
    return OutgoingText(
        text_id=text.text_id,
        to=text.number,
        body=text.body,
        sender=sender,
        status_callback=callback(text.account, text.text_id),
        traceparent=text.traceparent,
        until_s=until_s,
        carrier=carrier,
    )


def record(text: OpenText, attempt: int, outcome: Outcome) -> RecordHandover:
    """How the carrier answered. Its own words may quote the number, so they stay out."""
    result = _result(outcome)
    return _recorded(text, attempt, result, result.outcome)


def _result(outcome: Outcome) -> HandedOver | TurnedDown | NotTaken | InDoubt:
    match outcome:
        case Accepted(sid=sid, status=status, segments=segments, sender=sender):
            return HandedOver(sid=sid, status=status_of(status), segments=segments, sender=sender)
        case Rejected(code=code, http_status=http_status, retry_after_s=retry_after_s):
            return TurnedDown(code=code, http_status=http_status, retry_after_s=retry_after_s)
        case Unreachable():
            return NotTaken(cause="unreachable")
        case Unknown(reason=reason):
            return InDoubt(reason=reason)


# --- settling -------------------------------------------------------------------------------------


def doubt(text: OpenText, reason: str) -> RecordHandover:
    """Nobody knows how the hand-over ended: whoever began it is gone."""
    return _recorded(text, text.attempt, InDoubt(reason=reason), "in_doubt")


def found(text: OpenText, message: Found) -> RecordHandover:
    """The carrier has the text after all."""
    taken = HandedOver(
        sid=message.sid, status=status_of(message.status), segments=message.segments, sender=message.sender
    )
    return _recorded(text, text.attempt, taken, f"found {message.sid} {message.status}")


def absent(text: OpenText) -> RecordHandover:
    """The carrier lists its texts to this number, and ours is not among them: it never got it."""
    return _recorded(text, text.attempt, NotTaken(cause="absent"), "absent")


def give_up(text: OpenText) -> RecordHandover:
    """Nothing, or not its price, could be learned within the stated time."""
    return _recorded(text, text.attempt, GivenUp(), "given_up")


def progress(text: OpenText, message: Found) -> ReportStatus:
    """How far the text has come, asked for rather than reported."""
    return ReportStatus(
        command_id=uuid5(text.text_id, f"asked {message.sid} {message.status} {message.segments or ''}"),
        account=text.account,
        actor=SYSTEM,
        number=text.number,
        text_id=text.text_id,
        sid=message.sid,
        status=status_of(message.status),
        error_code=message.error_code,
        segments=message.segments,
        traceparent=text.traceparent,
    )


def status_of(word: str) -> CarrierStatus:
    """The carrier's word; one we do not know says no more than that it has the text."""
    return word if word in _STATUSES else "accepted"  # type: ignore[return-value]  # checked by the set


def _recorded(text: OpenText, attempt: int, result: Result, step: str) -> RecordHandover:
    return RecordHandover(
        command_id=uuid5(text.text_id, f"record {attempt} {step}"),
        account=text.account,
        actor=SYSTEM,
        number=text.number,
        text_id=text.text_id,
        attempt=attempt,
        result=result,
        traceparent=text.traceparent,
    )
