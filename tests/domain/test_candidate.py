"""The candidate: numbers (3.14) and followers (3.13)."""

import pytest

from domain import candidate as candidates
from domain.candidate import FOLLOWERS_MAX, NUMBERS_MAX, Candidate
from domain.refusals import Refused
from schemas.events import (
    CandidateFollowed,
    CandidateUnfollowed,
    FollowerNotified,
    NumberAdded,
    NumberRemoved,
)
from tests.domain.facts import granted
from tests.domain.given import given
from tests.domain.people import RECRUITER, follow, unfollow

ADDED = NumberAdded(
    candidate="ada", conversation="c1", number="+14155552671", name=None, region="US", time_zone=None
)
TOLD = FollowerNotified(candidate="ada", conversation="c1", member="", about="reply", sid="SM1")


# --- 3.14 numbers -----------------------------------------------------------------------------------


def test_a_candidate_has_the_numbers_that_were_added_and_not_removed() -> None:
    """3.14"""
    state = Candidate()
    for conversation in ("c1", "c2", "c3"):
        state = candidates.evolve(state, ADDED.model_copy(update={"conversation": conversation}))
    state = candidates.evolve(state, NumberRemoved(candidate="ada", conversation="c2"))
    assert state.conversations == ("c1", "c3")


def test_a_number_is_added_once() -> None:
    """3.14"""
    assert candidates.add_number(Candidate(), ADDED) == [ADDED]
    assert _code(lambda: candidates.add_number(Candidate(("c1",)), ADDED)) == "number_present"


def test_a_candidate_has_a_limited_number_of_numbers() -> None:
    """3.14"""
    full = Candidate(tuple(f"other {i}" for i in range(NUMBERS_MAX)))
    assert _code(lambda: candidates.add_number(full, ADDED)) == "too_many_numbers"
    assert candidates.add_number(Candidate(full.conversations[1:]), ADDED) == [ADDED]


def test_only_a_number_that_the_candidate_has_can_be_removed() -> None:
    """3.14"""
    removed = NumberRemoved(candidate="ada", conversation="c1")
    assert candidates.remove_number(Candidate(("c1",)), "ada", "c1") == [removed]
    assert _code(lambda: candidates.remove_number(Candidate(), "ada", "c1")) == "number_unknown"


# --- 3.13 followers ---------------------------------------------------------------------------------


def test_a_member_follows_a_candidate_and_no_longer() -> None:
    """3.13"""
    followed = CandidateFollowed(candidate="ada", member="grace")
    unfollowed = CandidateUnfollowed(candidate="ada", member="grace")
    given().when(follow()).then(followed)
    given(followed).when(unfollow()).then(unfollowed)
    given(followed, unfollowed).when(follow()).then(followed)


def test_nobody_follows_twice() -> None:
    """3.13"""
    given(CandidateFollowed(candidate="ada", member="grace")).when(follow()).refused("already_following")


def test_who_does_not_follow_cannot_stop_following() -> None:
    """3.13"""
    other = CandidateFollowed(candidate="ada", member="linus")
    given(other).when(unfollow()).refused("not_following")


def test_following_one_candidate_says_nothing_of_another() -> None:
    """3.13"""
    followed = CandidateFollowed(candidate="ada", member="grace")
    given(followed).when(unfollow("bob")).refused("not_following")


def test_a_candidate_has_a_limited_number_of_followers() -> None:
    """3.13"""
    crowd = [CandidateFollowed(candidate="ada", member=f"member-{i}") for i in range(FOLLOWERS_MAX)]
    given(crowd).when(follow()).refused("too_many_followers", str(FOLLOWERS_MAX))
    assert given(crowd[1:]).when(follow(actor=RECRUITER)).of(CandidateFollowed)


def test_only_followers_who_are_listening_are_told_in_the_order_in_which_they_followed() -> None:
    """3.13"""
    state = Candidate(followers=("grace", "linus", "ada"))
    told = candidates.notify_followers(state, frozenset({"ada", "grace", "ken"}), TOLD)
    assert [event.member for event in told] == ["grace", "ada"]


def test_an_event_of_another_stream_leaves_the_candidate_as_it_is() -> None:
    state = Candidate(("c1",), ("grace",))
    for event in (TOLD, granted()):
        assert candidates.evolve(state, event) == state


def _code(decision: object) -> str:
    assert callable(decision)
    with pytest.raises(Refused) as refusal:
        decision()
    return refusal.value.code
