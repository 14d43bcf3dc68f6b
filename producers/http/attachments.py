"""What came with a reply, as a file: for those who may read the thread that it stands in, and nobody else.

Its content is whatever somebody sent. So a browser is told to take it for nothing but what we say it is, to
run nothing in it, and to save it rather than show it unless it is a picture.
"""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path, Response

from producers.http.access import needs
from producers.http.deps import ApiDeps, Deps
from producers.http.documenting import READ_ROUTE, problems
from producers.http.problems import Problem
from producers.http.reads import AccountPath, CandidatePath, NumberPath
from projections.attachment_shapes import Attachment, AttachmentPlace
from schemas.actors import Permission
from schemas.base import WithoutNul
from schemas.commands import MEDIA_MAX
from schemas.keystore import KeyStoreUnavailable

log = structlog.get_logger()

ANY_FILE = "application/octet-stream"
# Styles within, for the browser's own frame around a picture that is opened by itself.
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
KEPT_BY_BROWSERS_S = 300
RETRY_S = "5"
_PICTURES = {"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp"}
_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
_ENDINGS = {
    **_PICTURES,
    "image/heic": ".heic",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/csv": ".csv",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
    "text/calendar": ".ics",
    "application/rtf": ".rtf",
    "text/rtf": ".rtf",
    "application/msword": ".doc",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.ms-powerpoint": ".ppt",
    f"{_OFFICE}.wordprocessingml.document": ".docx",
    f"{_OFFICE}.spreadsheetml.sheet": ".xlsx",
    f"{_OFFICE}.presentationml.presentation": ".pptx",
    f"{_OPEN}.text": ".odt",
    "audio/mpeg": ".mp3",
    "audio/mp3": ".mp3",
    "audio/mp4": ".m4a",
    "audio/x-m4a": ".m4a",
    "audio/amr": ".amr",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/3gpp": ".3gp",
    "video/3gpp": ".3gp",
    "video/mp4": ".mp4",
}
"""By what the carrier calls a file. Nothing that a double click would run: no pages, scripts or programs."""
_BYTES = {"schema": {"type": "string", "format": "binary"}}

router = APIRouter(prefix="/v1/accounts/{account}")


@router.get(
    "/candidates/{candidate}/threads/{number}/attachments/{sid}/{index}",
    tags=["threads"],
    operation_id="readAttachment",
    summary="A picture or file that came with a reply",
    dependencies=[Depends(needs(Permission.VIEW))],
    response_class=Response,
    responses={
        200: {"description": "The file.", "content": {**dict.fromkeys(_PICTURES, _BYTES), ANY_FILE: _BYTES}},
        **problems(*READ_ROUTE, "not_found", "attachment_unavailable"),
    },
)
def read_attachment(
    account: AccountPath,
    candidate: CandidatePath,
    number: NumberPath,
    sid: Annotated[
        str,
        Path(max_length=200, description="The reply's id.", examples=["MM" + "0" * 31 + "2"]),
        WithoutNul,
    ],
    index: Annotated[
        int, Path(ge=0, le=MEDIA_MAX - 1, description="`index` of the attachment.", examples=[0])
    ],
    deps: Deps,
) -> Response:
    """As it was sent. Only a picture keeps its kind; anything else is a file to be saved.

    404 for what is not stored: the reply's `media` say whether it is waiting or refused.
    """
    place = deps.queries.attachment(account, candidate, number, sid, index)
    if place is None:
        raise Problem("not_found", "This thread has no such attachment.")
    content = _content(deps, place)
    return Response(content, media_type=place.attachment.picture or ANY_FILE, headers=_headers(place))


def _content(deps: ApiDeps, place: AttachmentPlace) -> bytes:
    attachment = place.attachment
    if attachment.state != "stored":
        raise Problem("not_found", f"This attachment is not stored; it is {attachment.state}.")
    files = deps.attachments
    try:
        content = None if files is None else files.read(place.conversation, place.sid, attachment.index)
    except (OSError, KeyStoreUnavailable) as error:
        log.warning(
            "attachment_unavailable", sid=place.sid, index=attachment.index, error=type(error).__name__
        )
        sentence = "The file cannot be read just now. Try again in a moment."
        raise Problem("attachment_unavailable", sentence, {"Retry-After": RETRY_S}) from error
    if content is None:
        log.warning("attachment_missing", sid=place.sid, index=attachment.index)
        raise Problem("not_found", "The file of this attachment is not here any more.")
    return content


def _headers(place: AttachmentPlace) -> dict[str, str]:
    attachment = place.attachment
    how = "attachment" if attachment.picture is None else "inline"
    return {
        "Content-Disposition": f'{how}; filename="{_name(attachment)}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": f"private, max-age={KEPT_BY_BROWSERS_S}",
    }


def _name(attachment: Attachment) -> str:
    """One of our own making: what a sender calls a file can be a trap."""
    called = attachment.content_type.partition(";")[0].strip().lower()
    return f"attachment-{attachment.index + 1}{_ENDINGS.get(attachment.picture or called, '')}"
