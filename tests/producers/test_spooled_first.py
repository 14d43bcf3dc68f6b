"""P1: a STOP that waits in the spool goes before any text's last look."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consumers.inbox import Inbox
from producers import spooled_first
from producers.spooled_first import SpooledFirst
from schemas.door import Busy
from tests.domain import people
from tests.support.intakes import spool_in


def test_no_last_look_while_a_call_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooled_first, "WAIT_S_MAX", 0.05)
    inbox = Inbox(0)
    with spool_in(tmp_path) as spool:
        door = SpooledFirst(inbox, spool)
        door.put(people.start())
        spool.keep(b"inbound\n\nBody=STOP", datetime.now(UTC)).result(30)
        with pytest.raises(Busy):
            door.put(people.start())
        door.put(people.follow())  # whatever sends nothing need not wait
        with pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(door.submit(people.follow(), 0), 0.05))
        assert inbox.waiting == 3
        spool.drop([one.id for one in spool.oldest(1)])
        door.put(people.start())
        assert inbox.waiting == 4
