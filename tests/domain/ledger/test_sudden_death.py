"""A ledger whose owner is killed at any moment holds whole batches, and every one that was answered."""

import subprocess
import sys
from pathlib import Path

import pytest

from schemas.keystore import KeyStore
from tests.domain.ledger.conftest import Opener
from tests.domain.ledger.given import READ, History

EVENTS_EACH = 7
OWNER = """
import sys
from domain.ledger import Ledger
from schemas.keystore import KeyStore
from tests.domain.ledger.given import OPENED, READ, History

keys = KeyStore(sys.argv[2], b"m" * 32)
ledger, history = Ledger.open(sys.argv[1], 0, keys), History()
for position in range(1, 100_000):
    ledger.append(history.of(f"c{position}", OPENED, *[READ] * 6), position)
    print(position, flush=True)
"""


@pytest.mark.parametrize("answers", [1, 20, 60])
def test_what_was_answered_is_there_and_nothing_by_halves(
    path: Path, keys: KeyStore, tmp_path: Path, open_ledger: Opener, answers: int
) -> None:
    command = [sys.executable, "-c", OWNER, str(path), str(tmp_path / "keys.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        answered = [int(owner.stdout.readline()) for _ in range(answers)][-1]
        owner.kill()

    ledger = open_ledger()
    position = ledger.position()
    assert position is not None
    assert position >= answered
    assert ledger.last_notification() == position * EVENTS_EACH
    for conversation in range(1, position + 1):
        assert [recorded.version for recorded in ledger.read(f"c{conversation}")] == [*range(1, 8)]
        assert keys.cipher(f"c{conversation}") is not None
    ledger.append(History().of("c0", READ), position + 1)
