"""Whether a file is a picture that a page may show: its first bytes decide, and must not be contradicted.

What a file is called comes from whoever sent it. A page shows it only where that and the bytes agree on one
of the kinds that hold nothing but a picture (SVG is a document, which can have scripts).
"""

from schemas.commands import Picture

_ALSO_CALLED: dict[str, Picture] = {"image/jpg": "image/jpeg"}


def picture_of(content: bytes, called: str) -> Picture | None:
    """What kind of picture `content` is, if it is one and was `called` so (a content type)."""
    kind = _seen(content)
    name = called.partition(";")[0].strip().lower()
    return kind if kind == _ALSO_CALLED.get(name, name) else None


def _seen(content: bytes) -> Picture | None:
    """Sources: ITU-T T.81 B.1.1.3, RFC 2083 3.1, GIF89a 17, and Google's WebP container specification."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None
