"""What phones send along with their answers."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Annotated, Any

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, StringConstraints

from deploy.simulator.message import API

MEDIA_MAX = 10
BYTES_KEPT_MAX = 64 * 1024 * 1024


class NewMedia(BaseModel):
    """A file that the candidate sends, in base64, and what shall befall whoever fetches it.

    The first `times` requests for it, or all if it is 0, are answered with `status`, if one is given. With
    `redirect_to`, it redirects there and not to its signed address.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    content_type: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    content: Base64Bytes
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    times: Annotated[int, Field(ge=0)] = 0
    redirect_to: Annotated[str, StringConstraints(max_length=2_000)] | None = None


@dataclass(slots=True)
class Media:
    """A file that came with a message."""

    sid: str
    parent: str
    new: NewMedia
    created_at: datetime
    asked: int = 0
    """How often it was asked for."""


class MediaStore:
    """In memory, bounded; the oldest go first. Used from one event loop only."""

    def __init__(self) -> None:
        self._media: dict[str, Media] = {}
        self._bytes = 0
        self._secret = secrets.token_bytes(32)

    def put(self, parent: str, new: NewMedia) -> Media:
        """Keep a file under a new SID: "ME" and 32 hexadecimal digits, as Twilio's."""
        media = Media(f"ME{secrets.token_hex(16)}", parent, new, datetime.now(UTC))
        self._media[media.sid] = media
        self._bytes += len(new.content)
        while self._bytes > BYTES_KEPT_MAX:
            oldest = self._media.pop(next(iter(self._media)))
            self._bytes -= len(oldest.new.content)
        return media

    def of(self, parent: str) -> list[Media]:
        """What came with that message, as far as it is still here."""
        return [media for media in self._media.values() if media.parent == parent]

    def get(self, sid: str) -> Media | None:
        """The file, unless it was never there or has been dropped."""
        return self._media.get(sid)

    def signature(self, sid: str, expires: str) -> str:
        """What lets anybody have that file until then."""
        return hmac.digest(self._secret, f"{sid} {expires}".encode(), "sha256").hex()


def addresses(media: Sequence[Media], url: str, account_sid: str) -> list[tuple[str, str]]:
    """Where each of `media` is found at the carrier's `url`, and what it is called."""
    return [(url + path(one, account_sid), one.new.content_type) for one in media]


def path(media: Media, account_sid: str) -> str:
    """The path of the file itself."""
    return f"/{API}/Accounts/{account_sid}/Messages/{media.parent}/Media/{media.sid}"


def as_resource(media: Media, account_sid: str) -> dict[str, Any]:
    """The media resource: every field of Twilio's published description."""
    at = format_datetime(media.created_at)
    return {
        "account_sid": account_sid,
        "content_type": media.new.content_type,
        "date_created": at,
        "date_updated": at,
        "parent_sid": media.parent,
        "sid": media.sid,
        "uri": f"{path(media, account_sid)}.json",
    }
