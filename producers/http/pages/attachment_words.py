"""What came with a reply, as the thread shows it: a picture, a file to save, or why there is neither."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

from projections.attachment_shapes import Attachment
from projections.shapes import Thread, ThreadMessage
from schemas.commands import AttachmentRefusal

_REFUSED: Mapping[AttachmentRefusal, str] = MappingProxyType(
    {
        "unexpected_host": "it lies where nothing is fetched from",
        "too_large": "it is too large",
        "gone": "the carrier does not have it any more",
        "turned_down": "the carrier refused",
        "unusable_answer": "what the carrier sent is no file",
        "given_up": "the carrier did not hand it over in time",
        "erased": "this person's data was erased",
    }
)
_UNITS = ("bytes", "KB", "MB")
_STEP = 1_024


@dataclass(frozen=True, slots=True)
class AttachmentLine:
    """One of them."""

    address: str | None
    """Where the file is; none: it is not here."""
    is_picture: bool
    """The page may show it."""
    words: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Attachments:
    """How a page tells of what came with the replies in `thread`."""

    account: str
    thread: Thread
    are_stored: bool
    """Whether anything is fetched and stored at all."""

    def of(self, message: ThreadMessage, name: str) -> tuple[AttachmentLine, ...]:
        """Those of `message`, which the candidate called `name` sent."""
        return tuple(self._line(message.id, one, name) for one in message.media)

    def _line(self, sid: str, one: Attachment, name: str) -> AttachmentLine:
        called = f"Attachment ({one.content_type})"
        match one.state:
            case "stored" if one.picture is not None and self.are_stored:
                return AttachmentLine(self._address(sid, one), True, f"Picture from {name}", False)
            case "stored" if self.are_stored:
                words = f"{called}: {_size(one.size_bytes or 0)}"
                return AttachmentLine(self._address(sid, one), False, words, False)
            case "refused" if one.reason is not None:
                words = f"{called} could not be fetched: {_REFUSED[one.reason]}."
                return AttachmentLine(None, False, words, True)
            case "waiting" if self.are_stored:
                return AttachmentLine(None, False, f"{called} is being fetched.", False)
            case _:
                return AttachmentLine(None, False, f"{called} is not stored here.", False)

    def _address(self, sid: str, one: Attachment) -> str:
        thread = f"candidates/{quote(self.thread.candidate)}/threads/{quote(self.thread.number, safe='')}"
        return f"/v1/accounts/{self.account}/{thread}/attachments/{quote(sid, safe='')}/{one.index}"


def _size(size_bytes: int) -> str:
    size, unit = float(size_bytes), 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size, unit = size / _STEP, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 or size >= 10 else f"{size:.1f} {_UNITS[unit]}"
