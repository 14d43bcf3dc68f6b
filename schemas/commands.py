"""Commands: what somebody wants. The same JSON over HTTP and on the commands topic.

Every command names its account, who wants it and an id of its own; the id is what makes a retry harmless.
Ids should be UUIDs of version 7: they sort by time, which keeps the ledger's index warm.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, TypeAdapter

from schemas.account_settings import SettingsChange
from schemas.actors import Actor
from schemas.base import (
    E164,
    FIRST_CARRIER,
    AccountId,
    CarrierName,
    Currency,
    ForeignId,
    Instant,
    LongText,
    Message,
    Moment,
    NulReplaced,
    Region,
    SenderId,
    SenderKind,
    ShortText,
    SortedSet,
    WithoutNul,
)
from schemas.evidence import ApplicationEvidence, ByHandEvidence

COMMAND_BYTES_MAX = 64 * 1024
BULK_BYTES_MAX = 320 * 1024
"""Of a `send-bulk` alone: the most recipients, each with the longest id and number, and a long body."""
LARGE_TYPE = "send-bulk"
BULK_RECIPIENTS_MAX = 1_000
"""Decided in one transaction, which delays the account's other commands by less than half a second."""
BODY_CHARACTERS_MAX = 10_000  # far above what can be sent: the refusal should count, not the parser
SEGMENTS_ADJUSTED_MAX = 1_000_000

TRACEPARENT = r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"

NumberText = Annotated[str, Field(min_length=1, max_length=64), WithoutNul]
"""A phone number as people type it; E.164 wherever no region is given."""


class Command(Message):
    """The fields every command has."""

    type: str
    command_id: UUID
    account: AccountId
    actor: Actor
    traceparent: Annotated[str, StringConstraints(pattern=TRACEPARENT)] | None = None
    """W3C trace context, so that one text can be followed from the ATS to the phone."""


# --- the account ----------------------------------------------------------------------------------


class Agreement(Message):
    """That the customer agreed to have texts processed by the carrier, and to which wording."""

    accepted: Literal[True]
    version: ShortText


class ActivateTexting(Command):
    """Switch texting on. The first activation credits the free texts."""

    type: Literal["activate-texting"] = "activate-texting"
    country: Region
    currency: Currency
    agreement: Agreement
    company: ShortText | None = None


class BuyPackage(Command):
    """Buy a package of texts in the account's own currency."""

    type: Literal["buy-package"] = "buy-package"
    package: ShortText = "standard"


class ChangeSettings(Command):
    """Change what the account chooses for itself."""

    type: Literal["change-settings"] = "change-settings"
    change: SettingsChange


class AssignSender(Command):
    """Give the account one more sender, or correct what is known of one. For the operator only."""

    type: Literal["assign-sender"] = "assign-sender"
    sender: SenderId
    region: Region | None = None
    """Where a messaging service's numbers are from, or a short code is at home; a number says so itself."""
    kind: SenderKind | None = None
    """Of what kind it is, where that cannot be told from the sender itself."""
    carrier: CarrierName = FIRST_CARRIER
    """Through which of the configured carriers its texts go."""


class WithdrawSender(Command):
    """Take a sender from the account: nothing is sent from it any more. For the operator only."""

    type: Literal["withdraw-sender"] = "withdraw-sender"
    sender: SenderId


class AdjustSegments(Command):
    """Correct the balance by hand. For the operator only."""

    type: Literal["adjust-segments"] = "adjust-segments"
    segments: Annotated[int, Field(ge=-SEGMENTS_ADJUSTED_MAX, le=SEGMENTS_ADJUSTED_MAX)]
    reason: ShortText


class ResumeSending(Command):
    """What made the carrier refuse the account is put right. For the operator only."""

    type: Literal["resume-sending"] = "resume-sending"


class RefundText(Command):
    """A text whose fate could not be learned counts as failed, and is paid back. For the operator only."""

    type: Literal["refund-text"] = "refund-text"
    number: NumberText
    text_id: UUID
    reason: ShortText


