"""The conversation of one account and one number: whose it is, consent, and open texts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, TypeVar
from uuid import UUID

from domain import repeats
from domain.refusals import Refused
from domain.repeats import Said
from domain.senders import Sender, where_to_text
from schemas.events import (
    CandidateJoined,
    CandidateLeft,
    ConsentGranted,
    ConsentRevoked,
    ConsentWithdrawn,
    ConversationOpened,
    DispatchDoubted,
    DispatchStarted,
    Event,
    KeywordReceived,
    StopRequestFlagged,
    StopRequestReviewed,
    TextCancelled,
    TextCounted,
    TextDelivered,
    TextFailed,
    TextPurpose,
    TextQueued,
    TextReceived,
    TextRecounted,
    TextRescheduled,
    TextScheduled,
    TextSent,
    TextUnknown,
)
from schemas.evidence import ApplicationEvidence, ByHandEvidence, Evidence, KeywordEvidence

CANDIDATES_MAX = 20  # one family's phone; more is a switchboard
UNCOUNTED_MAX = 200
"""Texts to one number that ended before the carrier counted them: of more, the earliest keep our count."""
UNKNOWN_MAX = 100  # texts to one number that ended as unknown, the latest, which can be refunded by hand
T = TypeVar("T")

# --- state ----------------------------------------------------------------------------------------

ConsentStatus = Literal["not_given", "granted", "withdrawn", "revoked"]
OpenTextState = Literal["waiting", "dispatching", "in_doubt", "sent"]


class OpenText(NamedTuple):
    """A text whose end is not known yet."""

    segments: int
    """What was debited and not given back."""
    candidate: str | None
    state: OpenTextState = "waiting"
    send_at: datetime | None = None
    """When it is due; none: at once."""
    attempt: int = 0
    overrides_quiet_hours: bool = False
    purpose: TextPurpose = "message"
    requested: bool = False
    """Whether somebody chose `send_at`, rather than quiet hours or the carrier."""
    sender: str | None = None
    """What it was handed over from, the last time, and through which carrier."""
    carrier: str | None = None
    failed_carriers: frozenset[str] = frozenset()
    """Those that have just turned it down through no fault of its own."""
    sid: str | None = None
    """What the carrier calls it, once it has it."""
    failed_sids: frozenset[str] = frozenset()
    """What the carrier called it in attempts that it reported as failed: news of those is old."""
    counted: bool = False
    """Whether the carrier has said how many segments it bills, since it was handed over."""
    bulk: UUID | None = None

    def may_be(self, sid: str) -> bool:
        """Whether the carrier calls its latest attempt so, as far as is known.

        News of another one, which failed before or was thought not to have arrived, is not this one's.
        """
        return sid not in self.failed_sids and self.sid in (None, sid)


class Uncounted(NamedTuple):
    """A text that ended before the carrier counted it."""

    segments: int
    """What was paid for it."""
    sid: str | None
    """What the carrier calls the attempt that ended: another's count is not this one's."""


class BulkText(NamedTuple):
    """That a text of a bulk was handed over to the number."""

    bulk: UUID
    at: datetime


class Conversation(NamedTuple):
    """What decisions need to know of a conversation. Settled texts leave it, so that it stays small."""

    region: str | None = None
    """None until it is opened."""
    candidates: Mapping[str, str | None] = {}
    """Whose number it is, each with the time zone that the ATS gave."""
    consent: ConsentStatus = "not_given"
    granted_by: frozenset[str | None] = frozenset()
    """The candidates whose records brought the standing consent; None is the number itself, by keyword."""
    under_review: bool = False
    texted: bool = False
    """Whether the carrier ever took a text of ours, answers to keywords aside."""
    sender: str | None = None
    """Which of the account's senders the recipient knows: it texted them last, or they texted it."""
    unknown: Mapping[UUID, int] = {}
    """Texts that ended as unknown, with the segments paid, the earliest first."""
    uncounted: Mapping[UUID, Uncounted] = {}
    """The earliest first."""
    last_bulk: BulkText | None = None
    """Until consent is revoked, which may be its doing."""
    said: tuple[Said, ...] = ()
    """What was accepted for the number of late (domain.repeats)."""
    texts: Mapping[UUID, OpenText] = {}

    @property
    def opened(self) -> bool:
        """Whether the account and the number have met."""
        return self.region is not None

    @property
    def introduced(self) -> bool:
        """Whether the next text is not the first: one was sent, or is on its way."""
        if self.texted:
            return True
        for text in self.texts.values():  # noqa: SIM110  # the first one, mostly: without a generator
            if text.purpose == "message":
                return True
        return False


