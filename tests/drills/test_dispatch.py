"""The short form of the drills of dispatch."""

from itertools import islice

import pytest

from tests.drills.rows import row_10, row_11, row_16, row_19, row_20
from tests.drills.trial import Place, Trial

pytestmark = pytest.mark.timeout(900)
STORIES = 200


def failed(trials: list[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.findings]


def test_row_10_the_clock_jumps_and_each_text_is_sent_once(place: Place) -> None:
    assert failed([*islice(row_10.run(place), 2 * len(row_10.KINDS))]) == []


def test_row_11_callbacks_come_in_each_order_of_five(place: Place) -> None:
    place.faults = frozenset({row_11.EVERY})
    trials = [*islice(row_11.decisions(place), 120 * 6)]
    assert failed(trials) == []


def test_row_16_no_text_is_handed_over_after_its_stop(place: Place) -> None:
    trials = [*islice(row_16.rounds(place, people=250, waves=4), 2_000)]
    assert failed(trials) == []
    assert {trial.fault for trial in trials} == {row_16.QUEUED, row_16.SCHEDULED}


@pytest.mark.no_cover  # nothing that no other test reaches, at twice the price
def test_row_19_whatever_happens_in_one_thread(place: Place) -> None:
    assert failed([*islice(row_19.run(place), STORIES)]) == []


def test_row_20_in_the_worst_weather_each_text_is_settled_once(place: Place) -> None:
    (trial,) = islice(row_20.embedded(place, texts=200), 1)
    assert trial.findings == []
    assert trial.told["kills"]
