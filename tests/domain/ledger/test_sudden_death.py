"""A ledger whose owner is killed at any moment holds whole batches, and every one that was answered."""

import subprocess
import sys
from pathlib import Path

import pytest

from schemas.keystore import KeyStore
from tests.domain.ledger.conftest import Opener
from tests.domain.ledger.given import READ, History
from tests.domain.ledger.places import OnPostgres, Place

EVENTS_EACH = 7
OWNER = """
import sys
from pathlib import Path
from tests.domain.ledger.given import OPENED, READ, History
from tests.domain.ledger.places import OnPostgres, OnSqlite

place = OnPostgres(sys.argv[1]) if "://" in sys.argv[1] else OnSqlite(Path(sys.argv[1]))
ledger, history = place.ledger(place.keys()), History()
ledger.take()
for position in range(1, 100_000):
    ledger.append(history.of(f"c{position}", OPENED, *[READ] * 6), position)
    print(position, flush=True)
"""


@pytest.mark.parametrize("answers", [1, 20, 60])
def test_what_was_answered_is_there_and_nothing_by_halves(
    place: Place, keys: KeyStore, tmp_path: Path, open_ledger: Opener, answers: int
) -> None:
    where = place.dsn if isinstance(place, OnPostgres) else str(tmp_path)
    command = [sys.executable, "-c", OWNER, where]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        answered = [int(owner.stdout.readline()) for _ in range(answers)][-1]
        owner.kill()

    ledger = open_ledger()
    position = ledger.take()
    assert position >= answered
    assert ledger.last_notification() == position * EVENTS_EACH
    for conversation in range(1, position + 1):
        assert [recorded.version for recorded in ledger.read(f"c{conversation}")] == [*range(1, 8)]
        assert keys.cipher(f"c{conversation}") is not None
    ledger.append(History().of("c0", READ), position + 1)
