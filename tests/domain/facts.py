"""What has happened: events with everything filled in that a story does not care about."""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain import segments
from domain.numbers import parse
from schemas import events as e
from schemas.account_settings import AccountSettings
from schemas.base import FIRST_CARRIER, SenderKind
from schemas.evidence import KeywordEvidence
from tests.domain.given import ACME, NOW, NUMBER, Placed, conversation_stream, on
from tests.domain.people import APPLICATION, SENDER, TEXT

# --- the account ------------------------------------------------------------------------------------


def activated(balance: int = 50, free: int = 50, **more: Any) -> e.TextingActivated:
    filled = {"country": "US", "currency": "USD", "agreement_version": "2026-01", **more}
    return e.TextingActivated(free_segments=free, balance=balance, **filled)


def assigned(
    sender: str = SENDER,
    region: str | None = "US",
    kind: SenderKind = "long_code",
    carrier: str = FIRST_CARRIER,
) -> e.SenderAssigned:
    return e.SenderAssigned(sender=sender, region=region, kind=kind, carrier=carrier)


def active(balance: int = 50) -> list[e.Event]:
    """Texting is on, with free texts and a sender."""
    return [activated(balance), assigned()]


def settings(**chosen: Any) -> e.SettingsChanged:
    return e.SettingsChanged(settings=AccountSettings(**chosen))


def stopped(reason: str = "Number not registered.") -> e.SendingStopped:
    return e.SendingStopped(code=30034, reason=reason)


def debited(count: int, balance: int, text_id: UUID = TEXT) -> e.SegmentsDebited:
    return e.SegmentsDebited(text_id=text_id, segments=count, balance=balance)


def refunded(count: int, balance: int, reason: str, text_id: UUID = TEXT) -> e.SegmentsRefunded:
    return e.SegmentsRefunded(text_id=text_id, segments=count, reason=reason, balance=balance)


def listening(*members: str) -> list[e.NotificationsSet]:
    return [e.NotificationsSet(member=member, profile_actions=True) for member in members]


# --- numbers and consent ----------------------------------------------------------------------------


def numbered(candidate: str = "ada", number: str = NUMBER, zone: str | None = None) -> list[Placed]:
    """The candidate has the number, which nobody had before."""
    return [
        *added(candidate, number, zone),
        *on(number, e.ConversationOpened(number=number, region=parse(number).region)),
        *on(number, e.CandidateJoined(candidate=candidate, time_zone=zone)),
    ]


def joined(candidate: str, number: str = NUMBER, zone: str | None = None) -> list[Placed]:
    """The candidate has the number, which somebody had before."""
    return [
        *added(candidate, number, zone),
        *on(number, e.CandidateJoined(candidate=candidate, time_zone=zone)),
    ]


def added(candidate: str, number: str, zone: str | None = None, name: str | None = None) -> list[Placed]:
    stream = conversation_stream(ACME, number)
    region = parse(number).region
    return on(
        number,
        e.NumberAdded(
            candidate=candidate, conversation=stream, number=number, name=name, region=region, time_zone=zone
        ),
    )


def removed(candidate: str = "ada", number: str = NUMBER) -> list[Placed]:
    stream = conversation_stream(ACME, number)
    return [
        *on(number, e.NumberRemoved(candidate=candidate, conversation=stream)),
        *on(number, e.CandidateLeft(candidate=candidate)),
    ]


def granted(candidate: str = "ada", **more: Any) -> e.ConsentGranted:
    return e.ConsentGranted(**{"candidate": candidate, "obtained_at": NOW, "evidence": APPLICATION, **more})


def granted_by_keyword(keyword: str = "START") -> e.ConsentGranted:
    return e.ConsentGranted(candidate=None, obtained_at=NOW, evidence=KeywordEvidence(keyword=keyword))


def withdrawn(cause: Any = "member", reason: str | None = None) -> e.ConsentWithdrawn:
    return e.ConsentWithdrawn(cause=cause, reason=reason)


def revoked(keyword: str = "STOP") -> e.ConsentRevoked:
    return e.ConsentRevoked(keyword=keyword)


def flagged(sid: str = "SM1") -> e.StopRequestFlagged:
    return e.StopRequestFlagged(sid=sid)


def ready(balance: int = 50) -> list[e.Event | list[Placed]]:
    """Ada can be texted."""
    return [*active(balance), numbered(), granted()]


# --- texts ------------------------------------------------------------------------------------------


def queued(body: str = "Hello", text_id: UUID = TEXT, **more: Any) -> e.TextQueued:
    return e.TextQueued(text_id=text_id, body=body, **_counted(body), **{"candidate": "ada", **more})


def scheduled(
    send_at: datetime, body: str = "Hello", text_id: UUID = TEXT, delay: Any = "requested", **more: Any
) -> e.TextScheduled:
    filled = {**_counted(body), "candidate": "ada", **more}
    return e.TextScheduled(text_id=text_id, body=body, send_at=send_at, delay=delay, **filled)


def bulk_started(bulk: UUID) -> e.BulkStarted:
    """A bulk whose recipients do not matter."""
    return e.BulkStarted(bulk=bulk, body="Hello", send_at=None, conversations=(), refused=0)


def rescheduled(
    send_at: datetime, delay: Any = "requested", text_id: UUID = TEXT, code: int | None = None
) -> e.TextRescheduled:
    return e.TextRescheduled(text_id=text_id, send_at=send_at, delay=delay, code=code)


def cancelled(reason: str, text_id: UUID = TEXT) -> e.TextCancelled:
    return e.TextCancelled(text_id=text_id, reason=reason)


def dispatched(
    attempt: int = 1, text_id: UUID = TEXT, sender: str = SENDER, carrier: str = FIRST_CARRIER
) -> e.DispatchStarted:
    return e.DispatchStarted(text_id=text_id, attempt=attempt, sender=sender, carrier=carrier)


def doubted(attempt: int = 1, reason: str = "No answer.") -> e.DispatchDoubted:
    return e.DispatchDoubted(text_id=TEXT, attempt=attempt, reason=reason)


def sent(
    status: Any = "queued", sid: str = "SM9", text_id: UUID = TEXT, billed: int | None = 1
) -> e.TextSent:
    """The carrier took it, and counted it as we did; a report, whose `billed` is None, does not say."""
    return e.TextSent(text_id=text_id, sid=sid, status=status, billed=billed)


def reported(status: Any, sid: str = "SM9") -> e.TextSent:
    return sent(status, sid, billed=None)


def delivered(text_id: UUID = TEXT, *, counted: bool = True) -> e.TextDelivered:
    return e.TextDelivered(text_id=text_id, counted=counted)


def failed(
    status: Any = "failed", code: int | None = None, reason: str = "", *, counted: bool = True
) -> e.TextFailed:
    return e.TextFailed(text_id=TEXT, status=status, code=code, reason=reason, counted=counted)


def _counted(body: str) -> dict[str, Any]:
    counted = segments.count(body)
    return {"encoding": counted.encoding, "segments": counted.segments}
