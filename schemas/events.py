"""Events: what happened, for ever.

An event carries data alone. Who, when, why and in which place stand in its `Context`, and `Recorded` is the
event where the ledger put it. Fields marked `Personal` are sealed under the person's key wherever an event
is stored or sent (schemas.codec).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Self
from uuid import UUID

from pydantic import Field, JsonValue
from pydantic_core import to_json

from schemas.account_settings import AccountSettings
from schemas.actors import Actor
from schemas.base import (
    E164,
    FIRST_CARRIER,
    CarrierName,
    Currency,
    ForeignId,
    Instant,
    Message,
    Region,
    SenderId,
    SenderKind,
    ShortText,
    SortedSet,
)
from schemas.commands import AttachmentRefusal, CarrierStatus, Media, Picture
from schemas.evidence import Evidence
from schemas.topics import Topic
from schemas.writing import id_text, moment_text

if TYPE_CHECKING:
    JsonObject = dict[str, JsonValue]
else:
    JsonObject = dict[str, Any]  # what is typed is not looked at again: making and writing it costs half


class Sealed:
    """Marks a field that says something about a person."""


Personal = Sealed()

Upcast = Callable[[dict[str, Any]], dict[str, Any]]


class Event(Message):
    """Something that happened. Each has a stored name that outlives the class's own name and place."""

    NAME: ClassVar[str]
    TOPIC: ClassVar[Topic]
    OLD_NAMES: ClassVar[Mapping[str, Upcast]] = MappingProxyType({})
    """Earlier versions of this event: their stored names, and how their data becomes today's."""
    PERSONAL: ClassVar[frozenset[str]] = frozenset()
    """The names of the fields that are sealed."""
    _FIELDS: ClassVar[set[str]] = set()
    """The names of all fields, shared by the events that are made of checked values."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls.PERSONAL = frozenset(
            name for name, field in cls.model_fields.items() if Personal in field.metadata
        )
        cls._FIELDS = set(cls.model_fields)
        if "NAME" not in cls.__dict__:
            return  # a base class of events
        for name in (cls.NAME, *cls.OLD_NAMES):
            if name in _BY_NAME:
                raise TypeError(f"two events are stored as {name}")
            _BY_NAME[name] = cls

    @classmethod
    def _of(cls, values: dict[str, Any]) -> Self:
        """The event that has exactly these `values`, one for each field, each checked already.

        What decides has them from a command, which was checked as it came in; looking at them again costs
        three times what this does, on every send.
        """
        event = cls.__new__(cls)
        _set(event, "__dict__", values)
        _set(event, "__pydantic_fields_set__", cls._FIELDS)
        _set(event, "__pydantic_extra__", None)
        _set(event, "__pydantic_private__", None)
        return event


_set = object.__setattr__  # frozen models refuse the other way
_BY_NAME: dict[str, type[Event]] = {}


def event_class(name: str) -> type[Event]:
    """The class whose events are, or once were, stored as `name`.

    Raises:
        KeyError: no event has that name.
    """
    return _BY_NAME[name]


def event_classes() -> tuple[type[Event], ...]:
    """Every event of the language, once."""
    return tuple(dict.fromkeys(_BY_NAME.values()))


class Context(NamedTuple):
    """Who caused an event, when, by which command, and the command's place in its shard."""

    account: str
    actor: Actor
    at: datetime
    command_id: UUID
    shard: int
    position: int
    traceparent: str | None = None

    @property
    def attributes(self) -> bytes:
        """This context as the attributes of a CloudEvent: JSON members without the braces."""
        return _attributes_of(self)


class Recorded(NamedTuple):
    """An event in its place: the `version`th (from 1) of its stream."""

    stream: str
    version: int
    event: Event
    context: Context


def _attributes_of(context: Context) -> bytes:
    """Names as CloudEvents wants them: lower-case letters and digits.

    Written by hand: that is two thirds faster, for what every command pays. What can hold any character is
    quoted. The position is a text, since an integer attribute has only 32 bits.
    """
    account, actor, at, command_id, shard, position, traceparent = context
    trace = "" if traceparent is None else f',"traceparent":{_quoted(traceparent)}'
    return (
        f'"source":"/accounts/{account}","time":"{moment_text(at)}","account":"{account}",'
        f'{_actor_attributes(actor.kind, actor.id, actor.name)},"commandid":"{id_text(command_id)}",'
        f'"shard":{shard},"position":"{position}"{trace}'
    ).encode()


