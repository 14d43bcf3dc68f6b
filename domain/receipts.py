"""What ties a receipt to its command: where it stands, and the fingerprint in it.

Whoever takes commands in and whoever decides them must agree on both.
"""

from typing import Any

from domain.ledger.names import StreamNames
from schemas.actors import Permission
from schemas.commands import Command
from schemas.events import Recorded


def receipt_stream(names: StreamNames, command: Command) -> str:
    """The stream of the command's receipt.

    Whoever may choose ids freely never meets those of the carrier's doors and our own workers.
    """
    within = _WITHIN if Permission.CARRIER in command.actor.permissions else ""
    return names.receipt(command.account + within, command.command_id)


def names_receipt(names: StreamNames, receipt: Recorded) -> bool:
    """Whether `names` would have put this receipt where it stands."""
    account, command_id = receipt.context.account, receipt.context.command_id
    return receipt.stream in {names.receipt(account + within, command_id) for within in ("", _WITHIN)}


def fingerprint_of(names: StreamNames, command: Command) -> str:
    """Tells the command's content from another's under the same id."""
    return names.fingerprint(content_of(command))


def content_of(command: Command) -> bytes:
    """What makes a command this one and no other: all but how it travelled and what its actor may do.

    What says no more than the default is left out: it is the same command whether its sender spelt that out
    or not, and a field that comes later changes no retry.
    """
    content = command.__pydantic_serializer__.to_json(command, exclude=_NOT_CONTENT, exclude_defaults=True)
    return command.type.encode() + content


_WITHIN = " within"  # no account has a space in it
_NOT_CONTENT: dict[str, Any] = {"traceparent": True, "actor": {"name", "permissions"}}
