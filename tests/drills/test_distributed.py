"""The short form of the drills on the distributed form: one stand, and the faults of all rows upon it."""

from itertools import islice

import pytest

from tests.drills.rows import row_14, storm
from tests.drills.trial import Place

pytestmark = pytest.mark.timeout(900)
ROUNDS = 2


def test_in_a_storm_of_faults_everything_is_as_promised(place: Place) -> None:
    trials = list(islice(storm.distributed(place), ROUNDS * storm.FAULTS_EACH))
    assert [trial for trial in trials if trial.findings] == []


def test_row_14_a_slow_consumer_stays_small(place: Place) -> None:
    place.faults = frozenset({"projector 1,000 behind"})
    (trial,) = islice(row_14.distributed(place), 1)
    assert trial.findings == []
