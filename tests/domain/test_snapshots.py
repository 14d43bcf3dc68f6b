"""Snapshots: states as bytes, and never a state of another shape."""

from collections.abc import Mapping

import pytest

from domain import snapshots
from domain.account import Account
from domain.candidate import Candidate
from domain.conversation import Conversation, OpenText
from domain.senders import Sender
from domain.turn import State
from schemas.account_settings import AccountSettings, QuietHours
from tests.domain.given import NOW
from tests.domain.people import SENDER, TEXT

MARK_BYTES = 16
FAILED = frozenset({"twilio"})
OPEN = OpenText(2, "ada", "sent", NOW, 3, requested=True, sender=SENDER, failed_carriers=FAILED)
STATES: Mapping[str, State] = {
    "an empty account": Account(),
    "an account": Account(
        balance=12,
        country="US",
        currency="USD",
        settings=AccountSettings(
            company="Acme",
            keyword_packs=frozenset({"fr", "de"}),
            quiet_hours=QuietHours(quiet_from="18:00", quiet_until="09:00", quiet_sunday=True),
            blocked_regions=frozenset({"GB"}),
        ),
        senders=(Sender(SENDER, "US"), Sender("MG" + "a" * 32, None, "messaging_service", "second")),
        stopped="Not registered.",
        listening=frozenset({"grace", "linus"}),
    ),
    "an empty candidate": Candidate(),
    "a candidate": Candidate(("c1", "c2"), ("grace",)),
    "an empty conversation": Conversation(),
    "a conversation": Conversation(
        region="US",
        candidates={"ada": "America/New_York", "bob": None},
        consent="granted",
        granted_by=frozenset({"ada", None}),
        under_review=True,
        texted=True,
        sender=SENDER,
        texts={TEXT: OPEN},
    ),
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_a_state_comes_back_as_it_was(state: State) -> None:
    assert snapshots.read(type(state), snapshots.write(state)) == state


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_what_comes_back_is_of_the_same_types_and_goes_on_as_before(state: State) -> None:
    """A list for a tuple, or a text for an id, would be found only at the next event."""
    known = snapshots.read(type(state), snapshots.write(state))
    assert known is not None
    for mine, its in zip(state, known, strict=True):
        assert type(mine) is type(its)


def test_a_snapshot_of_another_shape_is_void() -> None:
    """A field that came since would silently have its default, whatever the events say."""
    data = snapshots.write(Account(balance=3))
    unmarked = data[MARK_BYTES:]
    assert snapshots.read(Account, data[:MARK_BYTES] + unmarked) == Account(balance=3)
    assert snapshots.read(Account, b"0" * MARK_BYTES + unmarked) is None
    assert snapshots.read(Account, unmarked) is None


def test_a_snapshot_that_was_cut_short_is_void() -> None:
    assert snapshots.read(Account, snapshots.write(Account())[:-3]) is None


def test_a_snapshot_of_one_kind_is_no_state_of_another() -> None:
    marks = {snapshots.write(kind())[:MARK_BYTES] for kind in (Account, Candidate, Conversation)}
    assert len(marks) == 3