class SetNotifications(Command):
    """Whether the acting member wants to hear of actions in the profiles that they follow."""

    type: Literal["set-notifications"] = "set-notifications"
    profile_actions: bool


# --- the candidate --------------------------------------------------------------------------------


class AddNumber(Command):
    """Give a candidate a phone number."""

    type: Literal["add-number"] = "add-number"
    candidate: ForeignId
    number: NumberText
    region: Region | None = None
    """Where the number was typed, for numbers in national form."""
    name: ShortText | None = None
    time_zone: Annotated[str, Field(max_length=64), WithoutNul] | None = None
    """The candidate's IANA time zone, if the ATS knows it; it decides quiet hours."""


class RemoveNumber(Command):
    """Take a number from a candidate; consent goes with it."""

    type: Literal["remove-number"] = "remove-number"
    candidate: ForeignId
    number: NumberText


class ChangeNumber(Command):
    """Replace a candidate's number by another. Consent is never carried over."""

    type: Literal["change-number"] = "change-number"
    candidate: ForeignId
    number: NumberText
    to: NumberText
    region: Region | None = None


class FollowCandidate(Command):
    """The acting member follows a candidate."""

    type: Literal["follow-candidate"] = "follow-candidate"
    candidate: ForeignId


class UnfollowCandidate(Command):
    """The acting member follows a candidate no longer."""

    type: Literal["unfollow-candidate"] = "unfollow-candidate"
    candidate: ForeignId


# --- consent --------------------------------------------------------------------------------------


class RecordApplicationConsent(Command):
    """Pass on the consent that a candidate gave when applying."""

    type: Literal["record-application-consent"] = "record-application-consent"
    candidate: ForeignId
    number: NumberText
    obtained_at: Moment
    evidence: ApplicationEvidence


class AddConsent(Command):
    """A team member records that the candidate agreed."""

    type: Literal["add-consent"] = "add-consent"
    candidate: ForeignId
    number: NumberText
    obtained_at: Moment
    evidence: ByHandEvidence


class WithdrawConsent(Command):
    """A team member takes the candidate's consent back."""

    type: Literal["withdraw-consent"] = "withdraw-consent"
    candidate: ForeignId
    number: NumberText
    reason: ShortText | None = None


class ReviewStopRequest(Command):
    """A person's verdict on a reply that sounds like a wish to hear no more."""

    type: Literal["review-stop-request"] = "review-stop-request"
    candidate: ForeignId
    number: NumberText
    wants_to_stop: bool


# --- texts ----------------------------------------------------------------------------------------


class SendText(Command):
    """Text a candidate, now or at `send_at`. The text's id is the command's id."""

    type: Literal["send-text"] = "send-text"
    candidate: ForeignId
    number: NumberText
    body: Annotated[str, Field(max_length=BODY_CHARACTERS_MAX), WithoutNul]
    send_at: Moment | None = None
    override_quiet_hours: bool = False


class Recipient(Message):
    """One of those a bulk is for."""

    candidate: ForeignId
    number: NumberText


class SendBulk(Command):
    """Send the same text to many candidates. The bulk's id is the command's id.

    Each recipient passes the rules of a single text, in the order given, as long as credit lasts. The receipt
    lists whom a text was accepted for and who was refused, with the reason; it is `accepted` even if that is
    everybody. What is wrong for all of them (the account, the body, the time) refuses the command.
    """

    type: Literal["send-bulk"] = "send-bulk"
    recipients: Annotated[tuple[Recipient, ...], Field(min_length=1, max_length=BULK_RECIPIENTS_MAX)]
    body: Annotated[str, Field(max_length=BODY_CHARACTERS_MAX), WithoutNul]
    send_at: Moment | None = None


class PauseBulk(Command):
    """Hand nothing of a bulk over until it is resumed."""

    type: Literal["pause-bulk"] = "pause-bulk"
    bulk: UUID


