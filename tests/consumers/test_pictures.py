"""A page shows a file as a picture only if its bytes and its name agree on a kind that is nothing else."""

import pytest

from consumers.attachments.pictures import picture_of
from tests.support.pictures import png

JPEG, GIF, WEBP = b"\xff\xd8\xff\xe0", b"GIF89a..", b"RIFF\x10\0\0\0WEBPVP8 "


@pytest.mark.parametrize(
    ("content", "called", "kind"),
    [
        (JPEG, "image/jpeg", "image/jpeg"),
        (JPEG, "image/jpg", "image/jpeg"),
        (JPEG, "Image/JPEG; name=a.jpg", "image/jpeg"),
        (png(), "image/png", "image/png"),
        (GIF, "image/gif", "image/gif"),
        (b"GIF87a..", "image/gif", "image/gif"),
        (WEBP, "image/webp", "image/webp"),
    ],
)
def test_pictures(content: bytes, called: str, kind: str) -> None:
    assert picture_of(content, called) == kind


@pytest.mark.parametrize(
    ("content", "called"),
    [
        (JPEG, "image/png"),
        (png(), "application/octet-stream"),
        (png(), ""),
        (b"<svg/>", "image/svg+xml"),
        (b"<html>", "image/gif"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "image/webp"),
        (b"", "image/png"),
        (b"%PDF-1.7", "application/pdf"),
    ],
)
def test_everything_else(content: bytes, called: str) -> None:
    assert picture_of(content, called) is None
