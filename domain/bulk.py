"""The bulk: one text for many. Whom it is for, whether it goes on, and how it is received."""

from typing import Literal, NamedTuple
from uuid import UUID

from domain.policy import Policy
from domain.refusals import Refused
from schemas.events import (
    BulkCancelled,
    BulkCount,
    BulkCounted,
    BulkPauseCause,
    BulkPaused,
    BulkResumed,
    BulkStarted,
    Event,
)

# --- state ----------------------------------------------------------------------------------------

BulkState = Literal["unknown", "running", "paused", "cancelled"]


class Counts(NamedTuple):
    """What became of a bulk's texts."""

    handed_over: int = 0
    """At least once tried."""
    failed: int = 0
    opted_out: int = 0

    def without(self, other: "Counts") -> "Counts":
        """What came on top of `other`."""
        return Counts(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))


class Bulk(NamedTuple):
    """What decisions need to know of a bulk. It grows with the recipients, of whom there are few enough."""

    state: BulkState = "unknown"
    conversations: tuple[str, ...] = ()
    counts: Counts = Counts()
    counted_before: Counts = Counts()
    """As they stood when it was last resumed."""


def evolve(state: Bulk, event: Event) -> Bulk:
    """`state` after `event`. Never refuses."""
    match event:
        case BulkStarted():
            return state._replace(state="running", conversations=event.conversations)
        case BulkCounted():
            return state._replace(counts=Counts(event.handed_over, event.failed, event.opted_out))
        case BulkPaused():
            return state._replace(state="paused")
        case BulkResumed():
            return state._replace(state="running", counted_before=state.counts)
        case BulkCancelled():
            return state._replace(state="cancelled")
        case _:
            return state


# --- decisions ------------------------------------------------------------------------------------


def pause(state: Bulk, bulk: UUID) -> list[Event]:
    """A member holds it."""
    require_open(state)
    require_running(state)
    return [BulkPaused(bulk=bulk, cause="member")]


def resume(state: Bulk, bulk: UUID) -> list[Event]:
    """A member lets it go on."""
    require_open(state)
    if state.state != "paused":
        raise Refused("bulk_not_paused")
    return [BulkResumed(bulk=bulk)]


def cancel(state: Bulk, bulk: UUID, cancelled: int) -> list[Event]:
    """A member ends it; `cancelled` texts were called back."""
    require_open(state)
    return [BulkCancelled(bulk=bulk, cancelled=cancelled)]


def count(state: Bulk, bulk: UUID, what: BulkCount, policy: Policy) -> list[Event]:
    """One more of `what`; and it pauses itself, if that is one too many."""
    counts = state.counts._replace(**{what: getattr(state.counts, what) + 1})
    events: list[Event] = [BulkCounted(bulk=bulk, what=what, **counts._asdict())]
    cause = _alarm(counts.without(state.counted_before), policy)
    if cause is not None and state.state == "running":
        events.append(BulkPaused(bulk=bulk, cause=cause))
    return events


def _alarm(counts: Counts, policy: Policy) -> BulkPauseCause | None:
    if counts.handed_over < policy.bulk_sample_min:
        return None
    if counts.opted_out * 100 > counts.handed_over * policy.bulk_opted_out_percent_max:
        return "opt_outs"
    if counts.failed * 100 > counts.handed_over * policy.bulk_failed_percent_max:
        return "failures"
    return None


def require_open(state: Bulk) -> None:
    """Refuse unless there is such a bulk, and nobody ended it."""
    if state.state == "unknown":
        raise Refused("bulk_unknown")
    if state.state == "cancelled":
        raise Refused("bulk_cancelled")


def require_running(state: Bulk) -> None:
    """Refuse while it is paused."""
    if state.state == "paused":
        raise Refused("bulk_paused")
