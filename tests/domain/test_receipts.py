"""Where a command's receipt stands, and what tells two commands under one id apart."""

from uuid import UUID

import pytest

from domain.ledger import StreamNames
from domain.receipts import content_of, fingerprint_of, receipt_stream
from schemas import commands
from schemas.actors import CARRIER
from schemas.commands import Command
from tests.domain import people

NAMES = StreamNames(b"names for tests only")
SEND = people.send(command_id=UUID(int=7))


def test_content_is_all_that_was_said() -> None:
    """P2"""
    assert content_of(SEND) == content_of(SEND.model_copy())
    for other in (
        people.send("Hello!"),
        people.send(number=people.OTHER_NUMBER),
        people.send(override_quiet_hours=True),
        people.send(account="umbrella"),
        people.send(actor=people.OPERATOR),
    ):
        assert content_of(other) != content_of(people.send())


@pytest.mark.parametrize("command", [SEND, people.activate(), people.apply(), people.add_consent()])
def test_a_command_keeps_its_fingerprint_on_its_way_through_a_topic(command: Command) -> None:
    """P2: a door that wrote it and a worker that read it mean the same command."""
    again = commands.read(commands.write(command))
    assert fingerprint_of(NAMES, again) == fingerprint_of(NAMES, command)
    assert receipt_stream(NAMES, again) == receipt_stream(NAMES, command)


def test_ids_of_our_own_doors_are_nobody_elses() -> None:
    within = SEND.model_copy(update={"actor": CARRIER})
    assert receipt_stream(NAMES, within) != receipt_stream(NAMES, SEND)
