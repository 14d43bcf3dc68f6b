"""Dead letters: records of the commands topic that could not be used, as they lie on the dead-letters topic.

A letter's value is the record's value, byte for byte. What else the record had, and what was wrong with it,
stands in headers; a header of the record's own has `original-` before its name. The key is the account, where
that much could be told. A crash may write a letter twice: the same `origin` is the same record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Headers = Sequence[tuple[str, bytes]]

REASON, ORIGIN, DETAIL, AT = "sayso-reason", "sayso-origin", "sayso-detail", "sayso-at"
KEY = "sayso-key"
"""The record's own key, if it had one."""
NO_VALUE = "sayso-no-value"
"""There if the record had no value."""
OWN = "original-"
"""Before the names of the record's own headers."""
DETAIL_CHARACTERS_MAX = 1_000


class Reason(StrEnum):
    """Why a record could not be used."""

    NO_KEY = "no_key"
    TOO_LARGE = "too_large"
    INVALID_COMMAND = "invalid_command"
    WRONG_KEY = "wrong_key"
    """The key is not the command's account: nothing would keep its order."""
    NOT_SEALED = "not_sealed"
    """It speaks as the carrier or as Sayso itself, and is not from our own doors."""
    MISROUTED = "misrouted"
    """It was forwarded once, and still lies in a wrong partition: somebody counts partitions otherwise."""
    COMMAND_ID_REUSED = "command_id_reused"
    """The same id came before with other content, and its receipt answers that one."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One record that could not be used.

    Attributes:
        origin: where it lay: `topic/partition/offset`.
        detail: what exactly is wrong with it; never what it says.
        account: whose it is, where that could be told.
        key, value, headers: the record itself; no value is a deletion, which no command is.
    """

    reason: Reason
    origin: str
    detail: str
    at: datetime
    account: str | None
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def headers_of(letter: Letter) -> list[tuple[str, bytes]]:
    """The headers of the letter's record."""
    headers = [
        (REASON, letter.reason.encode()),
        (ORIGIN, letter.origin.encode()),
        (DETAIL, letter.detail[:DETAIL_CHARACTERS_MAX].encode()),
        (AT, letter.at.isoformat().encode()),
    ]
    if letter.key is not None:
        headers.append((KEY, letter.key))
    if letter.value is None:
        headers.append((NO_VALUE, b""))
    headers += ((OWN + name, value or b"") for name, value in letter.headers)
    return headers


def letter_of(key: bytes | None, value: bytes | None, headers: Headers) -> Letter:
    """The letter in a record of the dead-letters topic, the inverse of `headers_of`.

    Raises:
        ValueError: it is no letter of ours.
    """
    found = dict(headers)
    try:
        return Letter(
            reason=Reason(found[REASON].decode()),
            origin=found[ORIGIN].decode(),
            detail=found[DETAIL].decode(),
            at=datetime.fromisoformat(found[AT].decode()),
            account=None if key is None else key.decode(),
            key=found.get(KEY),
            value=None if NO_VALUE in found else value,
            headers=[(name.removeprefix(OWN), text) for name, text in headers if name.startswith(OWN)],
        )
    except KeyError as error:
        raise ValueError(f"a dead letter has a header {error}") from error
