"""Given candidates, numbers and followers, then who they are and what their followers were told."""

from projections.candidate_shapes import CandidateLine, NumberLine
from schemas.events import (
    CandidateFollowed,
    CandidateUnfollowed,
    ConsentGranted,
    FollowerNotified,
    NumberRemoved,
    StopRequestFlagged,
    TextReceived,
)
from tests.projections.history import ACME, NOON, History, conversation
from tests.projections.views import Views

ONE, TWO = "+14155550121", "+14155550122"


def notified(member: str, sid: str) -> FollowerNotified:
    return FollowerNotified(
        candidate="grace", conversation=conversation(ONE), member=member, about="reply", sid=sid
    )


def test_a_candidate_has_a_name_numbers_and_followers(views: Views, history: History) -> None:
    history.numbered("grace", ONE, name="Grace H.").numbered("grace", TWO)
    history.happened("candidate-grace", *(CandidateFollowed(candidate="grace", member=m) for m in ("b", "a")))
    grace = views.given(history).ask.candidate(ACME, "grace")
    assert grace is not None
    assert grace.name == "Grace H."
    assert [(number.number, number.region, number.removed_at) for number in grace.numbers] == [
        (ONE, "US", None),
        (TWO, "US", None),
    ]
    assert grace.followers == ("a", "b")
    assert views.ask.candidate(ACME, "henry") is None


def test_a_removed_number_comes_last_and_says_since_when(views: Views, history: History) -> None:
    history.numbered("grace", ONE).numbered("grace", TWO)
    history.happened("candidate-grace", NumberRemoved(candidate="grace", conversation=conversation(ONE)))
    grace = views.given(history).ask.candidate(ACME, "grace")
    assert grace is not None
    assert [(number.number, number.removed_at) for number in grace.numbers] == [
        (TWO, None),
        (ONE, history.now),
    ]
    assert views.ask.candidates(ACME).items[0].numbers == (NumberLine(TWO, "not_given", False),)


def test_whoever_unfollows_follows_no_longer(views: Views, history: History) -> None:
    history.numbered("grace", ONE)
    follow, leave = (
        CandidateFollowed(candidate="grace", member="ada"),
        CandidateUnfollowed(candidate="grace", member="ada"),
    )
    history.happened("candidate-grace", follow, leave, follow, leave)
    grace = views.given(history).ask.candidate(ACME, "grace")
    assert grace is not None
    assert grace.followers == ()
    again = views.given(history.happened("candidate-grace", follow)).ask.candidate(ACME, "grace")
    assert again is not None
    assert again.followers == ("ada",)


def test_the_list_is_newest_first_with_consent_and_what_is_unread(views: Views, history: History) -> None:
    history.numbered("grace", ONE, name="Grace").numbered("henry", TWO)
    history.happened(conversation(ONE), TextReceived(sid="SM1", body="a"), TextReceived(sid="SM2", body="b"))
    agreed = ConsentGranted(obtained_at=NOON, candidate="henry", evidence=None)
    history.happened(conversation(TWO), agreed, StopRequestFlagged(sid="SM3"))
    views.given(history)
    assert views.ask.candidates(ACME).items == (
        CandidateLine("henry", None, (NumberLine(TWO, "granted", under_review=True),), unread=0),
        CandidateLine("grace", "Grace", (NumberLine(ONE, "not_given", under_review=False),), unread=2),
    )


def test_the_list_is_read_page_by_page(views: Views, history: History) -> None:
    for n in range(7):
        history.numbered(f"c{n}", f"+1415555012{n}")
    views.given(history)
    first = views.ask.candidates(ACME, limit=3)
    second = views.ask.candidates(ACME, first.next, limit=3)
    third = views.ask.candidates(ACME, second.next, limit=3)
    pages = (first, second, third)
    assert [[line.candidate for line in page.items] for page in pages] == [
        ["c6", "c5", "c4"],
        ["c3", "c2", "c1"],
        ["c0"],
    ]
    assert third.next is None


def test_candidates_added_in_the_same_moment_are_each_listed_once(views: Views, history: History) -> None:
    for n in range(4):
        history.numbered(f"c{n}", f"+1415555012{n}", at=history.now)
    views.given(history)
    first = views.ask.candidates(ACME, limit=2)
    second = views.ask.candidates(ACME, first.next, limit=2)
    assert {line.candidate for page in (first, second) for line in page.items} == {"c0", "c1", "c2", "c3"}


def test_each_follower_reads_what_they_were_told_newest_first(views: Views, history: History) -> None:
    history.numbered("grace", ONE)
    history.happened("candidate-grace", notified("ada", "SM1"), notified("bob", "SM1"))
    history.happened("candidate-grace", notified("ada", "SM2"))
    views.given(history)
    newest = views.ask.notifications(ACME, "ada", limit=1)
    (older,) = views.ask.notifications(ACME, "ada", newest.next).items
    assert [told.sid for told in newest.items] == ["SM2"]
    assert (older.sid, older.number, older.about, older.candidate) == ("SM1", ONE, "reply", "grace")
    assert [told.sid for told in views.ask.notifications(ACME, "bob").items] == ["SM1"]
    assert views.ask.notifications("other", "ada").items == ()
