"""One call of the carrier, signature checked: what it says, whatever becomes of it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from urllib.parse import parse_qsl

from starlette.datastructures import FormData, QueryParams, UploadFile

FIELDS_MAX = 200

Door = Literal["inbound", "status"]
_SOURCE = "twilio-"
_DOORS: dict[str, Door] = {"inbound": "inbound", "status": "status"}


def read_form(body: bytes) -> FormData:
    """A form, with repeated names kept.

    Raises:
        ValueError: it is none, or has too many fields, or is not in UTF-8.
    """
    pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    fields: list[tuple[str, str | UploadFile]] = [*pairs]
    return FormData(fields)


@dataclass(frozen=True)
class CarrierCall:
    """A call as it came: to which door, with which query and body."""

    door: Door
    query: bytes
    body: bytes

    @cached_property
    def form(self) -> FormData:
        """The fields of the body."""
        return read_form(self.body)

    @property
    def parameters(self) -> QueryParams:
        """The query, taken apart."""
        return QueryParams(self.query)

    @property
    def number(self) -> str:
        """The phone's number, as the form has it: calls about the same one stay in order."""
        return str(self.form.get("From" if self.door == "inbound" else "To", ""))

    @property
    def whole(self) -> bytes:
        """Query and body, as a dead letter keeps them: the body alone does not say whose text it was."""
        return self.query + b"\n" + self.body if self.query else self.body

    @property
    def source(self) -> str:
        """What a dead letter calls the door."""
        return f"{_SOURCE}{self.door}"

    @classmethod
    def of_letter(cls, source: str, whole: bytes) -> "CarrierCall":
        """The call in a dead letter: the inverse of `source` and `whole`."""
        query, mark, body = whole.partition(b"\n")  # in neither, as the carrier writes them
        door = _DOORS[source.removeprefix(_SOURCE)]
        return cls(door, query, body) if mark else cls(door, b"", whole)

    def write(self) -> bytes:
        """The call in bytes: three lines, of which only the last, the body, may hold more of them."""
        return b"\n".join((self.door.encode(), self.query, self.body))

    @classmethod
    def read(cls, data: bytes) -> "CarrierCall":
        """The inverse of `write`."""
        door, query, body = data.split(b"\n", 2)
        return cls(_DOORS[door.decode()], query, body)
