"""Ids that come from meaning, so that a retry meets its first try; and fresh ones that sort by time."""

import secrets
from datetime import datetime
from uuid import UUID, uuid5

_FROM_KEYS = UUID("5d0f6c1e-3b0a-5f4e-9c36-6f1f8a1b7a01")
_FROM_CARRIER = UUID("5d0f6c1e-3b0a-5f4e-9c36-6f1f8a1b7a02")


def fresh(now: datetime) -> UUID:
    """A UUID of version 7 (RFC 9562, 5.7): 48 bits of milliseconds since 1970, the rest random."""
    milliseconds = int(now.timestamp() * 1_000)
    rest = secrets.randbits(74)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | (rest >> 62) << 64 | 0b10 << 62 | rest & (1 << 62) - 1)


def from_key(account: str, key: str) -> UUID:
    """The command id that an `Idempotency-Key` stands for: itself if it is a UUID, else one of its own."""
    try:
        return UUID(key)
    except ValueError:
        return uuid5(_FROM_KEYS, f"{account}\n{key}")


def of_inbound(sid: str) -> UUID:
    """The command id of the reply that the carrier calls `sid`."""
    return uuid5(_FROM_CARRIER, sid)


def of_status(sid: str, status: str) -> UUID:
    """The command id of the news that the text `sid` has come as far as `status`."""
    return uuid5(_FROM_CARRIER, f"{sid}\n{status}")
