"""One try at one attachment: fetched, looked at, sealed and stored. Others record what it came to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import structlog

from consumers.attachments.outcomes import Again, Refused, Stored
from consumers.attachments.pictures import picture_of
from consumers.attachments.source import AttachmentSource
from projections.attachment_shapes import WaitingAttachment
from schemas.attachment_files import AttachmentFiles
from schemas.keystore import KeyStoreUnavailable

log = structlog.get_logger()

Kept = Stored | Refused | Again


@dataclass(frozen=True, slots=True)
class KeepingPatience:
    """When a failing try is the last one: so long after the reply came, and after so many tries in a row.

    The carrier keeps files until somebody deletes them, so what waited for a year is worth a few tries, too.
    """

    gone_after: timedelta = timedelta(minutes=10)
    """Of what the carrier does not have: for a moment it may say so of what has just come."""
    gone_tries_min: int = 3
    given_up_after: timedelta = timedelta(hours=72)
    given_up_tries_min: int = 8

    def is_over(self, again: Again, age: timedelta, tries: int) -> bool:
        """Whether what failed `again` is not to be tried any more."""
        match again.ends_as:
            case None:
                return False
            case "gone":
                return age >= self.gone_after and tries >= self.gone_tries_min
            case _:
                return age >= self.given_up_after and tries >= self.given_up_tries_min


class AttachmentKeeper:
    """From any thread."""

    def __init__(
        self, source: AttachmentSource, files: AttachmentFiles, patience: KeepingPatience = KeepingPatience()
    ) -> None:
        self._source = source
        self._files = files
        self._patience = patience

    def keep(self, waiting: WaitingAttachment, now: datetime, tries: int) -> Kept:
        """Try it, for the `tries`th time in a row."""
        kept = self._try(waiting)
        if isinstance(kept, Again) and self._patience.is_over(kept, now - waiting.since, tries):
            assert kept.ends_as is not None
            return Refused(kept.ends_as)
        return kept

    def leave(self) -> None:
        """Give up what is under way."""
        self._source.leave()

    def close(self) -> None:
        """Let the connections go."""
        self._source.close()

    def _try(self, waiting: WaitingAttachment) -> Kept:
        fetched = self._source.fetch(waiting.url)
        if isinstance(fetched, Refused | Again):
            return fetched
        content = fetched.content
        try:
            written = self._files.write(waiting.conversation, waiting.sid, waiting.index, content)
        except OSError as error:
            log.warning("attachment_not_written", reason=error.strerror)
            return Again("not_written", ends_as=None)
        except KeyStoreUnavailable:
            return Again("keys_unavailable", ends_as=None)
        if not written:
            return Refused("erased")
        picture = picture_of(content, waiting.content_type)
        return Stored(len(content), sha256(content).hexdigest(), picture)
