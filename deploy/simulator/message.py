"""One text as Twilio's API shows it."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Literal

API = "2010-04-01"

Status = Literal["accepted", "queued", "sent", "delivered", "undelivered", "failed", "received"]
Direction = Literal["outbound-api", "outbound-reply", "inbound"]


@dataclass(frozen=True, slots=True)
class Message:
    """A text in either direction.

    `shown_as` is the sender the phone shows where a network overwrote it; `note` says on the page what became
    of the webhooks about this text.
    """

    sid: str
    direction: Direction
    to: str
    sender: str | None
    service: str | None
    body: str
    status: Status
    segments: int
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None
    error_code: int | None = None
    error_message: str | None = None
    callback: str | None = None
    shown_as: str | None = None
    note: str | None = None
    media: int = 0
    """How many pictures and files came with it."""

    @property
    def phone(self) -> str:
        """The candidate's number, whichever way the text went."""
        return (self.sender or "") if self.direction == "inbound" else self.to


def fresh(  # noqa: PLR0913  # a value for each field
    direction: Direction,
    *,
    to: str,
    sender: str | None,
    service: str | None,
    body: str,
    status: Status,
    segments: int,
    callback: str | None = None,
    media: int = 0,
) -> Message:
    """A text of this moment, under a new SID: "SM", or "MM" with media, and 32 hexadecimal digits."""
    now = datetime.now(UTC)
    return Message(
        sid=f"{'MM' if media else 'SM'}{secrets.token_hex(16)}",
        direction=direction,
        to=to,
        sender=sender,
        service=service,
        body=body,
        status=status,
        segments=segments,
        created_at=now,
        updated_at=now,
        sent_at=None if direction == "outbound-api" else now,
        callback=callback,
        media=media,
    )


def address(account_sid: str, sid: str) -> str:
    """The path of one message."""
    return f"/{API}/Accounts/{account_sid}/Messages/{sid}.json"


def as_resource(message: Message, account_sid: str) -> dict[str, object]:
    """The message resource: every field of Twilio's published description, with its odd types."""
    path = address(account_sid, message.sid)
    return {
        "account_sid": account_sid,
        "api_version": API,
        "body": message.body,
        "date_created": _rfc2822(message.created_at),
        "date_sent": _rfc2822(message.sent_at),
        "date_updated": _rfc2822(message.updated_at),
        "direction": message.direction,
        "error_code": message.error_code,
        "error_message": message.error_message,
        "from": message.sender,
        "messaging_service_sid": message.service,
        "num_media": str(message.media),
        "num_segments": str(message.segments),
        "price": None,
        "price_unit": None,
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": path.replace(".json", "/Media.json")},
        "to": message.to,
        "uri": path,
    }


def _rfc2822(moment: datetime | None) -> str | None:
    return format_datetime(moment) if moment else None
