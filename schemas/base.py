"""What every message of the language shares: frozen, strict about fields, bounded in every direction."""

from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
)

YEAR_MIN = 2000
YEAR_MAX = 2199  # room to add windows and offsets without ever meeting datetime.max


class Message(BaseModel):
    """A value that crosses a process boundary: a command, an event or a part of one."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64")


def in_utc(moment: datetime) -> datetime:
    """The same point in time, in UTC."""
    return moment.astimezone(UTC)


def near(moment: datetime) -> datetime:
    """The same point in time, in UTC. Raises ValueError if it lies in no year that we count with."""
    if YEAR_MIN <= moment.year <= YEAR_MAX:  # first, since a conversion can leave what a date can hold
        moment = moment.astimezone(UTC)
    if not YEAR_MIN <= moment.year <= YEAR_MAX:
        raise ValueError(f"the year, in UTC, must lie between {YEAR_MIN} and {YEAR_MAX}")
    return moment


Instant = Annotated[AwareDatetime, AfterValidator(in_utc)]
"""A point in time, kept in UTC."""
Moment = Annotated[AwareDatetime, AfterValidator(near)]
"""A point in time that somebody names, with its offset, kept in UTC; in this century or the next."""


def without_nul(text: str) -> str:
    """`text`. Raises ValueError if it holds the character NUL."""
    if "\0" in text:
        raise ValueError("must not hold the character NUL")  # no database but SQLite keeps it
    return text


WithoutNul = AfterValidator(without_nul)


def _replacing_nul(text: object) -> object:
    return text.replace("\0", "\ufffd") if isinstance(text, str) else text


NulReplaced = BeforeValidator(_replacing_nul)
"""For what somebody outside wrote: it is kept, but for a character that no database keeps.

An event that already holds one is read without it, too: history cannot be refused.
"""

AccountId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
"""A customer of the ATS: lower-case letters, digits, `-` and `_`, at most 63."""

ForeignId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:~-]{0,127}$")]
"""An identifier the ATS chose (candidate, member, job, application): at most 128 URL-safe characters."""

# Lengths come first, where pydantic itself looks at them; after our function it calls Python for each.
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), WithoutNul]
LongText = Annotated[str, StringConstraints(max_length=4_000), WithoutNul]
Region = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217."""
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
"""ISO 639-1."""
E164 = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
NUMBERED_SENDER = r"\+[1-9][0-9]{6,14}|MG[0-9a-f]{32}|[0-9]{3,8}"
"""A number in E.164, a messaging service or a short code: what is no name."""
SENDER = (
    rf"^({NUMBERED_SENDER}"
    r"|[A-Za-z][A-Za-z0-9 ]{0,10}|[0-9][A-Za-z][A-Za-z0-9 ]{0,9})$"
)
SenderId = Annotated[str, StringConstraints(pattern=SENDER)]
"""What the account texts from: a number in E.164, a messaging service, a short code, or a name."""
SERVICE_CHARACTERS = 34
"""Of a messaging service: "MG" and 32 hexadecimal digits."""
SenderKind = Literal["long_code", "toll_free", "short_code", "messaging_service", "alphanumeric"]
CarrierName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
"""What the operator calls a carrier, or an account with one: lower-case letters, digits and `-`."""
FIRST_CARRIER = "twilio"
"""The carrier that is always configured."""
LocalTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""Wall-clock time `HH:MM`."""

_Item = TypeVar("_Item", bound=str)

SortedSet = Annotated[frozenset[_Item], PlainSerializer(sorted)]
"""A set that is always written in the same order, so that equal messages have equal bytes."""


def is_service(sender: str) -> bool:
    """Whether a sender is a messaging service: a name may begin like one, but is never as long."""
    return sender.startswith("MG") and len(sender) == SERVICE_CHARACTERS
