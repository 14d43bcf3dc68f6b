"""What becomes of a file that came with a reply: it is fetched elsewhere, and how that ended is decided here.

The state of a conversation holds nothing of it, so that it does not grow. That each attachment ends once
follows from the command's id, which is made of the attachment's own: another outcome meets the first receipt.
"""

from pydantic import JsonValue

from domain.refusals import Refused
from domain.turn import Turn
from schemas.commands import AttachmentFetched, RecordAttachment
from schemas.events import AttachmentRefused, AttachmentStored, Event


def record(turn: Turn, command: RecordAttachment) -> dict[str, JsonValue]:
    """The attachment is stored, or will not be."""
    stream = turn.stream_of(command.number)
    if not turn.conversation(stream).opened:
        raise Refused("number_unknown")
    turn.on_conversation(stream, [_ended(command)])
    return {}


def _ended(command: RecordAttachment) -> Event:
    result = command.result
    if isinstance(result, AttachmentFetched):
        return AttachmentStored(
            sid=command.sid,
            index=command.index,
            size_bytes=result.size_bytes,
            sha256=result.sha256,
            picture=result.picture,
        )
    return AttachmentRefused(sid=command.sid, index=command.index, reason=result.reason)