@lru_cache(maxsize=4_096)
def _actor_attributes(kind: str, id: str, name: str | None) -> str:
    attributes = f'"actorkind":"{kind}","actorid":{_quoted(id)}'
    return attributes if name is None else f'{attributes},"actorname":{_quoted(name)}'


def _quoted(text: str) -> str:
    return to_json(text).decode()


# --- the account ----------------------------------------------------------------------------------


class TextingActivated(Event):
    """Texting was switched on; the first time it credits the free texts."""

    NAME = "texting-activated.v1"
    TOPIC = Topic.ACCOUNTS
    country: Region
    currency: Currency
    agreement_version: ShortText
    free_segments: int
    balance: int


class PackageBought(Event):
    """The account bought texts."""

    NAME = "package-bought.v1"
    TOPIC = Topic.CREDITS
    package: str
    segments: int
    price: str
    """In `currency`, as a decimal number with a point."""
    currency: Currency
    balance: int


class SettingsChanged(Event):
    """The account's settings, whole, as they stand from now on."""

    NAME = "settings-changed.v1"
    TOPIC = Topic.ACCOUNTS
    settings: AccountSettings


def _only_sender(data: dict[str, Any]) -> dict[str, Any]:
    """Once an account had one sender, a number or a messaging service; the next took its place."""
    kind = "messaging_service" if data["sender"].startswith("MG") else "long_code"
    return {**data, "kind": kind, "carrier": FIRST_CARRIER, "replaces": True}


class SenderAssigned(Event):
    """The account may text from this sender from now on, or what is known of the sender has changed."""

    NAME = "sender-assigned.v2"
    TOPIC = Topic.ACCOUNTS
    OLD_NAMES = MappingProxyType({"sender-assigned.v1": _only_sender})
    sender: SenderId
    region: Region | None
    """Where it is from; none: from wherever suits the recipient, or from nowhere."""
    kind: SenderKind = "long_code"
    carrier: CarrierName = FIRST_CARRIER
    replaces: bool = False
    """Whether it took the place of every other sender, as was so once."""


class SenderWithdrawn(Event):
    """Nothing is sent from this sender any more. What is texted to it still reaches the account."""

    NAME = "sender-withdrawn.v1"
    TOPIC = Topic.ACCOUNTS
    sender: SenderId


class NotificationsSet(Event):
    """Whether a member wants to hear of actions in the profiles they follow."""

    NAME = "notifications-set.v1"
    TOPIC = Topic.ACCOUNTS
    member: str
    profile_actions: bool


class SegmentsDebited(Event):
    """A text was accepted and its segments paid."""

    NAME = "segments-debited.v1"
    TOPIC = Topic.CREDITS
    text_id: UUID
    segments: int
    balance: int

    @classmethod
    def of(cls, text_id: UUID, segments: int, balance: int) -> Self:
        """Made of checked values."""
        return cls._of({"text_id": text_id, "segments": segments, "balance": balance})


class SegmentsRefunded(Event):
    """A text never left; its segments came back."""

    NAME = "segments-refunded.v1"
    TOPIC = Topic.CREDITS
    text_id: UUID
    segments: int
    reason: str
    balance: int


class SegmentsAdjusted(Event):
    """The balance was corrected: by the operator, or because the carrier counted otherwise."""

    NAME = "segments-adjusted.v1"
    TOPIC = Topic.CREDITS
    segments: int
    """Signed: positive adds to the balance."""
    reason: str
    text_id: UUID | None = None
    balance: int


class SendingStopped(Event):
    """The carrier refuses the account as a whole; nothing is handed over until the operator resumes."""

    NAME = "sending-stopped.v1"
    TOPIC = Topic.ACCOUNTS
    code: int | None
    reason: str


class SendingResumed(Event):
    """The operator put right what had stopped the account's sending."""

    NAME = "sending-resumed.v1"
    TOPIC = Topic.ACCOUNTS


# --- the candidate --------------------------------------------------------------------------------


class NumberAdded(Event):
    """A candidate can be reached at this number."""

    NAME = "number-added.v1"
    TOPIC = Topic.ACCOUNTS
    candidate: ForeignId
    conversation: str
    """The stream of the conversation with this number."""
    number: Annotated[E164, Personal]
    name: Annotated[str | None, Personal]
    region: str
    time_zone: str | None


