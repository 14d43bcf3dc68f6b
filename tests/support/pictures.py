"""Pictures and files as phones send them."""

import base64
import struct
import zlib
from typing import Any


def png(width: int = 2, height: int = 2, colour: tuple[int, int, int] = (34, 163, 124)) -> bytes:
    """A picture of one colour that every browser shows."""
    rows = b"".join(b"\0" + bytes(colour) * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def media(content: bytes, content_type: str = "image/png", **fate: Any) -> dict[str, Any]:
    """What a phone sends along; `fate` is what befalls whoever fetches it."""
    return {"content_type": content_type, "content": base64.b64encode(content).decode(), **fate}


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
