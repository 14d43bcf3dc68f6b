"""How long an answer asks us to wait, whatever it says."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.carriers.carrier import Rejected
from consumers.carriers.twilio_http import ASKED_S_MAX, seconds_asked
from consumers.handover import record
from schemas.commands import TurnedDown
from tests.consumers.waiting_texts import text as waiting_text

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAYS = st.sampled_from(("Mon, ", "Monday, ", ""))
ZONES = st.sampled_from(("GMT", "", "-0000", "+2359", "-9999", "+99999999999999999999", "(", "EST"))
MONTHS = st.sampled_from(("Jan", "Feb", "Dez", "1"))
NUMBERS = st.integers(0, 100) | st.integers(0, 10**30)
DATES = st.builds(
    "{}{} {} {} {}:{}:{} {}".format, DAYS, NUMBERS, MONTHS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, ZONES
)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("7", 7.0),
        ("9" * 5_000, ASKED_S_MAX),
        ("Mon, 02 Mar 2026 12:01:00 GMT", 60.0),
        ("Mon, 02 Mar 2026 12:01:00 -0000", 60.0),
        ("Mon, 02 Mar 2026 11:59:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", ASKED_S_MAX),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 02 Mar 2026 12:01:00 +99999999999999999999", None),
    ],
)
def test_seconds_and_dates_are_understood(header: str | None, seconds: float | None) -> None:
    assert seconds_asked(header, NOON) == seconds


@given(DATES | st.text() | st.integers().map(str))
def test_whatever_a_carrier_asks_for_can_be_recorded(header: str) -> None:
    asked_s = seconds_asked(header, NOON)
    assert asked_s is None or 0 <= asked_s <= ASKED_S_MAX
    recorded = record(waiting_text(1), 1, Rejected(20429, 429, "Too many requests", asked_s)).result
    assert recorded == TurnedDown(code=20429, http_status=429, retry_after_s=asked_s)