class NumberRemoved(Event):
    """A candidate can no longer be reached at this number."""

    NAME = "number-removed.v1"
    TOPIC = Topic.ACCOUNTS
    candidate: ForeignId
    conversation: str


class CandidateFollowed(Event):
    """A member follows a candidate."""

    NAME = "candidate-followed.v1"
    TOPIC = Topic.ACCOUNTS
    candidate: ForeignId
    member: str


class CandidateUnfollowed(Event):
    """A member follows a candidate no longer."""

    NAME = "candidate-unfollowed.v1"
    TOPIC = Topic.ACCOUNTS
    candidate: ForeignId
    member: str


class FollowerNotified(Event):
    """One member is told, once, of one reply or keyword of a candidate they follow."""

    NAME = "follower-notified.v1"
    TOPIC = Topic.NOTIFICATIONS
    candidate: ForeignId
    conversation: str
    member: str
    about: Literal["reply", "keyword"]
    sid: str
    """The carrier's id of the message it is about."""


# --- the conversation: its number and consent -----------------------------------------------------


class ConversationOpened(Event):
    """The account and this number met for the first time. Always the first of its stream."""

    NAME = "conversation-opened.v1"
    TOPIC = Topic.CONSENT
    number: Annotated[E164, Personal]
    region: str


class CandidateJoined(Event):
    """The number belongs to this candidate (too)."""

    NAME = "candidate-joined.v1"
    TOPIC = Topic.CONSENT
    candidate: ForeignId
    time_zone: str | None


class CandidateLeft(Event):
    """The number is this candidate's no longer."""

    NAME = "candidate-left.v1"
    TOPIC = Topic.CONSENT
    candidate: ForeignId


class ConsentGranted(Event):
    """The candidate agreed to be texted at this number."""

    NAME = "consent-granted.v1"
    TOPIC = Topic.CONSENT
    candidate: ForeignId | None
    """Whose application or record it came from; none where the number itself said so."""
    obtained_at: Instant
    evidence: Annotated[Evidence | None, Personal]
    """None once the person was erased."""


class ConsentWithdrawn(Event):
    """Consent no longer stands; it can be added again."""

    NAME = "consent-withdrawn.v1"
    TOPIC = Topic.CONSENT
    cause: Literal["member", "number_removed", "stop_request"]
    reason: Annotated[str | None, Personal] = None


class ConsentRevoked(Event):
    """The candidate texted a stop keyword. Only a start keyword from the same number undoes it."""

    NAME = "consent-revoked.v1"
    TOPIC = Topic.CONSENT
    keyword: str
    """The keyword, or `21610` where only the carrier heard it."""


class KeywordReceived(Event):
    """The phone texted a keyword; it stands in the thread like any reply."""

    NAME = "keyword-received.v1"
    TOPIC = Topic.MESSAGES
    sid: str
    action: Literal["stop", "start", "help"]
    keyword: str
    body: Annotated[str, Personal]
    media: Annotated[tuple[Media, ...], Personal] = ()
    sender: SenderId | None = None
    """Which of the account's senders was texted, where that is known."""


class StopRequestFlagged(Event):
    """A reply sounds like a wish to hear no more; nothing is sent until a person has looked."""

    NAME = "stop-request-flagged.v1"
    TOPIC = Topic.CONSENT
    sid: str


class StopRequestReviewed(Event):
    """A person has looked."""

    NAME = "stop-request-reviewed.v1"
    TOPIC = Topic.CONSENT
    wants_to_stop: bool


# --- the conversation: its texts ------------------------------------------------------------------

TextPurpose = Literal["message", "help_answer", "stop_confirmation"]
Delay = Literal["requested", "quiet_hours"]


class TextQueued(Event):
    """A text was accepted and waits for hand-over."""

    NAME = "text-queued.v1"
    TOPIC = Topic.MESSAGES
    text_id: UUID
    candidate: ForeignId | None
    body: Annotated[str, Personal]
    encoding: Literal["GSM-7", "UCS-2"]
    segments: int
    purpose: TextPurpose = "message"
    overrides_quiet_hours: bool = False
    bulk: UUID | None = None
    """The bulk that it belongs to, if it was not written to this candidate alone."""

    @classmethod
    def of(
        cls,
        text_id: UUID,
        candidate: str,
        body: str,
        encoding: Literal["GSM-7", "UCS-2"],
        segments: int,
        *,
        overrides_quiet_hours: bool,
        bulk: UUID | None = None,
    ) -> Self:
        """Somebody's message, made of checked values."""
        return cls._of(
            {
                "text_id": text_id,
                "candidate": candidate,
                "body": body,
                "encoding": encoding,
                "segments": segments,
                "purpose": "message",
                "overrides_quiet_hours": overrides_quiet_hours,
                "bulk": bulk,
            }
        )


