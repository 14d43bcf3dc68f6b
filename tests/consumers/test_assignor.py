"""Who gets which shard: evenly, in few rounds, and never two members the same one."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.assignor import Claim, shared

SHARDS = st.integers(1, 24).map(range)
MEMBERS = st.sets(st.sampled_from("abcdefgh"), min_size=1)


@given(SHARDS, MEMBERS, st.data())
def test_whoever_comes_or_goes_all_have_their_even_share_after_a_few_rounds(
    shards: range, members: set[str], data: st.DataObject
) -> None:
    claims = settled(shards, dict.fromkeys(members, Claim()))
    others = data.draw(MEMBERS)
    claims = settled(shards, {member: claims.get(member, Claim()) for member in others})
    sizes = [len(claim.shards) for claim in claims.values()]
    assert max(sizes) - min(sizes) <= 1
    assert sorted(shard for claim in claims.values() for shard in claim.shards) == list(shards)


@given(SHARDS, MEMBERS, st.data())
def test_no_member_gets_what_another_has_and_nothing_moves_that_need_not(
    shards: range, members: set[str], data: st.DataObject
) -> None:
    before = settled(shards, dict.fromkeys(members, Claim()))
    others = {member: before.get(member, Claim()) for member in data.draw(MEMBERS)}
    given = shared(shards, others)
    for member, mine in given.items():
        theirs = {s for other, claim in others.items() if other != member for s in claim.shards}
        assert not mine & theirs
    most = -(-len(shards) // len(others))
    for member, claim in others.items():
        kept = given[member] & claim.shards
        assert len(kept) >= min(len(claim.shards), most - 1)
        assert len(claim.shards) > most - 1 or kept == claim.shards


@given(st.permutations("abc"))
def test_of_two_who_claim_the_same_the_later_one_is_right(order: list[str]) -> None:
    claims = {"a": Claim(frozenset({0, 1}), 3), "b": Claim(frozenset({0, 1}), 7), "c": Claim()}
    given = shared(range(4), {member: claims[member] for member in order})
    assert not given["a"] & {0, 1}
    assert given["b"]
    assert sum(map(len, given.values())) == len(set().union(*given.values()))


def test_what_two_claim_with_the_same_right_is_neithers_for_once() -> None:
    claims = {"a": Claim(frozenset({0}), 3), "b": Claim(frozenset({0}), 3)}
    assert shared([0], claims) == {"a": set(), "b": set()}


def test_a_topic_that_is_not_there_yet_is_nobodys() -> None:
    assert shared([], {"a": Claim(), "b": Claim(frozenset({1}), 2)}) == {"a": set(), "b": set()}


def settled(shards: range, claims: dict[str, Claim]) -> dict[str, Claim]:
    """What the members have once nothing moves any more; three rounds are enough."""
    for generation in range(1, 4):
        given = shared(shards, claims)
        claims = {member: Claim(frozenset(mine), generation) for member, mine in given.items()}
    assert shared(shards, claims) == {member: set(claim.shards) for member, claim in claims.items()}
    return claims
