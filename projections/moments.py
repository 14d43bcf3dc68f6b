"""Moments in the views: whole microseconds since 1970, which every database stores and compares alike."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000
_SECOND_US = 1_000_000


@lru_cache(maxsize=16)  # what one command led to happened at one moment, and several views ask
def micros(moment: datetime) -> int:
    """`moment` (with its offset) as stored, exactly."""
    since = moment - _EPOCH
    return since.days * _DAY_US + since.seconds * _SECOND_US + since.microseconds


def moment(stored: int) -> datetime:
    """The moment stored as `stored`, in UTC."""
    return _EPOCH + timedelta(microseconds=stored)


def maybe(stored: int | None) -> datetime | None:
    """`moment`, of what may be missing."""
    return None if stored is None else moment(stored)
