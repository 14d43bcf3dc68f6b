"""Which events change what a reader sees."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from projections.changes import Change, ChangeKind
from projections.source import Batch
from schemas import events as e
from schemas.events import Event, Recorded

_Subject = Callable[[Recorded, Any], str | None]


def changes_of(batch: Batch) -> Sequence[Change]:
    """What `batch` changed, by ascending id; many changes of one thing are one, under the last one's id."""
    last: dict[tuple[str, ChangeKind, str | None], int] = {}
    for position, recorded in batch.events:
        event = recorded.event
        rule = _RULES.get(type(event))
        if rule is None:
            continue
        kinds, subject = rule
        of = subject(recorded, event)
        for kind in kinds:
            place = (recorded.context.account, kind, of)
            last.pop(place, None)  # put back at the end, to keep the order of ids
            last[place] = position
    return [Change(position, account, kind, subject) for (account, kind, subject), position in last.items()]


def _nothing(_: Recorded, __: Any) -> None:
    return None


def _candidate(_: Recorded, event: Any) -> str:
    return str(event.candidate)


def _member(_: Recorded, event: Any) -> str:
    return str(event.member)


def _conversation(recorded: Recorded, _: Any) -> str:
    return recorded.stream


def _bulk(_: Recorded, event: Any) -> str:
    return str(event.bulk)


def _command(recorded: Recorded, _: Any) -> str:
    return str(recorded.context.command_id)


_ACCOUNT: tuple[ChangeKind, ...] = ("account",)
_CREDITS: tuple[ChangeKind, ...] = ("credits",)
_CANDIDATE: tuple[ChangeKind, ...] = ("candidate",)
_CONSENT: tuple[ChangeKind, ...] = ("consent",)
_MESSAGE: tuple[ChangeKind, ...] = ("message",)
_RECEIPT: tuple[ChangeKind, ...] = ("receipt",)
_NOTIFICATION: tuple[ChangeKind, ...] = ("notification",)
_BULK: tuple[ChangeKind, ...] = ("bulk",)

_RULES: Mapping[type[Event], tuple[tuple[ChangeKind, ...], _Subject]] = MappingProxyType(
    {
        e.TextingActivated: ((*_ACCOUNT, *_CREDITS), _nothing),
        e.SettingsChanged: (_ACCOUNT, _nothing),
        e.SenderAssigned: (_ACCOUNT, _nothing),
        e.SenderWithdrawn: (_ACCOUNT, _nothing),
        e.SendingStopped: (_ACCOUNT, _nothing),
        e.SendingResumed: (_ACCOUNT, _nothing),
        e.NotificationsSet: (_ACCOUNT, _nothing),
        e.PackageBought: (_CREDITS, _nothing),
        e.SegmentsDebited: (_CREDITS, _nothing),
        e.SegmentsRefunded: (_CREDITS, _nothing),
        e.SegmentsAdjusted: (_CREDITS, _nothing),
        e.NumberAdded: (_CANDIDATE, _candidate),
        e.NumberRemoved: (_CANDIDATE, _candidate),
        e.CandidateFollowed: (_CANDIDATE, _candidate),
        e.CandidateUnfollowed: (_CANDIDATE, _candidate),
        e.ConversationOpened: (_CONSENT, _conversation),
        e.CandidateJoined: (_CONSENT, _conversation),
        e.CandidateLeft: (_CONSENT, _conversation),
        e.ConsentGranted: (_CONSENT, _conversation),
        e.ConsentWithdrawn: (_CONSENT, _conversation),
        e.ConsentRevoked: (_CONSENT, _conversation),
        e.StopRequestFlagged: ((*_CONSENT, *_MESSAGE), _conversation),
        e.StopRequestReviewed: (_CONSENT, _conversation),
        e.TextQueued: (_MESSAGE, _conversation),
        e.TextScheduled: (_MESSAGE, _conversation),
        e.TextRescheduled: (_MESSAGE, _conversation),
        e.TextCancelled: (_MESSAGE, _conversation),
        e.DispatchStarted: (_MESSAGE, _conversation),
        e.DispatchDoubted: (_MESSAGE, _conversation),
        e.TextSent: (_MESSAGE, _conversation),
        e.TextDelivered: (_MESSAGE, _conversation),
        e.TextFailed: (_MESSAGE, _conversation),
        e.TextUnknown: (_MESSAGE, _conversation),
        e.TextReceived: (_MESSAGE, _conversation),
        e.KeywordReceived: (_MESSAGE, _conversation),
        e.AttachmentStored: (_MESSAGE, _conversation),
        e.AttachmentRefused: (_MESSAGE, _conversation),
        e.ThreadRead: (_MESSAGE, _conversation),
        e.BulkStarted: (_BULK, _bulk),
        e.BulkCounted: (_BULK, _bulk),
        e.BulkPaused: (_BULK, _bulk),
        e.BulkResumed: (_BULK, _bulk),
        e.BulkCancelled: (_BULK, _bulk),
        e.FollowerNotified: (_NOTIFICATION, _member),
        e.CommandAccepted: (_RECEIPT, _command),
        e.CommandRefused: (_RECEIPT, _command),
    }
)
