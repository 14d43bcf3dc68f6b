"""How the carrier treats one number: the place where faults are asked for."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from deploy.simulator.message import Status

DELAY_MAX_S = 600.0


class Fault(StrEnum):
    """What befalls the request that would create a text."""

    NONE = "none"
    SERVER_ERROR = "server_error"  # 500 or another `server_status`, and no text came about
    RESET_BEFORE = "reset_before"  # the connection is reset, and no text came about
    RESET_AFTER = "reset_after"  # the text came about, and its answer is lost
    ERROR_AFTER = "error_after"  # the text came about, and the answer is 500
    TIMEOUT_AFTER = "timeout_after"  # the text came about, and nothing is answered until the client gives up


class Callbacks(StrEnum):
    """What befalls the status callbacks of a text."""

    IN_ORDER = "in_order"
    LOST = "lost"
    TWICE = "twice"
    REVERSED = "reversed"
    SHUFFLED = "shuffled"  # and some of them twice


Delay = Annotated[float, Field(ge=0, le=DELAY_MAX_S)]
ErrorCode = Annotated[int, Field(ge=10_000, le=99_999)]
ServerStatus = Annotated[int, Field(ge=500, le=599)]
Ending = Literal["sent", "delivered", "undelivered", "failed"]


class Behaviour(BaseModel):
    """What happens to texts to one number. The default is an ordinary phone that gets them all.

    `answer_after_s` passes after the text came about and before the answer: longer than the client waits, it
    is a time-out after the fact, and callbacks overtake the answer; with `reports_first` they always do.
    `error_code` refuses at once, with `problem_details` in the form of RFC 9457. `report_after_s` is how late
    each callback is. `ends` and `ends_with_code` decide how delivery ends ("sent": nothing is heard after).
    `segments` is billed in place of what was counted, or `segments_more` on top. `sender` is shown in place
    of the number that sent; `overwritten` lets networks do so that are known for it. `reply` is what the
    phone answers by itself, `order` what shuffled callbacks are drawn from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer_after_s: Delay = 0.0
    error_code: ErrorCode | None = None
    problem_details: bool = False
    retry_after_s: Annotated[int, Field(ge=0, le=3_600)] | None = None
    fault: Fault = Fault.NONE
    server_status: ServerStatus = 500
    status_delay_s: Delay | None = None
    ends: Ending = "delivered"
    ends_with_code: ErrorCode | None = None
    callbacks: Callbacks = Callbacks.IN_ORDER
    order: int = 0
    reports_first: bool = False
    report_after_s: Delay = 0.0
    segments: Annotated[int, Field(ge=1, le=40)] | None = None
    segments_more: Annotated[int, Field(ge=-40, le=40)] = 0
    sender: Annotated[str, Field(min_length=1, max_length=16)] | None = None
    overwritten: bool = False
    reply: Annotated[str, Field(min_length=1, max_length=1_600)] | None = None
    reply_after_s: Delay = 0.0


ORDINARY = Behaviour()

# https://www.twilio.com/docs/iam/test-credentials: the numbers that always fail, and how.
MAGIC_RECIPIENTS = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_SENDERS = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}


@dataclass(frozen=True, slots=True)
class Happens:
    """After a delay, the text reaches `status`."""

    status: Status


@dataclass(frozen=True, slots=True)
class Reports:
    """The carrier calls back about `status`."""

    status: Status


Step = Happens | Reports


def plan(behaviour: Behaviour, first: Status) -> tuple[Step, ...]:
    """What comes after the `first` status of a text, step by step."""
    happened = _statuses(behaviour, first)
    match behaviour.callbacks:
        case Callbacks.IN_ORDER:
            return tuple(step for s in happened for step in (Happens(s), Reports(s)))
        case Callbacks.TWICE:
            return tuple(step for s in happened for step in (Happens(s), Reports(s), Reports(s)))
        case Callbacks.LOST:
            return tuple(Happens(s) for s in happened)
        case Callbacks.REVERSED:
            return (*(Happens(s) for s in happened), *(Reports(s) for s in reversed(happened)))
        case Callbacks.SHUFFLED:
            chance = random.Random(behaviour.order)  # noqa: S311  # it must repeat
            reports = [*happened, *chance.choices(happened, k=chance.randint(0, len(happened)))]
            chance.shuffle(reports)
            return (*(Happens(s) for s in happened), *(Reports(s) for s in reports))


def _statuses(behaviour: Behaviour, first: Status) -> tuple[Status, ...]:
    """Twilio's order: a messaging service accepts before it queues, and what fails was never sent."""
    queued: tuple[Status, ...] = ("queued",) if first == "accepted" else ()
    match behaviour.ends:
        case "failed":
            return (*queued, "failed")
        case "sent":
            return (*queued, "sent")
        case end:
            return (*queued, "sent", end)
