"""What would become of a text if it were sent now: the same rules as sending, and nothing done."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import account as accounts
from domain import first_text, numbers, senders, sending
from domain.account import Account
from domain.bulk import Bulk
from domain.candidate import Candidate
from domain.conversation import Conversation
from domain.decide import require_permission
from domain.policy import Policy
from domain.refusals import Refused
from domain.segments import TEXT_UNITS_MAX, Forcing, Segments, Swaps, count, forcing, swaps
from domain.turn import Turn
from schemas.commands import SendText


@dataclass(frozen=True, slots=True)
class Preview:
    """What the composer shows while one types."""

    segments: Segments
    """Of the text as it would be sent."""
    text_units_left: int
    """Until the longest text; negative where it is too long."""
    forcing: tuple[Forcing, ...]
    """What makes the text UCS-2."""
    swaps: Swaps
    """What replacing it would save."""
    warnings: tuple[str, ...]
    advice: tuple[str, ...]
    """What a first text lacks."""
    advised_sentence: str | None
    """What would make up for it, in the account's language."""
    appended: bool
    """Whether that sentence is appended by itself."""
    send_at: datetime | None
    deferred: bool
    refusal: Refused | None
    """Why it would be refused now."""


def preview(
    command: SendText, account: Account, conversation: Conversation, now: datetime, policy: Policy
) -> Preview:
    """What `send` would make of `command`, given these states. Never refuses."""
    turn = Turn(command, Given(account, conversation), now, policy)
    refusal, draft = None, None
    try:
        require_permission(command)
        draft = sending.draft(turn, command)
        accounts.debit(account, command.command_id, draft.segments.segments)
    except Refused as no:
        refusal = no
    who = sending.introduction(turn)
    missing = () if conversation.introduced else first_text.missing(command.body, who)
    appended = bool(missing and command.body.strip()) and account.settings.first_text == "append"
    body = first_text.completed(command.body, who) if appended else command.body
    segments = count(body)
    return Preview(
        segments=segments,
        text_units_left=TEXT_UNITS_MAX - segments.units,
        forcing=forcing(body),
        swaps=swaps(body),
        warnings=_warnings(command, account, conversation),
        advice=missing,
        advised_sentence=first_text.sentence(missing, who) if missing else None,
        appended=appended,
        send_at=None if draft is None else draft.send_at,
        deferred=draft is not None and draft.deferred,
        refusal=refusal,
    )


def _warnings(command: SendText, account: Account, conversation: Conversation) -> tuple[str, ...]:
    try:
        region = numbers.parse(command.number).region
        sender = senders.choose(account.senders, region, conversation.sender)
        return numbers.require_country(region, account, sender)
    except Refused:
        return ()


@dataclass(frozen=True, slots=True)
class Given:
    """A book of one account and one conversation."""

    the_account: Account
    the_conversation: Conversation

    def account_stream(self, account: str, /) -> str:
        return account

    def conversation_stream(self, _: str, number: str, /) -> str:
        return number

    def candidate_stream(self, _: str, candidate: str, /) -> str:
        return candidate

    def bulk_stream(self, _: str, bulk: UUID, /) -> str:
        return str(bulk)

    def account(self, _: str, /) -> Account:
        return self.the_account

    def conversation(self, _: str, /) -> Conversation:
        return self.the_conversation

    def candidate(self, _: str, /) -> Candidate:
        return Candidate()

    def bulk(self, _: str, /) -> Bulk:
        return Bulk()