class ResumeBulk(Command):
    """Let a paused bulk go on. A text that is too late by now is refunded instead of sent."""

    type: Literal["resume-bulk"] = "resume-bulk"
    bulk: UUID


class CancelBulk(Command):
    """Call back what of a bulk was not handed over yet; its credit comes back."""

    type: Literal["cancel-bulk"] = "cancel-bulk"
    bulk: UUID


class RescheduleText(Command):
    """Move a scheduled text to another time."""

    type: Literal["reschedule-text"] = "reschedule-text"
    candidate: ForeignId
    number: NumberText
    text_id: UUID
    send_at: Moment


class CancelText(Command):
    """Call a text back that was not handed over yet; its credit comes back."""

    type: Literal["cancel-text"] = "cancel-text"
    candidate: ForeignId
    number: NumberText
    text_id: UUID


class MarkRead(Command):
    """Mark the replies in a thread as read."""

    type: Literal["mark-read"] = "mark-read"
    candidate: ForeignId
    number: NumberText


# --- the carrier's doors and Sayso's own workers --------------------------------------------------


MEDIA_MAX = 10
"""Attachments of one message: Twilio's own limit."""
CONTENT_TYPE_CHARACTERS_MAX = 200


class Media(Message):
    """A picture or file that came with a reply: where the carrier keeps it, and what it says it is."""

    url: Annotated[str, NulReplaced, Field(max_length=2_000)]
    content_type: Annotated[str, NulReplaced, Field(max_length=CONTENT_TYPE_CHARACTERS_MAX)]


class ReceiveText(Command):
    """A text came in from a phone."""

    type: Literal["receive-text"] = "receive-text"
    number: E164
    sid: ShortText
    """The carrier's id of the message: the same one twice is one reply."""
    body: Annotated[str, NulReplaced, Field(max_length=BODY_CHARACTERS_MAX)]
    media: Annotated[tuple[Media, ...], Field(max_length=MEDIA_MAX)] = ()
    carrier_keyword: Literal["stop", "start", "help"] | None = None
    """What the carrier itself took the text for, where it says so."""
    sender: SenderId | None = None
    """Which of the account's senders was texted."""


class StartDispatch(Command):
    """The text is due: take the last look, and if all is well hand it over."""

    type: Literal["start-dispatch"] = "start-dispatch"
    number: E164
    text_id: UUID
    attempt: Annotated[int, Field(ge=1)]
    due_at: Instant | None = None
    """When it was to leave; of a text that was to leave at once, the moment when it was accepted."""
    failing_carriers: SortedSet[CarrierName] = frozenset()
    """Those that do not answer just now: another is taken, where the account has a sender there."""


CarrierStatus = Literal[
    "accepted", "scheduled", "queued", "sending", "sent", "delivered", "read",
    "undelivered", "failed", "canceled", "partially_delivered",
]  # fmt: skip


CarrierCode = Annotated[int, Field(ge=0, le=999_999)]
"""The carrier's error code; Twilio's have five digits."""


class HandedOver(Message):
    """The carrier took the text."""

    outcome: Literal["handed_over"] = "handed_over"
    sid: ShortText
    status: CarrierStatus
    segments: Annotated[int, Field(ge=0, le=100)] | None = None
    sender: Annotated[str, NulReplaced] | None = None


class TurnedDown(Message):
    """The carrier said no, and how: nothing was sent. What follows is decided by its code, or HTTP status."""

    outcome: Literal["turned_down"] = "turned_down"
    code: CarrierCode | None = None
    http_status: Annotated[int, Field(ge=100, le=599)]
    retry_after_s: Annotated[float, Field(ge=0, le=86_400)] | None = None
    """How long the carrier asks to wait at least."""


class NotTaken(Message):
    """The carrier does not have the text: it could not be reached in time, or never got it."""

    outcome: Literal["not_taken"] = "not_taken"
    cause: Literal["unreachable", "absent"]


