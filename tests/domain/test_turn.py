"""A turn: it shows each stream as it will stand after the events so far, and hands out only what changed."""

from domain.account import Account
from domain.turn import Turn
from tests.domain.facts import debited, granted, numbered, queued, ready, withdrawn
from tests.domain.given import (
    ACME,
    NOW,
    NUMBER,
    POLICY,
    account_stream,
    candidate_stream,
    conversation_stream,
    given,
)
from tests.domain.people import send

HERE = conversation_stream(ACME, NUMBER)


def _turn() -> Turn:
    return Turn(send(), given(ready()), NOW, POLICY)


def test_a_look_alone_changes_nothing() -> None:
    turn = _turn()
    assert turn.account.balance == 50
    assert turn.conversation(HERE).consent == "granted"
    assert turn.candidate("ada").conversations == (HERE,)
    assert turn.candidate("ada") is turn.candidate("ada")
    assert turn.events == []
    assert turn.states == {}


def test_what_happens_is_seen_at_once() -> None:
    turn = _turn()
    turn.on_account([debited(3, balance=47)])
    turn.on_conversation(HERE, [withdrawn(), granted("bob")])
    assert turn.account.balance == 47
    assert turn.conversation(HERE).granted_by == {"bob"}


def test_events_keep_the_order_in_which_they_happened_over_all_streams() -> None:
    turn = _turn()
    added, *_ = numbered("bob")
    turn.on_conversation(HERE, [queued()])
    turn.on_account([debited(1, balance=49)])
    turn.on_candidate("bob", [added.event])
    assert turn.events == [
        (HERE, queued()),
        (account_stream(ACME), debited(1, balance=49)),
        (candidate_stream(ACME, "bob"), added.event),
    ]


def test_only_streams_with_new_events_are_handed_out() -> None:
    turn = _turn()
    turn.conversation(HERE)
    turn.candidate("ada")
    turn.on_candidate("ada", [])
    turn.on_account([debited(1, balance=49)])
    assert turn.states.keys() == {account_stream(ACME)}
    assert turn.states[account_stream(ACME)] == given(ready(49)).account()
    assert isinstance(turn.states[account_stream(ACME)], Account)


def test_streams_belong_to_the_account_that_the_command_names() -> None:
    """P8"""
    turn = Turn(send(account="umbrella"), given(ready()), NOW, POLICY)
    assert turn.account == Account()
    assert turn.stream_of(NUMBER) == conversation_stream("umbrella", NUMBER)
    assert turn.candidate("ada").conversations == ()