class TextScheduled(Event):
    """A text was accepted for later."""

    NAME = "text-scheduled.v1"
    TOPIC = Topic.MESSAGES
    text_id: UUID
    candidate: ForeignId | None
    body: Annotated[str, Personal]
    encoding: Literal["GSM-7", "UCS-2"]
    segments: int
    send_at: Instant
    delay: Delay
    overrides_quiet_hours: bool = False
    bulk: UUID | None = None

    @classmethod
    def of(  # noqa: PLR0913  # a value for each field
        cls,
        text_id: UUID,
        candidate: str,
        body: str,
        encoding: Literal["GSM-7", "UCS-2"],
        segments: int,
        *,
        send_at: datetime,
        delay: Delay,
        overrides_quiet_hours: bool,
        bulk: UUID | None = None,
    ) -> Self:
        """Made of checked values; `send_at` is in UTC."""
        return cls._of(
            {
                "text_id": text_id,
                "candidate": candidate,
                "body": body,
                "encoding": encoding,
                "segments": segments,
                "send_at": send_at,
                "delay": delay,
                "overrides_quiet_hours": overrides_quiet_hours,
                "bulk": bulk,
            }
        )


class TextRescheduled(Event):
    """A text that has not left will leave at another time."""

    NAME = "text-rescheduled.v1"
    TOPIC = Topic.MESSAGES
    text_id: UUID
    send_at: Instant
    delay: Literal["requested", "quiet_hours", "carrier"]
    failed_carriers: SortedSet[CarrierName] = frozenset()
    """Those that have just turned the text down through no fault of its own; another is to take it."""
    code: int | None = None
    """Why it is tried again, where the carrier said so: its error code."""


class TextCancelled(Event):
    """A text will not leave: somebody called it back, or the last look found a rule broken."""

    NAME = "text-cancelled.v1"
    TOPIC = Topic.MESSAGES
    text_id: UUID
    reason: str
    """A refusal's code, or `cancelled_by_member`."""


class DispatchStarted(Event):
    """The text is about to be handed to the carrier."""

    NAME = "dispatch-started.v1"
    TOPIC = Topic.MESSAGES
    text_id: UUID
    attempt: int
    sender: SenderId
    carrier: CarrierName = FIRST_CARRIER


class DispatchDoubted(Event):
    """The carrier did not answer: the text may or may not have left."""

    NAME = "dispatch-doubted.v1"
    TOPIC = Topic.MESSAGES
    text_id: UUID
    attempt: int
    reason: str


class TextSent(Event):
    """The carrier took the text."""

    NAME = "text-sent.v1"
    TOPIC = Topic.MESSAGES
    text_id: UUID
    sid: str
    status: CarrierStatus
    billed: int | None = None
    """How many segments the carrier counts, where it said so when it took the text."""


class TextRecounted(Event):
    """The carrier said how many segments it bills, later than when it took the text, or not those debited."""

    NAME = "text-recounted.v1"
    TOPIC = Topic.MESSAGES
    text_id: UUID
    billed: int
    """What the carrier counts."""
    paid: int
    """What the account has paid for the text from now on: never more than its balance allowed."""


class TextDelivered(Event):
    """The phone has the text."""

    NAME = "text-delivered.v1"
    TOPIC = Topic.MESSAGES
    text_id: UUID
    counted: bool = True
    """False: the carrier has not said yet how many segments it counts; `TextCounted` will follow."""


class TextFailed(Event):
    """The text did not arrive and will not."""

    NAME = "text-failed.v1"
    TOPIC = Topic.MESSAGES
    text_id: UUID
    status: Literal["failed", "undelivered"]
    """`failed`: it never reached the carrier's network; `undelivered`: it did, and was charged."""
    code: int | None
    reason: str
    counted: bool = True
    """As in `TextDelivered`."""