def evolve(state: Conversation, event: Event, at: datetime) -> Conversation:
    """`state` after `event`, which happened `at` that moment. Never refuses."""
    if type(event) is TextQueued:  # on every send: to ask pydantic's classes costs a microsecond
        return _opened(state, event.text_id, _queued(event), repeats.said(event.body, at), at)
    if type(event) is TextScheduled:
        return _opened(state, event.text_id, _scheduled(event), repeats.said(event.body, event.send_at), at)
    match event:
        case DispatchStarted() | TextSent() | DispatchDoubted() | TextRescheduled() | TextRecounted() if (
            event.text_id in state.texts
        ):
            text = _moved(state.texts[event.text_id], event)
            if isinstance(event, TextSent):
                state = _introduced(state, text)
            elif isinstance(event, DispatchStarted) and text.bulk is not None:
                state = state._replace(last_bulk=BulkText(text.bulk, at))
            return state._replace(texts={**state.texts, event.text_id: text})
        case TextDelivered() | TextFailed() | TextCancelled() | TextUnknown():
            return _settled(state, event)
        case TextCounted():
            return state._replace(uncounted=_without(state.uncounted, event.text_id))
        case _:
            return _evolve_consent(state, event)


def _introduced(state: Conversation, text: OpenText) -> Conversation:
    """The carrier has taken `text`: the recipient will know from whom."""
    texted = state.texted or text.purpose == "message"
    return state._replace(texted=texted, sender=text.sender or state.sender)


def _settled(
    state: Conversation, event: TextDelivered | TextFailed | TextCancelled | TextUnknown
) -> Conversation:
    text_id, text = event.text_id, state.texts.get(event.text_id)
    unknown, uncounted = _without(state.unknown, text_id), state.uncounted
    if isinstance(event, TextUnknown) and text is not None:
        unknown = dict([*unknown.items(), (text_id, text.segments)][-UNKNOWN_MAX:])
    elif isinstance(event, TextDelivered | TextFailed) and not event.counted and text is not None:
        uncounted = {**uncounted, text_id: Uncounted(text.segments, text.sid)}
    return state._replace(texts=_without(state.texts, text_id), unknown=unknown, uncounted=uncounted)


def _without(texts: Mapping[UUID, T], text_id: UUID) -> dict[UUID, T]:
    return {one: text for one, text in texts.items() if one != text_id}


def _opened(state: Conversation, text_id: UUID, text: OpenText, new: Said, at: datetime) -> Conversation:
    said = repeats.remember(state.said, new, at)
    return Conversation(*state[:-2], said, {**state.texts, text_id: text})  # four times as fast as _replace


def _queued(event: TextQueued) -> OpenText:
    return OpenText(
        segments=event.segments,
        candidate=event.candidate,
        overrides_quiet_hours=event.overrides_quiet_hours,
        purpose=event.purpose,
        bulk=event.bulk,
    )


def _scheduled(event: TextScheduled) -> OpenText:
    return OpenText(
        segments=event.segments,
        candidate=event.candidate,
        overrides_quiet_hours=event.overrides_quiet_hours,
        send_at=event.send_at,
        requested=event.delay == "requested",
        bulk=event.bulk,
    )


def _moved(
    text: OpenText,
    event: DispatchStarted | DispatchDoubted | TextSent | TextRecounted | TextRescheduled,
) -> OpenText:
    match event:
        case DispatchStarted():
            return text._replace(
                state="dispatching",
                attempt=event.attempt,
                sender=event.sender,
                carrier=event.carrier,
                counted=False,
            )
        case DispatchDoubted():
            return text._replace(state="in_doubt")
        case TextSent():
            return text._replace(state="sent", sid=event.sid, counted=event.billed is not None)
        case TextRecounted():
            return text._replace(segments=event.paid, counted=True)
        case _:
            failed = text.failed_sids if text.sid is None else text.failed_sids | {text.sid}
            return text._replace(
                state="waiting",
                send_at=event.send_at,
                requested=event.delay == "requested",
                failed_carriers=event.failed_carriers,
                sid=None,
                failed_sids=failed,
            )


def _evolve_consent(state: Conversation, event: Event) -> Conversation:
    match event:
        case ConversationOpened():
            return state._replace(region=event.region)
        case CandidateJoined():
            return state._replace(candidates={**state.candidates, event.candidate: event.time_zone})
        case CandidateLeft():
            rest = {who: zone for who, zone in state.candidates.items() if who != event.candidate}
            return state._replace(candidates=rest, granted_by=state.granted_by - {event.candidate})
        case ConsentGranted():
            by_keyword = event.evidence is not None and event.evidence.how == "keyword"
            review = state.under_review and not by_keyword  # whoever texts START has answered the question
            granted_by = state.granted_by | {event.candidate}
            return state._replace(consent="granted", granted_by=granted_by, under_review=review)
        case ConsentWithdrawn():
            return state._replace(consent="withdrawn", granted_by=frozenset())
        case ConsentRevoked():
            return state._replace(
                consent="revoked", granted_by=frozenset(), under_review=False, last_bulk=None
            )
        case TextReceived() | KeywordReceived():
            return state._replace(sender=event.sender or state.sender)
        case StopRequestFlagged():
            return state._replace(under_review=True)
        case StopRequestReviewed():
            return state._replace(under_review=False)
        case _:
            return state


