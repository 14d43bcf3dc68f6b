"""How fast texts may leave, by a clock that the test moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.carriers.carrier import Accepted, Rejected
from consumers.rates import REST_S, REST_S_MAX, Bucket, CarrierRates, Limits, Rates, Way, kind_of

LARGEST = 21
"""Segments of the largest text: 1,400 units of UCS-2."""
TOO_MANY = Rejected(20429, 429, "Too many requests", None)
US, DANISH = "+14155550100", "+4531234567"
BY_US, BY_DANISH, BY_NONE = ("twilio", US), ("twilio", DANISH), ("twilio", None)


def bucket(rate: float) -> Bucket:
    return Bucket(lambda: rate, 0.0)


def rates(carrier: float = 1_000.0, **senders: float) -> Rates:
    return Rates(Limits(senders), CarrierRates(lambda _: carrier, 0.0))


@pytest.mark.parametrize(
    ("sender", "rate"),
    [
        (US, 1),
        ("+18005550100", 3),
        ("+18885550100", 3),
        ("12345", 100),
        (DANISH, 10),
        ("+447400123456", 10),
        ("ACME", 10),
        ("MG" + "0" * 32, 10),
    ],
)
def test_a_senders_rate_follows_from_its_kind_and_country(sender: str, rate: float) -> None:
    assert Limits().of(sender) == rate


def test_what_is_set_for_a_sender_itself_goes_before_what_is_set_for_its_kind() -> None:
    limits = Limits({"us_long_code": 12.0, US: 4.5})
    assert (limits.of(US), limits.of("+14155550101"), limits.of("+18005550100")) == (4.5, 12.0, 3.0)
    assert kind_of("MGx") == "elsewhere"  # a name, not a messaging service's id


def test_one_seconds_worth_leaves_at_once_and_the_rest_at_the_rate() -> None:
    ten = bucket(10)
    assert [ten.take(1, 0.0) for _ in range(10)] == [0.0] * 10
    assert ten.take(1, 0.0) == pytest.approx(0.1)
    assert ten.take(1, 0.1) == 0.0
    assert ten.take(2, 0.1) == pytest.approx(0.2)


def test_the_largest_text_leaves_the_slowest_sender_and_is_paid_for_afterwards() -> None:
    one = bucket(1)
    assert one.take(LARGEST, 0.0) == 0.0
    assert one.take(1, 0.0) == pytest.approx(LARGEST)
    assert one.take(1, LARGEST + 0.001) == 0.0


@given(
    rate=st.floats(0.05, 200),
    wishes=st.lists(st.tuples(st.floats(0, 3), st.integers(1, LARGEST)), max_size=60),
    start=st.floats(0, 50),
)
def test_no_stretch_of_time_sees_more_than_its_rate_a_seconds_worth_and_one_text(
    rate: float, wishes: list[tuple[float, int]], start: float
) -> None:
    one, at, taken = bucket(rate), 0.0, []
    for pause, segments in wishes:
        at += pause
        if one.take(segments, at) == 0:
            taken.append((at, segments))
    window = [(moment, segments) for moment, segments in taken if moment >= start]
    if window:
        length = window[-1][0] - window[0][0]
        assert sum(segments for _, segments in window) <= max(rate, 1) + rate * length + LARGEST + 1e-6


@given(segments=st.integers(1, LARGEST), rate=st.floats(0.05, 200), spent=st.integers(0, LARGEST))
def test_who_waits_as_long_as_told_may_go(segments: int, rate: float, spent: int) -> None:
    one = bucket(rate)
    one.take(spent, 0.0)
    wait_s = one.take(segments, 0.0)
    if wait_s > 0:
        assert one.take(segments, wait_s + 1e-6) == 0.0


def test_a_clock_that_stands_still_or_steps_back_gives_nothing_away() -> None:
    one = bucket(1)
    one.take(1, 100.0)
    assert one.take(1, 100.0) > 0
    assert one.take(1, 50.0) > 0


def test_too_many_requests_halves_the_rate_once_for_all_that_was_under_way() -> None:
    hundred = bucket(100)
    for _ in range(16):
        hundred.slow_down(0.0)
    assert hundred.rate(0.0) == 50
    assert hundred.wait_s(1, 0.0) >= REST_S
    hundred.slow_down(REST_S)
    assert hundred.rate(REST_S) == pytest.approx(25)


def test_nothing_leaves_before_the_carrier_said_and_then_less_than_before() -> None:
    hundred = bucket(100)
    hundred.slow_down(0.0, rest_s=7.0)
    assert hundred.wait_s(1, 6.9) > 0
    gone = sum(hundred.take(1, 7.0 + n / 1_000) == 0 for n in range(1_000))
    assert 45 <= gone <= 52


def test_no_carrier_can_stop_us_for_good() -> None:
    hundred = bucket(100)
    hundred.slow_down(0.0, rest_s=1e300)
    assert hundred.wait_s(1, 0.0) >= REST_S_MAX
    assert hundred.take(1, REST_S_MAX + 1.0) == 0


def test_a_rate_recovers_little_by_little_and_wholly() -> None:
    hundred = bucket(100)
    hundred.slow_down(0.0)
    seen = [hundred.rate(float(second)) for second in range(1, 40)]
    assert seen == sorted(seen)
    assert seen[5] < 70
    assert seen[-1] == 100
    assert hundred.is_full(100.0)


def test_a_carrier_that_goes_on_saying_so_is_still_asked_now_and_then() -> None:
    hundred = bucket(100)
    for second in range(200):
        hundred.slow_down(float(second))
    assert hundred.rate(200.0) >= 1


def test_a_process_has_its_share_of_the_carriers_rate_however_many_shards_it_has_just_then() -> None:
    shards = 1
    part = Bucket(lambda: 80 * shards / 8, 0.0)
    assert part.rate(0.0) == 10
    shards = 8
    assert part.rate(0.0) == 80


def test_the_carriers_limit_holds_for_all_senders_together_and_each_senders_for_itself() -> None:
    both = rates(carrier=3.0, **{US: 1.0, DANISH: 10.0})
    assert both.take(BY_US, 1, 0.0) == 0.0
    assert both.sender_wait_s(BY_US, 1, 0.0) == pytest.approx(1.0)
    assert both.sender_wait_s(BY_DANISH, 1, 0.0) == 0.0
    assert [both.take(BY_DANISH, 1, 0.0) for _ in range(2)] == [0.0, 0.0]
    assert both.take(BY_DANISH, 1, 0.0) > 0


def test_what_did_not_leave_is_given_back() -> None:
    both = rates(carrier=1.0)
    assert both.take(BY_US, 1, 0.0) == 0.0
    both.give_back(BY_US, 1, 0.0)
    assert (both.sender_wait_s(BY_US, 1, 0.0), both.take(BY_US, 1, 0.0)) == (0.0, 0.0)


def test_only_what_the_carrier_says_about_numbers_of_requests_slows_it_down() -> None:
    both = rates()
    for outcome in (
        Accepted("SM1", "queued", 1, US),
        Rejected(21610, 400, "Opted out", None),
        Rejected(21611, 400, "Queue full", None),
    ):
        both.heard(BY_US, outcome, 0.0)
    assert both.carrier_rate("twilio", 0.0) == 1_000
    both.heard(BY_US, TOO_MANY, 0.0)
    assert both.carrier_rate("twilio", 0.0) == 500


def test_each_carrier_has_a_limit_of_its_own() -> None:
    both = rates(carrier=1.0, elsewhere=10.0)
    backup: Way = ("backup", DANISH)
    both.heard(BY_DANISH, TOO_MANY, 0.0)
    assert both.take(BY_DANISH, 1, 0.0) > 0
    assert both.take(backup, 1, 0.0) == 0.0


def test_a_full_queue_slows_its_sender_down_and_nobody_else() -> None:
    both = rates()
    both.heard(BY_US, Rejected(21611, 400, "Queue full", 30.0), 0.0)
    assert both.sender_wait_s(BY_US, 1, 29.0) > 0
    assert both.sender_wait_s(BY_DANISH, 1, 0.0) == 0.0


def test_a_text_without_a_sender_meets_the_carriers_limit_alone() -> None:
    """The last look will say what is missing."""
    both = rates()
    both.heard(BY_NONE, Rejected(21611, 400, "Queue full", None), 0.0)
    assert (both.sender_wait_s(BY_NONE, 1, 0.0), both.take(BY_NONE, 1, 0.0)) == (0.0, 0.0)
    both.give_back(BY_NONE, 1, 0.0)
