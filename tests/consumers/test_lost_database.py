"""A shard whose database is lost while it stores: nothing is decided upon what nobody knows (P2, P4)."""

from collections.abc import Iterator
from itertools import count
from uuid import uuid4

import pytest

from consumers.inbox import Inbox, Incoming
from consumers.shard import Shard
from consumers.worker import Worker
from domain.ledger import Ledger, LedgerUnavailable, OutcomeUnknown, PositionConflict
from domain.policy import Policy
from schemas.commands import Command
from schemas.door import Unavailable
from schemas.keystore import KeyStore
from schemas.receipts import Answer
from tests.consumers.shards import MASTER_KEY, NAMES, Clock, code, ready
from tests.domain import people
from tests.domain.given import ACME
from tests.support.sayso import eventually
from tests.support.wire import Wire

WAIT_S = 60


class Far:
    """A shard in a database behind a wire. Its statements are prepared: an answer is about what they did."""

    def __init__(self, dsn: str) -> None:
        self.wire = Wire(dsn)
        self.keys = KeyStore.open_postgres(dsn, MASTER_KEY)
        self.ledger = Ledger.open_postgres(self.wire.dsn, 0, self.keys)
        self._positions = count(self.ledger.take() + 1)
        self.shard = Shard(0, self.ledger, NAMES, Policy(), Clock())
        self.process(*ready())

    def process(self, *commands: Command) -> list[Answer]:
        batch = [Incoming(command, next(self._positions)) for command in commands]
        return [answer for _, answer in self.shard.process(batch).answers]

    def balance(self) -> int:
        return self.shard.states.account(NAMES.account(ACME)).balance

    def lose(self, *commands: Command) -> None:
        """They are stored, and nobody hears of it, nor of anything else until the wire is mended."""
        batch = [Incoming(command, next(self._positions)) for command in commands]
        decided = self.shard.decide(batch, batch[-1].position)
        self.wire.lose_the_next_answer(then_refuse=True)
        with pytest.raises(OutcomeUnknown):
            self.shard.store(decided)
        self.shard.forget()

    def close(self) -> None:
        self.shard.close()
        self.ledger.close()
        self.keys.close()
        self.wire.close()


@pytest.fixture
def far(database: str) -> Iterator[Far]:
    far = Far(database)
    yield far
    far.close()


def test_commands_whose_storing_is_unknown_get_their_first_answers_afterwards(far: Far) -> None:
    before = far.balance()
    sends = [people.send(command_id=uuid4()) for _ in range(5)]
    far.lose(*sends)
    with pytest.raises(LedgerUnavailable):
        far.process(*sends)
    far.wire.mend()
    answers = far.process(*sends, people.send(command_id=uuid4()))
    assert [answer.repeated for answer in answers] == [True] * 5 + [False]
    assert [code(answer) for answer in answers] == [None] * 6
    assert far.balance() == before - 6


def test_a_shard_that_was_taken_over_meanwhile_decides_nothing_more(far: Far, database: str) -> None:
    far.lose(people.send())
    successor = Ledger.open_postgres(database, 0, far.keys)
    successor.take()
    last = successor.last_notification()
    far.wire.mend()
    with pytest.raises(PositionConflict):
        far.process(people.send(command_id=uuid4()))
    assert successor.last_notification() == last
    successor.close()


def test_a_worker_goes_on_when_the_database_is_back_and_stops_when_it_lost_the_shard(
    far: Far, database: str
) -> None:
    inbox = Inbox(far.ledger.position())
    worker = Worker(far.shard, inbox)
    worker.start()
    send = people.send(command_id=uuid4())
    inbox.put(people.send(command_id=uuid4())).result(WAIT_S)
    far.wire.cut()
    assert isinstance(inbox.put(send).exception(WAIT_S), Unavailable)
    far.wire.mend()
    assert code(inbox.put(send).result(WAIT_S)) is None
    successor = Ledger.open_postgres(database, 0, far.keys)
    successor.take()
    assert isinstance(inbox.put(people.send(command_id=uuid4())).exception(WAIT_S), Unavailable)
    eventually(lambda: not worker.alive, WAIT_S)
    worker.stop()
    successor.close()