class TextCounted(Event):
    """After the text's end, the carrier said how many segments it bills."""

    NAME = "text-counted.v1"
    TOPIC = Topic.MESSAGES
    text_id: UUID
    billed: int | None
    """What the carrier counts; None if that was not learned in time, or too many others waited for theirs."""
    paid: int
    """What the account has paid for the text for good: never more than its balance allowed."""


class TextUnknown(Event):
    """What became of the text could not be learned within the stated time."""

    NAME = "text-unknown.v1"
    TOPIC = Topic.MESSAGES
    text_id: UUID


class TextReceived(Event):
    """A reply came in."""

    NAME = "text-received.v1"
    TOPIC = Topic.MESSAGES
    sid: str
    body: Annotated[str, Personal]
    media: Annotated[tuple[Media, ...], Personal] = ()
    sender: SenderId | None = None
    """Which of the account's senders was texted, where that is known."""


class AttachmentStored(Event):
    """What came with a reply is stored, sealed under the key of this conversation."""

    NAME = "attachment-stored.v1"
    TOPIC = Topic.MESSAGES
    sid: str
    """The carrier's id of the reply."""
    index: int
    """Which of its attachments, from 0."""
    size_bytes: int
    sha256: Annotated[str, Personal]
    """Of what was fetched, before it was sealed; it would tell whether somebody sent a known picture."""
    picture: Picture | None
    """What kind of picture it is, where its first bytes agree with what the carrier called it."""


class AttachmentRefused(Event):
    """What came with a reply is not stored, and will not be."""

    NAME = "attachment-refused.v1"
    TOPIC = Topic.MESSAGES
    sid: str
    index: int
    reason: AttachmentRefusal


class ThreadRead(Event):
    """Somebody read the replies in the thread."""

    NAME = "thread-read.v1"
    TOPIC = Topic.MESSAGES


# --- the bulk -------------------------------------------------------------------------------------

BulkCount = Literal["handed_over", "failed", "opted_out"]
BulkPauseCause = Literal["member", "failures", "opt_outs"]


class BulkStarted(Event):
    """One text for many was asked for: the first of its stream. The texts stand in their conversations."""

    NAME = "bulk-started.v1"
    TOPIC = Topic.MESSAGES
    bulk: UUID
    """The id of the command that asked for it."""
    body: Annotated[str, Personal]
    """As it was written; a first text may say more."""
    send_at: Instant | None
    conversations: tuple[str, ...]
    """The streams of those to whom a text was accepted, in order."""
    refused: int
    """Recipients to whom none was; the command's receipt says why."""


class BulkCounted(Event):
    """Something became of one of the bulk's texts; the totals as they stand from now on."""

    NAME = "bulk-counted.v1"
    TOPIC = Topic.MESSAGES
    bulk: UUID
    what: BulkCount
    handed_over: int
    failed: int
    opted_out: int


class BulkPaused(Event):
    """Nothing of the bulk is handed over until it is resumed."""

    NAME = "bulk-paused.v1"
    TOPIC = Topic.MESSAGES
    bulk: UUID
    cause: BulkPauseCause
    """`failures` and `opt_outs`: it paused itself, since there were too many."""


class BulkResumed(Event):
    """The bulk goes on; failures and opt-outs are counted anew."""

    NAME = "bulk-resumed.v1"
    TOPIC = Topic.MESSAGES
    bulk: UUID


class BulkCancelled(Event):
    """What of the bulk had not left was called back, for good."""

    NAME = "bulk-cancelled.v1"
    TOPIC = Topic.MESSAGES
    bulk: UUID
    cancelled: int
    """How many texts that were."""


# --- receipts -------------------------------------------------------------------------------------


class Receipt(Event):
    """The one answer to a command. Its stream has this one event, for ever."""

    TOPIC = Topic.RECEIPTS
    command_type: str
    fingerprint: str
    """A keyed hash of the command's content: tells a retry from another command under the same id."""


class CommandAccepted(Receipt):
    """The command took effect."""

    NAME = "command-accepted.v1"
    result: JsonObject = Field(default_factory=dict)
    """What came of it, for the caller: ids, numbers, times, advice; nothing personal."""

    @classmethod
    def of(cls, command_type: str, fingerprint: str, result: JsonObject) -> Self:
        """Made of checked values."""
        return cls._of({"command_type": command_type, "fingerprint": fingerprint, "result": result})


class CommandRefused(Receipt):
    """The command changed nothing."""

    NAME = "command-refused.v1"
    code: str
    sentence: str
    """For the recruiter: what is wrong and what can be done."""
