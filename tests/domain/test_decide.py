"""Who may want what (3.3), and that every command has its decision."""

from collections.abc import Callable
from typing import Any, get_args

import pytest

from domain.decide import RULES, require_permission
from domain.refusals import Refused
from schemas import commands as c
from schemas.actors import CARRIER, SYSTEM, Actor, Permission
from tests.domain import people
from tests.domain.facts import debited, numbered, queued, ready
from tests.domain.given import given
from tests.domain.people import LATER, record, report, send

VIEW, SEND, MANAGE = Permission.VIEW, Permission.SEND, Permission.MANAGE
OPERATE, APPLICATIONS, CARRIES = Permission.OPERATE, Permission.RECORD_APPLICATIONS, Permission.CARRIER

NEEDED: dict[type[c.Command], tuple[Callable[..., Any], list[set[Permission]]]] = {
    c.ActivateTexting: (people.activate, [{MANAGE}]),
    c.BuyPackage: (people.buy, [{MANAGE}]),
    c.ChangeSettings: (lambda: people.change(company="Acme"), [{MANAGE}]),
    c.AssignSender: (people.assign, [{OPERATE}]),
    c.WithdrawSender: (people.withdraw_sender, [{OPERATE}]),
    c.AdjustSegments: (lambda: people.adjust(1), [{OPERATE}]),
    c.ResumeSending: (people.resume, [{OPERATE}]),
    c.RefundText: (people.refund, [{OPERATE}]),
    c.SetNotifications: (lambda: people.notify(on=True), [{VIEW}]),
    c.AddNumber: (people.add_number, [{VIEW, SEND}, {APPLICATIONS}]),
    c.RemoveNumber: (people.remove_number, [{VIEW, SEND}, {APPLICATIONS}]),
    c.ChangeNumber: (lambda: people.change_number("+14155552672"), [{VIEW, SEND}, {APPLICATIONS}]),
    c.FollowCandidate: (people.follow, [{VIEW}]),
    c.UnfollowCandidate: (people.unfollow, [{VIEW}]),
    c.RecordApplicationConsent: (people.apply, [{APPLICATIONS}]),
    c.AddConsent: (people.add_consent, [{VIEW, SEND}]),
    c.WithdrawConsent: (people.withdraw, [{VIEW, SEND}]),
    c.ReviewStopRequest: (lambda: people.review(wants_to_stop=True), [{VIEW, SEND}]),
    c.SendText: (send, [{VIEW, SEND}]),
    c.RescheduleText: (lambda: people.reschedule(LATER), [{VIEW, SEND}]),
    c.CancelText: (people.cancel, [{VIEW, SEND}]),
    c.SendBulk: (lambda: people.send_bulk(("ada", "+14155552671")), [{VIEW, SEND}]),
    c.PauseBulk: (people.pause_bulk, [{VIEW, SEND}]),
    c.ResumeBulk: (people.resume_bulk, [{VIEW, SEND}]),
    c.CancelBulk: (people.cancel_bulk, [{VIEW, SEND}]),
    c.MarkRead: (people.mark_read, [{VIEW}]),
    c.ReceiveText: (lambda: people.receive("Hello"), [{CARRIES}]),
    c.StartDispatch: (people.start, [{CARRIES}]),
    c.RecordHandover: (lambda: record(c.GivenUp()), [{CARRIES}]),
    c.ReportStatus: (lambda: report("sent"), [{CARRIES}]),
    c.RecordAttachment: (people.attach, [{CARRIES}]),
}
"""Each command, and the sets of permissions of which its actor needs one."""


def _by(command: c.Command, permissions: set[Permission]) -> c.Command:
    actor = Actor(kind="member", id="somebody", permissions=frozenset(permissions))
    return command.model_copy(update={"actor": actor})


def test_every_command_has_its_decision_and_its_permissions() -> None:
    """3.3"""
    every = set(get_args(get_args(c.AnyCommand)[0]))
    assert set(RULES) == every
    assert set(NEEDED) == every


@pytest.mark.parametrize("kind", NEEDED, ids=lambda kind: kind.__name__)
def test_each_of_the_sets_suffices(kind: type[c.Command]) -> None:
    """3.3"""
    make, allowed = NEEDED[kind]
    for permissions in allowed:
        require_permission(_by(make(), permissions))
        require_permission(_by(make(), set(Permission)))


@pytest.mark.parametrize("kind", NEEDED, ids=lambda kind: kind.__name__)
def test_without_any_one_of_them_the_command_is_refused(kind: type[c.Command]) -> None:
    """3.3: every other permission there is does not make up for a missing one."""
    make, allowed = NEEDED[kind]
    for wanted in allowed:
        for missing in wanted:
            others = {missing, *(next(iter(other)) for other in allowed if other != wanted)}
            given(ready(), queued()).when(_by(make(), set(Permission) - others)).refused("not_permitted")
    given(ready(), queued()).when(_by(make(), set())).refused("not_permitted")


def test_the_refusal_names_what_is_missing() -> None:
    """3.3"""
    outcome = given(ready()).when(_by(send(), {Permission.VIEW}))
    outcome.refused("not_permitted", "administrator", "texts:send")
    assert outcome.refusal is not None
    assert "texts:view" not in outcome.refusal.sentence


def test_sending_without_seeing_is_refused() -> None:
    """3.3"""
    given(ready()).when(_by(send(), {Permission.SEND})).refused("not_permitted", "texts:view")


def test_the_carriers_door_and_our_workers_may_do_nothing_else() -> None:
    """3.3"""
    for actor in (CARRIER, SYSTEM):
        for kind, (make, allowed) in NEEDED.items():
            command = make().model_copy(update={"actor": actor})
            if allowed == [{CARRIES}]:
                require_permission(command)
            else:
                with pytest.raises(Refused):
                    require_permission(command)
                assert kind not in {c.ReceiveText, c.ReportStatus}


def test_permission_comes_before_every_other_rule() -> None:
    """3.10"""
    given().when(_by(send(number="nonsense"), set())).refused("not_permitted")


def test_a_decision_changes_nothing_and_is_the_same_when_asked_again() -> None:
    """P2"""
    history, command = given(ready()), send()
    history.when(command).then(queued(), debited(1, balance=49))
    history.when(command).then(queued(), debited(1, balance=49))


def test_accounts_know_nothing_of_each_other() -> None:
    """P8"""
    elsewhere = people.mark_read().model_copy(update={"account": "umbrella"})
    given(ready()).when(elsewhere).refused("number_unknown")
    outcome = given(ready()).when(people.add_number().model_copy(update={"account": "umbrella"}))
    assert {happened.stream for happened in outcome.events} == {
        "person umbrella ada",
        "conversation umbrella +14155552671",
    }
    assert numbered()[0].stream == "person acme ada"