# --- decisions: whose number ----------------------------------------------------------------------


def open_with(state: Conversation, number: str, region: str) -> list[Event]:
    """The account and the number meet, if they have not yet."""
    return [] if state.opened else [ConversationOpened(number=number, region=region)]


def join(state: Conversation, candidate: str, time_zone: str | None) -> list[Event]:
    """The number is this candidate's (too)."""
    if len(state.candidates) >= CANDIDATES_MAX:
        raise Refused("too_many_candidates", limit=CANDIDATES_MAX)
    return [CandidateJoined(candidate=candidate, time_zone=time_zone)]


def leave(state: Conversation, candidate: str) -> list[Event]:
    """The number is the candidate's no longer; the consent that came with their record goes with it.

    A consent that another candidate's record brought stays with that candidate, and a revocation by keyword
    stays with the number.
    """
    events: list[Event] = [CandidateLeft(candidate=candidate)]
    alone = set(state.candidates) <= {candidate}
    if state.consent == "granted" and (alone or state.granted_by <= {candidate}):
        events.append(ConsentWithdrawn(cause="number_removed"))
    return events


# --- decisions: texts -----------------------------------------------------------------------------


def end(state: Conversation, ended: TextDelivered | TextFailed) -> list[Event]:
    """The text has ended. Where too many wait for the carrier's count, the earliest keep ours for good."""
    too_many = [] if ended.counted else list(state.uncounted.items())[: 1 - UNCOUNTED_MAX]
    given_up = [TextCounted(text_id=one, billed=None, paid=text.segments) for one, text in too_many]
    return [*given_up, ended]


# --- decisions: consent ---------------------------------------------------------------------------


def grant(
    state: Conversation,
    candidate: str,
    obtained_at: datetime,
    evidence: ApplicationEvidence | ByHandEvidence,
    now: datetime,
    senders: Sequence[Sender],
) -> list[Event]:
    """Consent given when applying, or added by hand. Never after a keyword revocation.

    What a candidate says when applying is kept even where consent stands already: it is further evidence.
    """
    if candidate not in state.candidates:
        raise Refused("number_unknown")
    if state.consent == "revoked":
        raise Refused("revoked_by_keyword", sender=where_to_text(senders, state.sender))
    if obtained_at > now:
        raise Refused("obtained_in_future")
    if state.consent == "granted" and evidence.how == "by_hand":
        raise Refused("already_granted")
    return [ConsentGranted(candidate=candidate, obtained_at=obtained_at, evidence=evidence)]


def grant_by_keyword(keyword: str, now: datetime) -> list[Event]:
    """The number itself said yes. It counts for whoever has the number, even after a revocation."""
    evidence: Evidence = KeywordEvidence(keyword=keyword)
    return [ConsentGranted(candidate=None, obtained_at=now, evidence=evidence)]


def withdraw(state: Conversation, candidate: str, reason: str | None) -> list[Event]:
    """A team member takes consent back."""
    if candidate not in state.candidates:
        raise Refused("number_unknown")
    if state.consent != "granted":
        raise Refused("not_granted")
    return [ConsentWithdrawn(cause="member", reason=reason)]


def revoke(state: Conversation, keyword: str) -> list[Event]:
    """The number said stop."""
    return [] if state.consent == "revoked" else [ConsentRevoked(keyword=keyword)]


def flag(state: Conversation, sid: str) -> list[Event]:
    """A reply sounds like a wish to hear no more. Pointless where only the candidate can undo a stop."""
    if state.under_review or state.consent == "revoked":
        return []
    return [StopRequestFlagged(sid=sid)]


def review(state: Conversation, *, wants_to_stop: bool) -> list[Event]:
    """A person's verdict on what was flagged."""
    if not state.under_review:
        raise Refused("nothing_to_review")
    events: list[Event] = [StopRequestReviewed(wants_to_stop=wants_to_stop)]
    if wants_to_stop and state.consent == "granted":
        events.append(ConsentWithdrawn(cause="stop_request"))
    return events


def require_consent(state: Conversation, senders: Sequence[Sender]) -> None:
    """Refuse unless the number may be texted just now, from whichever of the account's `senders`.

    A stop that was texted to one of them holds for all: consent belongs to the account and the number.
    """
    if state.consent == "revoked":
        raise Refused("revoked_by_keyword", sender=where_to_text(senders, state.sender))
    if state.consent == "withdrawn":
        raise Refused("consent_withdrawn")
    if state.consent == "not_given":
        raise Refused("consent_not_given")
    if state.under_review:
        raise Refused("under_review")
