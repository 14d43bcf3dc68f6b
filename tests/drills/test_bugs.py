"""The harness is itself tested: bugs planted in a running Sayso, or in what it left behind, are all found."""

from collections.abc import Iterator

import pytest

from tests.drills.bugs import BUGS
from tests.drills.embedded import Embedded
from tests.drills.load import Mix
from tests.drills.nursery import Nursery
from tests.drills.rows.row_03 import follow, unsynced
from tests.support.sayso import eventually

FOUND_BY = {
    "lost-offset": "acknowledged and lost",
    "swallowed-error": "acknowledged and lost",
    "receipt-without-effect": "accepted without its effect",
    "balance-off-by-one": "the balance does not add up",
    "view-forgets": "the view of balances differs",
    "handed-over-twice": "handed over twice",
    "consent-ignored": "handed over without consent",
    "text-forgotten": "a text without an end",
    "dead-letter-lost": "poison without a dead letter",
}
NO_REPEATS = Mix(duplicates=0)
"""Whoever repeats what was lost heals it: a second time, it is decided."""
PATIENCE_S = 120.0
UNSETTLED_S_MAX = 5.0
"""A text that is forgotten never settles; the patience with the carrier is shorter in drills."""


@pytest.fixture(scope="module")
def stand(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """One Sayso for all bugs, one after the other: what a trial finds is what came with it."""
    with Embedded(nursery, tmp_path_factory.mktemp("bugs"), seed=1, mix=NO_REPEATS) as stand:
        stand.start()
        stand.load.prepare()
        yield stand


@pytest.mark.parametrize("bug", FOUND_BY)
def test_a_planted_bug_is_found(stand: Embedded, bug: str) -> None:
    stand.settle(UNSETTLED_S_MAX)
    stand.tally.trial("before", stand.evidence())

    eventually(lambda: FOUND_BY[bug] in _found(stand, bug), PATIENCE_S)


def _found(stand: Embedded, bug: str) -> set[str]:
    """What is found once the bug has bitten: nothing, where it bit what would have been refused anyway.

    What takes its time to show, on a busy machine, is found the next time.
    """
    stand.process.plant(bug)
    stand.load.start()
    eventually(lambda: stand.process.reached == bug, PATIENCE_S)
    stand.load.stop()
    stand.settle(UNSETTLED_S_MAX)
    trial = stand.tally.trial(bug, stand.evidence())
    stand.process.plant(None)
    return {finding.rule for finding in trial.findings}


def test_an_answer_before_the_sync_is_found(stand: Embedded) -> None:
    assert list(unsynced(follow(stand, 30))) == []
    stand.process.plant("answer-before-sync")
    assert {finding.rule for finding in unsynced(follow(stand, 30))} == {"answered before the sync"}


def test_every_bug_has_its_test() -> None:
    assert BUGS.keys() == FOUND_BY.keys() | {"answer-before-sync"}
