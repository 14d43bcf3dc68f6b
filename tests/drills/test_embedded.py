"""The short form of the drills on the embedded form."""

from itertools import islice

import pytest

from tests.drills.points import EMBEDDED
from tests.drills.rows import row_01, row_03, row_06, row_07, row_09
from tests.drills.trial import Place

pytestmark = pytest.mark.timeout(900)


def test_row_1_killed_at_each_point_everything_is_as_promised(place: Place) -> None:
    trials = list(islice(row_01.embedded(place), len(EMBEDDED)))
    assert [trial for trial in trials if trial.findings] == []


def test_row_3_nobody_is_answered_before_the_data_is_synced(place: Place) -> None:
    trials = list(islice(row_03.embedded(place), 100))
    assert [trial for trial in trials if trial.findings] == []


def test_row_6_a_log_cut_anywhere_opens_as_a_prefix(place: Place) -> None:
    trials = list(islice(row_06.run(place), 200))
    assert [trial for trial in trials if trial.findings] == []


def test_row_7_whatever_the_links_to_the_carrier_do_each_text_is_settled_once(place: Place) -> None:
    place.faults = frozenset({row_07.EVERY_OTHER, row_07.NOTHING_BACK})
    trials = list(islice(row_07.embedded(place), 4))
    assert [trial for trial in trials if trial.findings] == []


def test_row_9_a_disk_that_fails_loses_nothing(place: Place) -> None:
    trials = list(islice(row_09.embedded(place), 5))
    assert [trial for trial in trials if trial.findings] == []
