"""The states that decisions look at: what the ledger says, from a cache that stays small."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.states import States
from domain import account as accounts
from domain import snapshots
from domain.account import Account
from domain.candidate import Candidate
from domain.conversation import Conversation
from tests.consumers.shards import NAMES, Rig, ready
from tests.domain import people
from tests.domain.given import ACME, NUMBER

ACCOUNT, CONVERSATION = NAMES.account(ACME), NAMES.conversation(ACME, NUMBER)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as opened:
        opened.process(*ready(), people.follow(), people.send())
        yield opened


def fresh(rig: Rig, cached_max: int = 50) -> States:
    """States of the same ledger with nothing cached."""
    return States(rig.ledger, NAMES, cached_max)


def test_the_states_are_what_the_events_lead_to(rig: Rig) -> None:
    """P5"""
    known, read = rig.shard.states, fresh(rig)
    candidate = NAMES.candidate(ACME, "ada")
    assert read.account(ACCOUNT) == known.account(ACCOUNT) == rig.account()
    assert read.conversation(CONVERSATION) == known.conversation(CONVERSATION)
    assert read.candidate(candidate) == known.candidate(candidate) == Candidate((CONVERSATION,), ("grace",))
    for stream in (ACCOUNT, CONVERSATION, candidate):
        assert read.entry(stream).version == known.entry(stream).version == len(rig.ledger.read(stream))


def test_what_never_happened_is_empty(rig: Rig) -> None:
    states = fresh(rig)
    assert states.account(NAMES.account("umbrella")) == Account()
    assert states.conversation(NAMES.conversation("umbrella", NUMBER)) == Conversation()
    assert states.candidate(NAMES.candidate(ACME, "bob")) == Candidate()


def test_a_stream_is_read_once_while_it_is_cached(rig: Rig) -> None:
    states = fresh(rig)
    assert states.entry(ACCOUNT) is states.entry(ACCOUNT)


def test_a_state_from_a_snapshot_and_the_events_since_is_the_state_from_the_beginning(rig: Rig) -> None:
    """P5"""
    whole = fresh(rig).entry(ACCOUNT)
    for version in range(1, whole.version + 1):
        state = Account()
        for recorded in rig.ledger.read(ACCOUNT, to=version):
            state = accounts.evolve(state, recorded.event)
        rig.ledger.save_snapshot(ACCOUNT, version, snapshots.write(state))
        entry = fresh(rig).entry(ACCOUNT)
        assert (entry.state, entry.version) == (whole.state, whole.version)
        assert entry.snapshot_version == version


def test_a_snapshot_of_another_shape_is_passed_over(rig: Rig) -> None:
    whole = fresh(rig).entry(ACCOUNT)
    rig.ledger.save_snapshot(ACCOUNT, 1, b'{"balance": 1000000}')
    entry = fresh(rig).entry(ACCOUNT)
    assert (entry.state, entry.version, entry.snapshot_version) == (whole.state, whole.version, 0)


def test_only_so_many_streams_are_kept_those_looked_at_last(rig: Rig) -> None:
    states = fresh(rig, cached_max=3)
    streams = [NAMES.account(f"account-{i}") for i in range(10)]
    entries = {stream: states.entry(stream) for stream in streams}
    assert states.entry(streams[0]) is entries[streams[0]]
    states.begin()
    states.trim()
    assert len(states) == 3
    kept = [stream for stream in streams if states.entry(stream) is entries[stream]]
    assert kept == [streams[0], streams[8], streams[9]]


def test_what_a_batch_looked_at_is_kept_however_much_it_is_until_the_batch_is_stored(rig: Rig) -> None:
    """Its versions are nowhere else."""
    states = fresh(rig, cached_max=3)
    states.entry(NAMES.account("before"))
    states.begin()
    streams = [NAMES.account(f"account-{i}") for i in range(10)]
    entries = [states.entry(stream) for stream in streams]
    states.trim()
    assert len(states) == 10
    assert [states.entry(stream) for stream in streams] == entries
    states.begin()
    states.trim()
    assert len(states) == 3


def test_a_small_cache_decides_as_a_large_one_does(rig: Rig) -> None:
    rig.shard.states = fresh(rig, cached_max=1)
    rig.process(people.cancel())
    rig.process(*(people.add_number(f"+1415555{2600 + i}", f"candidate-{i}") for i in range(20)))
    assert len(rig.shard.states) > 1
    rig.process(people.adjust(1))
    assert rig.account() == fresh(rig).account(ACCOUNT)
    assert rig.account().balance == 51


def test_what_is_forgotten_is_read_again(rig: Rig) -> None:
    states = fresh(rig)
    entry = states.entry(ACCOUNT)
    entry.state = Account(balance=1_000_000)
    states.clear()
    assert len(states) == 0
    assert states.account(ACCOUNT) == rig.account()
