"""What the views answer with: frozen values, moments in UTC, numbers in E.164."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, NamedTuple, TypeVar, get_args
from uuid import UUID

from pydantic import JsonValue

from projections.attachment_shapes import Attachment
from schemas.account_settings import AccountSettings
from schemas.actors import ActorKind
from schemas.base import FIRST_CARRIER, SenderKind
from schemas.events import BulkPauseCause, Delay, TextPurpose
from schemas.evidence import Evidence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a longer list."""

    items: tuple[T, ...]
    next: str | None
    """The cursor of the page that follows; none: this was the last."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who caused something, as the event recorded them."""

    kind: ActorKind
    id: str
    name: str | None


# --- the account ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why the carrier refuses the account as a whole."""

    code: int | None
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Sender:
    """What an account texts from: a number, a messaging service, a short code or a name."""

    sender: str
    region: str | None
    """Where it is from; none: from wherever suits the recipient, or from nowhere."""
    kind: SenderKind
    carrier: str
    """Through which of the configured carriers its texts go."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account that Sayso has heard of. Until it is activated, `activated_at` and what follows are none."""

    account: str
    activated_at: datetime | None
    activated_by: Who | None
    country: str | None
    currency: str | None
    agreement_version: str | None
    settings: AccountSettings
    sender: str | None
    """The first of `senders`."""
    sender_region: str | None
    senders: tuple[Sender, ...]
    """What it texts from, in the order in which they were assigned."""
    stopped: Stopped | None
    balance: int
    """In segments."""


CreditWarning = Literal["low", "empty"]
StatementKind = Literal["free", "bought", "debited", "refunded", "adjusted"]


@dataclass(frozen=True, slots=True)
class Credits:
    """The balance and what made it, in segments: free + bought - debited + refunded + adjusted = balance."""

    balance: int
    free: int
    bought: int
    debited: int
    refunded: int
    adjusted: int
    """Signed."""
    level: int
    """The balance right after the last credit: free texts, a package or a correction upwards by hand."""
    warning: CreditWarning | None
    """`empty`: nothing is left. `low`: no more than 20% of `level` is left."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement of the balance."""

    kind: StatementKind
    segments: int
    """Signed: what the balance gained."""
    balance: int
    """Afterwards."""
    at: datetime
    by: Who
    text_id: UUID | None
    package: str | None
    price: str | None
    """A decimal number with a point, in `currency`."""
    currency: str | None
    reason: str | None


# --- consent --------------------------------------------------------------------------------------

ConsentStatus = Literal["granted", "not_given", "withdrawn", "revoked"]
ConsentStepKind = Literal[
    "opened", "joined", "left", "granted", "withdrawn", "revoked", "flagged", "reviewed"
]  # fmt: skip
WithdrawalCause = Literal["member", "number_removed", "stop_request"]


@dataclass(frozen=True, slots=True)
class ConsentStep:
    """One step in the history of a number's consent. What does not apply to its kind is none."""

    kind: ConsentStepKind
    """`joined` and `left`: the number became, or is no longer, a candidate's. `flagged`: a reply sounded
    like a wish to stop; `reviewed`: a person looked."""
    at: datetime
    by: Who
    candidate: str | None
    obtained_at: datetime | None
    evidence: Evidence | None
    cause: WithdrawalCause | None
    reason: str | None
    keyword: str | None
    wants_to_stop: bool | None
    sid: str | None
    version: int
    """The event's place in its conversation, from 1."""


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether a number may be texted, since when and on whose word."""

    number: str
    conversation: str
    region: str
    status: ConsentStatus
    under_review: bool
    """A reply sounds like a wish to stop: nothing is sent until a person has looked."""
    by: Who | None
    """Whoever brought the status about; none where it is `not_given`."""
    candidate: str | None
    """Whose record brought it; none where the number itself spoke, or nobody did."""
    obtained_at: datetime | None
    """When the candidate agreed; only while granted."""
    recorded_at: datetime | None
    """When Sayso heard of the status as it stands."""
    evidence: Evidence | None
    """Only while granted."""
    cause: WithdrawalCause | None
    """Only while withdrawn."""
    reason: str | None
    keyword: str | None
    """What was texted; `21610` where only the carrier heard it."""
    history: tuple[ConsentStep, ...]
    """Newest first, at most 1,000."""


# --- threads --------------------------------------------------------------------------------------

MessageKind = Literal["text", "reply", "keyword"]
MessageStatus = Literal[
    "queued", "scheduled", "sending", "in_doubt", "sent",
    "delivered", "undelivered", "failed", "cancelled", "unknown", "received",
]  # fmt: skip
KeywordAction = Literal["stop", "start", "help"]


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """A text we sent or will send, or one that came in."""

    id: str
    """The text's id; the carrier's sid where it came in."""
    version: int
    """Its place in the conversation, from 1; orders the thread."""
    kind: MessageKind
    status: MessageStatus
    """`received` for whatever came in."""
    body: str
    at: datetime
    """When it was accepted or came in."""
    by: Who
    candidate: str | None
    """Whom the text was for; none for what came in and for our automatic answers."""
    bulk: UUID | None
    """Which bulk the text is part of, if it is."""
    bulk_paused: BulkPauseCause | None
    """Why the text waits, if its bulk is paused; `failures` and `opt_outs`: it paused itself."""
    encoding: Literal["GSM-7", "UCS-2"] | None
    segments: int | None
    """As debited; the carrier's count once it says so."""
    purpose: TextPurpose | None
    send_at: datetime | None
    delay: Delay | Literal["carrier"] | None
    """Why it leaves at `send_at` and not at once."""
    overrides_quiet_hours: bool
    sid: str | None
    status_at: datetime
    status_by: Who
    """Who brought the status about: for `cancelled`, whoever called it back."""
    code: int | None
    """The carrier's error."""
    reason: str | None
    """Why it was cancelled (a refusal's code or `cancelled_by_member`), failed or is in doubt."""
    action: KeywordAction | None
    keyword: str | None
    media: tuple[Attachment, ...]
    flagged: bool
    """A reply that sounds like a wish to stop."""
    unread: bool


