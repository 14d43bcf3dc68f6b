"""Quiet hours: by the recipient's clock, in every zone at once, on the days clocks change too."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.quiet_hours import ALWAYS_OPEN, HORIZON, Window, next_opening, window_for, window_of

NEW_YORK, PARIS = "America/New_York", "Europe/Paris"
NIGHT = window_of("21:00", "08:00", False)
NIGHT_AND_SUNDAY = window_of("22:00", "08:00", True)
MINUTE = timedelta(minutes=1)


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def quiet(moment: datetime, hours: Window, zone: str) -> bool:
    """The reference: what the wall clock shows, and nothing else."""
    local = moment.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    spans = [s <= minute < u if s <= u else minute >= s or minute < u for s, u in hours.quiet]
    return any(spans) or (hours.quiet_sunday and local.isoweekday() == 7)


def minute_by_minute(now: datetime, hours: Window, zones: list[str]) -> datetime | None:
    moment = now
    while any(quiet(moment, hours, zone) for zone in zones):
        moment = moment.replace(second=0, microsecond=0) + MINUTE
        if moment > now + HORIZON:
            return None
    return moment


CHANGES = [
    "2026-03-08T06:00",  # New York springs forward
    "2026-11-01T05:00",  # and falls back
    "2026-03-29T00:00",  # Europe springs forward
    "2026-10-25T00:00",  # and falls back
    "2026-04-04T14:00",  # Lord Howe falls back, by half an hour
    "2026-10-03T14:00",  # and springs forward
    "2026-09-06T03:00",  # Santiago skips midnight
    "2026-04-05T02:00",  # and has it twice
]
ZONES = [NEW_YORK, PARIS, "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu", "Pacific/Kiritimati"]

moments = st.builds(
    lambda start, seconds: datetime.fromisoformat(start).replace(tzinfo=UTC) + timedelta(seconds=seconds),
    st.sampled_from(CHANGES),
    st.integers(-2 * 86_400, 86_400),
)
spans = st.tuples(st.integers(0, 1439), st.integers(0, 1439))
windows = st.builds(Window, st.lists(spans, max_size=2).map(tuple), st.booleans())


@settings(max_examples=40, deadline=None)
@given(moments, windows, st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True))
@example(at("2026-11-01T01:45", NEW_YORK), Window(((90, 300),)), [NEW_YORK])
@example(at("2026-03-08T01:45", NEW_YORK), Window(((90, 150),)), [NEW_YORK])
@example(at("2026-09-05T23:30", "America/Santiago"), Window(((1380, 0),), True), ["America/Santiago"])
def test_the_opening_is_the_first_open_minute(now: datetime, hours: Window, zones: list[str]) -> None:
    assert next_opening(now, hours, zones) == minute_by_minute(now, hours, zones)


@pytest.mark.parametrize(
    ("now", "hours", "opening"),
    [
        (at("2026-11-24T12:00:07", PARIS), NIGHT, at("2026-11-24T12:00:07", PARIS)),
        (at("2026-11-24T20:59:59", PARIS), NIGHT, at("2026-11-24T20:59:59", PARIS)),
        (at("2026-11-24T21:00", PARIS), NIGHT, at("2026-11-25T08:00", PARIS)),
        (at("2026-11-25T00:00", PARIS), NIGHT, at("2026-11-25T08:00", PARIS)),
        (at("2026-11-25T07:59:59.999999", PARIS), NIGHT, at("2026-11-25T08:00", PARIS)),
        (at("2026-11-25T08:00", PARIS), NIGHT, at("2026-11-25T08:00", PARIS)),
        (at("2026-11-21T22:30", PARIS), NIGHT_AND_SUNDAY, at("2026-11-23T08:00", PARIS)),
        (at("2026-11-22T12:00", PARIS), NIGHT_AND_SUNDAY, at("2026-11-23T08:00", PARIS)),
        (at("2026-11-22T23:59", PARIS), window_of(None, None, True), at("2026-11-23T00:00", PARIS)),
        (at("2026-03-28T21:30", PARIS), NIGHT, at("2026-03-29T08:00", PARIS)),
        (at("2026-10-24T21:30", PARIS), NIGHT, at("2026-10-25T08:00", PARIS)),
        (at("2026-11-25T12:30", PARIS), window_of("12:00", "13:00", False), at("2026-11-25T13:00", PARIS)),
    ],
)
def test_a_text_waits_for_the_morning(now: datetime, hours: Window, opening: datetime) -> None:
    assert next_opening(now, hours, (PARIS,)) == opening


def test_the_zone_that_a_moment_is_written_in_does_not_matter() -> None:
    now = at("2026-03-28T21:30", PARIS).astimezone(ZoneInfo(NEW_YORK))
    assert next_opening(now, NIGHT, (PARIS,)) == at("2026-03-29T08:00", PARIS)


def test_it_must_be_open_in_every_zone() -> None:
    opening = next_opening(at("2026-11-24T09:00", NEW_YORK), NIGHT, (NEW_YORK, "Pacific/Honolulu"))
    assert opening == at("2026-11-24T08:00", "Pacific/Honolulu")


def test_where_no_moment_suits_every_zone_there_is_no_opening() -> None:
    short_day = window_of("13:00", "08:00", False)
    assert next_opening(at("2026-11-24T12:00"), short_day, (NEW_YORK, "Asia/Tokyo")) is None


def test_without_a_zone_nobody_can_tell() -> None:
    assert next_opening(at("2026-11-24T12:00"), NIGHT, ()) is None


def test_where_nothing_is_quiet_now_is_right() -> None:
    now = at("2026-11-24T03:00:01")
    assert next_opening(now, ALWAYS_OPEN, ()) is now


@pytest.mark.parametrize("hours", [(None, None), ("08:00", None), (None, "08:00"), ("08:00", "08:00")])
def test_hours_without_a_beginning_or_an_end_are_none(hours: tuple[str | None, str | None]) -> None:
    assert window_of(*hours, quiet_sunday=False) == ALWAYS_OPEN
    assert window_of(*hours, quiet_sunday=True) == Window(quiet_sunday=True)


def test_an_account_without_hours_of_its_own_has_the_countrys() -> None:
    assert window_for(NIGHT_AND_SUNDAY, None) == NIGHT_AND_SUNDAY


@given(windows, windows, moments, st.sampled_from(ZONES))
def test_an_account_can_only_add_quiet_hours(
    country: Window, account: Window, moment: datetime, zone: str
) -> None:
    both = window_for(country, account)
    assert quiet(moment, both, zone) == quiet(moment, country, zone) or quiet(moment, account, zone)
    if next_opening(moment, both, (zone,)) == moment:
        assert next_opening(moment, country, (zone,)) == moment
