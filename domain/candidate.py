"""The candidate: numbers and followers."""

from typing import NamedTuple

from domain.refusals import Refused
from schemas.events import (
    CandidateFollowed,
    CandidateUnfollowed,
    Event,
    FollowerNotified,
    NumberAdded,
    NumberRemoved,
)

NUMBERS_MAX = 20
FOLLOWERS_MAX = 500

# --- state ----------------------------------------------------------------------------------------


class Candidate(NamedTuple):
    """What decisions need to know of a candidate."""

    conversations: tuple[str, ...] = ()
    """The streams of the conversations with the candidate's numbers."""
    followers: tuple[str, ...] = ()


def evolve(state: Candidate, event: Event) -> Candidate:
    """`state` after `event`. Never refuses."""
    match event:
        case NumberAdded():
            return state._replace(conversations=(*state.conversations, event.conversation))
        case NumberRemoved():
            return state._replace(conversations=_without(state.conversations, event.conversation))
        case CandidateFollowed():
            return state._replace(followers=(*state.followers, event.member))
        case CandidateUnfollowed():
            return state._replace(followers=_without(state.followers, event.member))
        case _:
            return state


def _without(items: tuple[str, ...], item: str) -> tuple[str, ...]:
    return tuple(other for other in items if other != item)


# --- decisions ------------------------------------------------------------------------------------


def add_number(state: Candidate, added: NumberAdded) -> list[Event]:
    """Give the candidate a number."""
    if added.conversation in state.conversations:
        raise Refused("number_present")
    if len(state.conversations) >= NUMBERS_MAX:
        raise Refused("too_many_numbers", limit=NUMBERS_MAX)
    return [added]


def remove_number(state: Candidate, candidate: str, conversation: str) -> list[Event]:
    """Take a number from the candidate."""
    if conversation not in state.conversations:
        raise Refused("number_unknown")
    return [NumberRemoved(candidate=candidate, conversation=conversation)]


def follow(state: Candidate, candidate: str, member: str) -> list[Event]:
    """`member` follows the candidate."""
    if member in state.followers:
        raise Refused("already_following")
    if len(state.followers) >= FOLLOWERS_MAX:
        raise Refused("too_many_followers", limit=FOLLOWERS_MAX)
    return [CandidateFollowed(candidate=candidate, member=member)]


def unfollow(state: Candidate, candidate: str, member: str) -> list[Event]:
    """`member` follows the candidate no longer."""
    if member not in state.followers:
        raise Refused("not_following")
    return [CandidateUnfollowed(candidate=candidate, member=member)]


def notify_followers(
    state: Candidate, listening: frozenset[str], template: FollowerNotified
) -> list[FollowerNotified]:
    """Tell each follower who is `listening`, once, what `template` says."""
    return [
        template.model_copy(update={"member": member}) for member in state.followers if member in listening
    ]
