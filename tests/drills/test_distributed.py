"""The short form of the drills on the distributed form: one stand, and the faults of all rows upon it."""

from collections.abc import Iterable
from itertools import islice
from math import ceil

import pytest

from tests.drills.rows import row_04, row_14, row_16_spooled, storm
from tests.drills.trial import Place, Trial

pytestmark = pytest.mark.timeout(900)
ROUNDS = ceil(len(storm.KINDS) / storm.FAULTS_EACH)
"""Of the storm: enough for a fault of each row."""


def test_in_a_storm_of_faults_everything_is_as_promised(place: Place) -> None:
    _all_well(islice(storm.distributed(place), ROUNDS * storm.FAULTS_EACH))


def test_row_4_of_three_nodes_one_is_not_missed(place: Place) -> None:
    place.faults = frozenset({"one of three killed"})
    _all_well(islice(row_04.three_nodes(place), 1))


def test_row_14_a_slow_consumer_stays_small(place: Place) -> None:
    place.faults = frozenset({"projector 1,000 behind"})
    _all_well(islice(row_14.distributed(place), 1))


def test_row_16_a_stop_in_a_spool_is_not_overtaken(place: Place) -> None:
    _all_well(islice(row_16_spooled.distributed(place), 2))


def _all_well(trials: Iterable[Trial]) -> None:
    assert [trial for trial in trials if trial.findings] == []
