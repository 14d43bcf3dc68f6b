"""The seal of our own doors: made with the secret, over exactly these bytes."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.actors import CARRIER, SYSTEM, Actor, Permission
from schemas.command_seal import CommandSeal, must_be_sealed
from tests.domain import people

SEAL = CommandSeal(b"names for tests only")


@given(st.binary(max_size=200))
def test_a_seal_holds_for_what_it_was_made_over(value: bytes) -> None:
    assert SEAL.holds(value, SEAL.of(value))


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_anything_else_is_no_seal(value: bytes, other: bytes) -> None:
    assert not SEAL.holds(value, None)
    assert not SEAL.holds(value, other)
    assert SEAL.holds(value, SEAL.of(other)) == (value == other)
    assert not SEAL.holds(value, CommandSeal(b"another secret altogether").of(value))


def test_a_seal_can_stand_in_a_header_that_people_read() -> None:
    assert SEAL.of(b"{}").decode().isalnum()
    assert len(SEAL.of(b"{}")) == 64


def test_only_our_own_doors_and_workers_need_one() -> None:
    assert must_be_sealed(CARRIER)
    assert must_be_sealed(SYSTEM)
    assert must_be_sealed(Actor(kind="system", id="sayso"))
    assert must_be_sealed(
        people.RECRUITER.model_copy(update={"permissions": frozenset({Permission.CARRIER})})
    )
    assert not any(must_be_sealed(actor) for actor in (people.RECRUITER, people.ATS, people.OPERATOR))
