"""What callers hear while a file of the embedded form is locked or broken: 503, and nothing was done."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from producers.dead_letters import DeadLetters
from projections.engine import open_engine
from projections.queries import Queries
from schemas.stores import StoreUnavailable
from tests.producers.test_commands import code
from tests.producers.test_ops import with_deps
from tests.producers.world import EVERYTHING, World, fresh_number, thread
from tests.support.sayso import eventually


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Somebody else writes into that file, and does not come to an end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.parametrize("file", ["ledger-0.db", "keys.db"])
def test_a_command_that_cannot_be_stored_is_503_and_taken_once_it_can(world: World, file: str) -> None:
    boss = world.account()
    add = {
        "type": "add-number", "command_id": str(uuid4()), "candidate": "ada", "number": fresh_number(),
    }  # fmt: skip
    with locked(world.sayso.settings.data_dir / file):
        answer = boss.post(add, wait=20)
        assert (answer.status_code, code(answer)) == (503, "unavailable")
        assert "did not take effect" in answer.json()["detail"]
        assert int(answer.headers["Retry-After"]) > 0
    again = boss.post(add)
    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (200, None)
    eventually(lambda: boss.get("/candidates/ada").status_code == 200)


@pytest.fixture(params=["gone", "no database"])
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file of SQLite that cannot be read."""
    path = tmp_path / "folder" / "broken.db"
    if request.param == "no database":
        path.parent.mkdir()
        path.write_bytes(b"no database " * 1_000)
    return path


def test_views_that_cannot_be_read_are_503_and_said_in_the_log(world: World, broken: Path) -> None:
    boss = world.account()
    engine = open_engine(f"sqlite:///{broken}")
    with with_deps(world, queries=Queries(engine)) as other, capture_logs() as logs:
        caller = other.caller(boss.account, *EVERYTHING)
        for path in ("", "/candidates", thread("ada", "+14155550199"), "/credits/statement"):
            answer = caller.get(path)
            assert (answer.status_code, code(answer)) == (503, "unavailable")
            assert int(answer.headers["Retry-After"]) > 0
        assign = caller.post({"type": "assign-sender", "sender": "+14155550198"})
        assert (assign.status_code, code(assign)) == (503, "unavailable")
    engine.dispose()
    said = [line for line in logs if line["event"] == "store_away"]
    assert said[0]["route"] == "/v1/accounts/{account}"
    assert {line["log_level"] for line in said} == {"warning"}


def test_letters_that_cannot_be_read_are_503(world: World, tmp_path: Path) -> None:
    boss = world.account()
    path = tmp_path / "letters.db"
    letters = DeadLetters.on_sqlite(str(path), b"m" * 32)
    letters.close()
    for file in tmp_path.glob("letters.db*"):
        file.write_bytes(b"no database " * 1_000)
    with with_deps(world, dead_letters=letters) as other:
        answer = other.caller(boss.account, *EVERYTHING).get("/dead-letters")
    assert (answer.status_code, code(answer)) == (503, "unavailable")
    with pytest.raises(StoreUnavailable):
        letters.count()
    letters.close()