@dataclass(frozen=True, slots=True)
class Thread:
    """One candidate and one of their numbers, without its messages."""

    candidate: str
    number: str
    conversation: str
    name: str | None
    region: str
    time_zone: str | None
    removed_at: datetime | None
    """None: the candidate has the number now. Else the thread ends there."""
    consent: ConsentStatus
    under_review: bool
    texted: bool
    """Whether a text left or is on its way, for whichever candidate: the next one is no first text."""
    sender: str | None
    """Which of the account's senders the recipient knows: it texted them last, or they texted it."""
    unread: int
    last: ThreadMessage | None


@dataclass(frozen=True, slots=True)
class TextPlace:
    """Where a text belongs."""

    account: str
    conversation: str
    number: str
    candidate: str | None
    status: MessageStatus


# --- receipts and notifications -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Receipt:
    """The one answer to a command."""

    account: str
    command_id: UUID
    command_type: str
    accepted: bool
    code: str | None
    sentence: str | None
    """For the recruiter: what is wrong and what can be done. None where accepted."""
    result: dict[str, JsonValue]
    """What came of it; empty where refused."""
    at: datetime
    by: Who


@dataclass(frozen=True, slots=True)
class Notification:
    """A follower was told of a reply or keyword."""

    id: str
    member: str
    candidate: str
    conversation: str
    number: str | None
    about: Literal["reply", "keyword"]
    sid: str
    at: datetime


# --- what the dispatcher and the scheduler work from ----------------------------------------------

OpenState = Literal["scheduled", "queued", "dispatching", "in_doubt", "sent", "uncounted"]
"""`uncounted`: it has ended, and the carrier has not said yet how many segments it bills."""


Urgency = Literal[0, 1, 2]
URGENCIES: tuple[Urgency, ...] = get_args(Urgency)
"""The answer to a keyword goes before what was written to one candidate, and that before bulk."""


def urgency_of(purpose: TextPurpose, bulk: UUID | None) -> Urgency:
    """How urgent a text is; less is more."""
    if purpose != "message":
        return 0
    return 1 if bulk is None else 2


@dataclass(frozen=True, slots=True)
class OpenText:
    """A text whose end, or price, is not known yet."""

    text_id: UUID
    account: str
    conversation: str
    number: str
    candidate: str | None
    body: str
    sender: str | None
    """What it is likely to leave from; once dispatching, what it was handed over from."""
    purpose: TextPurpose
    bulk: UUID | None
    segments: int
    state: OpenState
    due_at: datetime | None
    """When to hand it over; none once that has begun."""
    attempt: int
    """Hand-overs begun so far."""
    sid: str | None
    since: datetime
    """When its hand-over began; until then, since when it waits."""
    traceparent: str | None = None
    """The trace of the command that asked for it."""
    carrier: str = FIRST_CARRIER
    """Through which carrier it is likely to leave, or was handed over."""

    @property
    def urgency(self) -> Urgency:
        """Which texts go before it."""
        return urgency_of(self.purpose, self.bulk)


class Waiting(NamedTuple):
    """An account whose texts wait, now or for later: when the first of each urgency is due."""

    account: str
    due_at: tuple[datetime | None, ...]
