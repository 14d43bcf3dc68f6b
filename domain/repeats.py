"""The same words over and over: what a loop that has gone wrong sends, and nobody who writes to a person."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from unicodedata import normalize
from zlib import crc32

from domain.refusals import Refused

ALIKE_MAX = 20
WITHIN = timedelta(days=1)
SAID_MAX = 200  # kept of one number: whoever says so much else in between is no loop
WORDS_BITS = 16  # too few to tell what was written, enough to tell twenty texts from others
BODIES_CACHED_MAX = 256


class Said(NamedTuple):
    """A text that was accepted for a number."""

    words: int
    """A mark of its words, however they are cased and spaced."""
    leaves_at: datetime


def said(body: str, leaves_at: datetime) -> Said:
    """That `body` was accepted, to leave at that moment."""
    return Said(words_of(body), leaves_at)


def remember(known: tuple[Said, ...], new: Said, now: datetime) -> tuple[Said, ...]:
    """`known` and what is `new`, without what left more than a day before `now`."""
    if not known:
        return (new,)
    since = now - WITHIN
    return (*[one for one in known if one.leaves_at > since], new)[-SAID_MAX:]


def require_variety(known: tuple[Said, ...], body: str, leaves_at: datetime) -> None:
    """Refuse what would be the 21st text with the same words within 24 hours. Cancelled ones count, too."""
    if len(known) < ALIKE_MAX:
        return
    words = words_of(body)
    times = sorted([leaves_at, *(one.leaves_at for one in known if one.words == words)])
    for first, last in zip(times, times[ALIKE_MAX:], strict=False):
        if last - first < WITHIN:
            raise Refused("too_many_alike", limit=ALIKE_MAX)


@lru_cache(BODIES_CACHED_MAX)
def words_of(body: str) -> int:
    """A mark that texts share which a reader would call the same."""
    plain = " ".join(normalize("NFKC", body).casefold().split())
    return crc32(plain.encode()) & ((1 << WORDS_BITS) - 1)
