"""The short form of the drills of dispatch."""

from itertools import islice

import pytest

from tests.drills.rows import row_20
from tests.drills.trial import Place

pytestmark = pytest.mark.timeout(900)


def test_row_20_in_the_worst_weather_each_text_is_settled_once(place: Place) -> None:
    (trial,) = islice(row_20.embedded(place, texts=200), 1)
    assert trial.findings == []
    assert trial.told["kills"]
