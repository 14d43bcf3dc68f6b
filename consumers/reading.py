"""Reading one record of the commands topic: a command, or what is wrong with it.

This stands in every command's way, so the good case comes first and does nothing twice.
"""

import re
from collections.abc import Sequence
from typing import Protocol

import structlog
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas import commands, records
from schemas.command_seal import CommandSeal, must_be_sealed
from schemas.commands import BULK_BYTES_MAX, COMMAND_BYTES_MAX, LARGE_TYPE, Command
from schemas.letters import Reason
from schemas.partitions import shard_of
from schemas.tracing import adopt

log = structlog.get_logger()

FAULTS_TOLD_MAX = 10
_ACCOUNT = re.compile(rb"[a-z0-9][a-z0-9_-]{0,62}")


class Record(Protocol):
    """What the client hands out for a record."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Unusable(Exception):
    """The record is no command that may be decided; it becomes a dead letter."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Elsewhere(Exception):
    """The command belongs in another shard."""

    def __init__(self, shard: int) -> None:
        super().__init__(f"shard {shard}")
        self.shard = shard


class Reader:
    """Reads the records of one shard's partition."""

    def __init__(self, shard: int, partitions: int, seal: CommandSeal) -> None:
        self.shard = shard
        self.partitions = partitions
        self._seal = seal

    def command(self, record: Record) -> Command:
        """The command in `record`.

        Raises:
            Unusable: it is none, or not from whom it says.
            Elsewhere: it is one, and another shard decides it.
        """
        key, value = record.key, record.value
        if not key:
            raise Unusable(Reason.NO_KEY, "The record has no key; it must be the account.")
        if value is None:
            raise Unusable(Reason.INVALID_COMMAND, "The record has no value.")
        large = len(value) > COMMAND_BYTES_MAX
        if large and (len(value) > BULK_BYTES_MAX or _LARGE not in value):
            raise _too_large(value)
        try:
            command = commands.read(value)
        except ValidationError as error:
            raise Unusable(Reason.INVALID_COMMAND, _told(error)) from None
        except Exception as error:
            # No bytes may stop a shard. If this happens, the language has a gap, and we want to know.
            log.exception("record_unreadable")
            raise Unusable(Reason.INVALID_COMMAND, type(error).__name__) from error
        if large and len(value) > commands.bytes_max(command.type):
            raise _too_large(value)
        account = command.account
        if key != account.encode():
            raise Unusable(Reason.WRONG_KEY, "The key is not the command's account.")
        headers = record.headers
        if must_be_sealed(command.actor) and not self._seal.holds(value, _header(headers, records.SEAL)):
            raise Unusable(Reason.NOT_SEALED, "Only Sayso's own doors speak as this actor.")
        shard = shard_of(account, self.partitions)
        if shard != self.shard:
            if _header(headers, records.FORWARDED) is not None:
                raise Unusable(Reason.MISROUTED, f"It was forwarded here, and belongs in shard {shard}.")
            raise Elsewhere(shard)
        return adopt(command, headers) if headers else command


_LARGE = f'"{LARGE_TYPE}"'.encode()


def _too_large(value: bytes) -> Unusable:
    limits = f"{COMMAND_BYTES_MAX}, or {BULK_BYTES_MAX} in a {LARGE_TYPE}"
    return Unusable(Reason.TOO_LARGE, f"{len(value)} bytes are more than {limits}.")


def account_of(key: bytes | None) -> str | None:
    """The account that `key` names; None where it names none."""
    return key.decode() if key is not None and _ACCOUNT.fullmatch(key) else None


def _told(error: ValidationError) -> str:
    """Which fields are wrong, and how; never what they hold, nor names that are not ours."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    told = dict.fromkeys(f"{'.'.join(map(str, _place(fault)))}: {fault['type']}" for fault in faults)
    return "; ".join(list(told)[:FAULTS_TOLD_MAX])


def _place(fault: ErrorDetails) -> Sequence[int | str]:
    """The field at fault; of one that there should not be, what it is in."""
    return fault["loc"][:-1] if fault["type"] == "extra_forbidden" else fault["loc"]


def _header(headers: Sequence[tuple[str, bytes]], name: str) -> bytes | None:
    """The last header of that name."""
    return dict(headers).get(name)
