"""What a dead letter says of a record that is no command."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from consumers.reading import Reader, Unusable
from schemas import commands
from tests.consumers.serving import SEAL
from tests.domain import people


@dataclass(frozen=True)
class Lying:
    """A record as it lies on the topic."""

    key: bytes
    value: bytes
    topic: str = "commands"
    partition: int = 0
    offset: int = 0
    headers: Sequence[tuple[str, bytes]] = ()


def test_a_letter_repeats_no_name_that_is_not_ours() -> None:
    command = people.follow("ada")
    fields = json.loads(commands.write(command))
    fields["actor"] |= {"\x1b]0;PWNED\x07": 1, "+14155550123": 2}
    del fields["command_id"]
    record = Lying(command.account.encode(), json.dumps(fields).encode())
    with pytest.raises(Unusable) as caught:
        Reader(0, 1, SEAL).command(record)
    wrong = sorted(caught.value.detail.split("; "))
    assert wrong == ["follow-candidate.actor: extra_forbidden", "follow-candidate.command_id: missing"]
