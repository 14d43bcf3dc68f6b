"""Followers who want to hear of it get exactly one notification for each reply or keyword; others none."""

import pytest

from schemas.actors import Permission
from tests.support.office import Json, Office, Person, carrier_posts
from tests.support.sayso import Client, eventually


@pytest.fixture
def ada(office: Office) -> Person:
    return office.candidate()


def member(office: Office, id: str, *, follows: Person | None, wants: bool) -> Client:
    """A member who may view."""
    client = office.member(Permission.VIEW, member=id)
    client.accepted("set-notifications", profile_actions=wants)
    if follows is not None:
        client.accepted("follow-candidate", candidate=follows.candidate)
    return client


def told(client: Client) -> list[Json]:
    items: list[Json] = client.get("/notifications")["items"]
    return items


def test_who_follows_and_wants_to_hear_gets_one_and_others_none(ada: Person) -> None:
    office, somebody_else = ada.office, ada.office.candidate()
    both = member(office, "m-both", follows=ada, wants=True)
    off = member(office, "m-off", follows=ada, wants=False)
    stranger = member(office, "m-stranger", follows=None, wants=True)
    elsewhere = member(office, "m-elsewhere", follows=somebody_else, wants=True)
    unasked = office.member(Permission.VIEW, member="m-unasked")
    unasked.accepted("follow-candidate", candidate=ada.candidate)  # the setting is off until it is set

    reply = ada.writes("Tuesday is fine")
    (notification,) = told(both)
    assert (notification["about"], notification["sid"]) == ("reply", reply["id"])
    assert (notification["candidate"], notification["number"]) == (ada.candidate, ada.number)
    for other in (off, stranger, elsewhere, unasked):
        assert told(other) == []


def test_each_reply_and_each_keyword_is_one_more(ada: Person) -> None:
    follower = member(ada.office, "m-1", follows=ada, wants=True)
    for body in ("One", "Two", "HELP", "STOP", "START"):
        ada.writes(body)
    about = [notification["about"] for notification in reversed(told(follower))]
    assert about == ["reply", "reply", "keyword", "keyword", "keyword"]


def test_every_follower_gets_their_own(ada: Person) -> None:
    followers = [member(ada.office, f"m-{number}", follows=ada, wants=True) for number in range(3)]
    ada.writes("Hello")
    assert [len(told(follower)) for follower in followers] == [1, 1, 1]


def test_the_same_reply_delivered_again_tells_nobody_again(ada: Person) -> None:
    follower = member(ada.office, "m-1", follows=ada, wants=True)
    form = {"MessageSid": "SM" + "6" * 32, "From": ada.number, "To": ada.office.sender, "Body": "Hi"}
    for _ in range(3):
        carrier_posts(ada.office.system, "inbound", form)
    eventually(lambda: told(follower))
    ada.writes("Something else")
    assert len(told(follower)) == 2


def test_who_follows_no_longer_or_has_switched_it_off_hears_nothing(ada: Person) -> None:
    gone = member(ada.office, "m-gone", follows=ada, wants=True)
    off = member(ada.office, "m-off", follows=ada, wants=True)
    ada.writes("First")
    gone.accepted("unfollow-candidate", candidate=ada.candidate)
    off.accepted("set-notifications", profile_actions=False)
    ada.writes("Second")
    assert (len(told(gone)), len(told(off))) == (1, 1)


def test_following_twice_is_refused_and_tells_no_more_than_once(ada: Person) -> None:
    follower = member(ada.office, "m-1", follows=ada, wants=True)
    assert follower.refused("follow-candidate", candidate=ada.candidate) == "already_following"
    ada.writes("Hello")
    assert len(told(follower)) == 1
    follower.accepted("unfollow-candidate", candidate=ada.candidate)
    assert follower.refused("unfollow-candidate", candidate=ada.candidate) == "not_following"


def test_texts_that_go_out_tell_nobody(ada: Person) -> None:
    follower = member(ada.office, "m-1", follows=ada, wants=True)
    ada.becomes(ada.gets()["text_id"], "delivered")
    assert told(follower) == []


def test_a_reply_on_any_of_the_candidates_numbers_counts(ada: Person) -> None:
    follower = member(ada.office, "m-1", follows=ada, wants=True)
    second = ada.office.candidate(candidate=ada.candidate)
    ada.writes("From the first")
    second.writes("From the second")
    assert [one["number"] for one in told(follower)] == [second.number, ada.number]


def test_notifications_are_for_their_member_alone(ada: Person) -> None:
    member(ada.office, "m-1", follows=ada, wants=True)
    ada.writes("Hello")
    assert told(ada.office.boss) == []