class InDoubt(Message):
    """The carrier did not answer: it may or may not have taken the text."""

    outcome: Literal["in_doubt"] = "in_doubt"
    reason: LongText


class GivenUp(Message):
    """What became of the text could not be learned within the stated time."""

    outcome: Literal["given_up"] = "given_up"


Result = HandedOver | TurnedDown | NotTaken | InDoubt | GivenUp


class RecordHandover(Command):
    """How the hand-over of a text to the carrier ended."""

    type: Literal["record-handover"] = "record-handover"
    number: E164
    text_id: UUID
    attempt: Annotated[int, Field(ge=1)]
    result: Annotated[Result, Field(discriminator="outcome")]


class ReportStatus(Command):
    """The carrier tells how far a text has come."""

    type: Literal["report-status"] = "report-status"
    number: E164
    text_id: UUID
    sid: ShortText
    status: CarrierStatus
    error_code: CarrierCode | None = None
    segments: Annotated[int, Field(ge=0, le=100)] | None = None


Picture = Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
"""What a browser may show in a page: its first bytes say the same as whoever sent it."""

AttachmentRefusal = Literal[
    "unexpected_host", "too_large", "gone", "turned_down", "unusable_answer", "given_up", "erased"
]  # fmt: skip
"""Why an attachment is not stored, for good.

`unexpected_host`: it lies, or was redirected to, where nothing is fetched from. `gone`: the carrier has it no
more. `turned_down`: the carrier answered no. `unusable_answer`: it answered what is no file. `given_up`: no
try came to anything within the stated time. `erased`: the person's key is gone.
"""


class AttachmentFetched(Message):
    """The attachment is stored, sealed, where settings say."""

    outcome: Literal["stored"] = "stored"
    size_bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """Of what was fetched, before it was sealed."""
    picture: Picture | None = None


class AttachmentNotFetched(Message):
    """The attachment is not stored, and will not be."""

    outcome: Literal["refused"] = "refused"
    reason: AttachmentRefusal


class RecordAttachment(Command):
    """What became of an attachment that came with a reply."""

    type: Literal["record-attachment"] = "record-attachment"
    number: E164
    sid: ShortText
    """The carrier's id of the reply."""
    index: Annotated[int, Field(ge=0, le=MEDIA_MAX - 1)]
    """Which of its attachments, from 0."""
    result: Annotated[AttachmentFetched | AttachmentNotFetched, Field(discriminator="outcome")]


AnyCommand = Annotated[
    ActivateTexting | BuyPackage | ChangeSettings | AssignSender | WithdrawSender | AdjustSegments
    | ResumeSending | RefundText
    | SetNotifications
    | AddNumber | RemoveNumber | ChangeNumber | FollowCandidate | UnfollowCandidate
    | RecordApplicationConsent | AddConsent | WithdrawConsent | ReviewStopRequest
    | SendText | RescheduleText | CancelText | MarkRead
    | SendBulk | PauseBulk | ResumeBulk | CancelBulk
    | ReceiveText | StartDispatch | RecordHandover | ReportStatus | RecordAttachment,
    Field(discriminator="type"),
]  # fmt: skip


_ADAPTER: TypeAdapter[Command] = TypeAdapter(AnyCommand)


def read(data: bytes) -> Command:
    """The command that `data` (JSON, UTF-8) spells. Strict: "5" is no number, and 0 is not false.

    Raises:
        pydantic.ValidationError: it is not JSON, or not a command we know, or a field is wrong.
    """
    return _ADAPTER.validate_json(data, strict=True)


def bytes_max(kind: object) -> int:
    """How many bytes a command of the type `kind` may have."""
    return BULK_BYTES_MAX if kind == LARGE_TYPE else COMMAND_BYTES_MAX


def write(command: Command) -> bytes:
    """`command` as JSON, the inverse of `read`."""
    return command.model_dump_json().encode()


def json_schema() -> dict[str, Any]:
    """The JSON Schema of any command, by its `type`."""
    return _ADAPTER.json_schema()
