"""When a phone is left in peace: by the recipient's own clock, wherever the recipient may be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

HORIZON: Final = timedelta(days=14)
"""No opening within this long means never: every day of the week has come twice."""

_DAY_MINUTES: Final = 24 * 60
_SUNDAY: Final = 6
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Window:
    """When texts wait: spans of the local day, in minutes since midnight, and whether all of Sunday.

    A span goes from its first minute up to, and without, its second, over midnight where that comes earlier.
    """

    quiet: tuple[tuple[int, int], ...] = ()
    quiet_sunday: bool = False


ALWAYS_OPEN: Final = Window()


@lru_cache(maxsize=1_024)
def window_of(quiet_from: str | None, quiet_until: str | None, quiet_sunday: bool) -> Window:
    """The window of quiet hours written `HH:MM`; none where either is missing or both are the same."""
    if quiet_from is None or quiet_until is None or quiet_from == quiet_until:
        return Window(quiet_sunday=quiet_sunday)
    return Window(((_minutes(quiet_from), _minutes(quiet_until)),), quiet_sunday)


def window_for(country: Window, account: Window | None) -> Window:
    """The country's quiet hours and the account's own: an account can add some, and never take any away."""
    if account is None:
        return country
    return Window(country.quiet + account.quiet, country.quiet_sunday or account.quiet_sunday)


def next_opening(now: datetime, window: Window, zones: Sequence[str]) -> datetime | None:
    """`now` if it is open in each of the IANA `zones`, else the first minute, in UTC, at which all are.

    None where there is no such minute within `HORIZON`, or no zone is known by which to tell.
    """
    if window == ALWAYS_OPEN:
        return now
    if not zones:
        return None
    moment = now.astimezone(UTC)
    while quiet := [zone for zone in map(_zone, zones) if _quiet_minutes(moment, window, zone)]:
        minute = moment.replace(second=0, microsecond=0)  # quiet hours begin and end on whole minutes
        moment = max(_end_of_quiet(minute, window, zone) for zone in quiet)
        if moment > now + HORIZON:
            return None
    return moment


def _end_of_quiet(moment: datetime, window: Window, zone: ZoneInfo) -> datetime:
    """A moment up to which `zone` is quiet without a break: a span's end, or a change of its clock before."""
    end = moment + _quiet_minutes(moment, window, zone) * _MINUTE
    if _offset(moment, zone) == _offset(end, zone):
        return end
    return _clock_change(moment, end, zone)


def _quiet_minutes(moment: datetime, window: Window, zone: ZoneInfo) -> int:
    """Minutes of quiet left, if the clock of `zone` is not changed meanwhile; 0 outside quiet hours."""
    local = moment.astimezone(zone)
    minute = local.hour * 60 + local.minute
    left = [_left(minute, quiet_from, quiet_until) for quiet_from, quiet_until in window.quiet]
    if window.quiet_sunday and local.weekday() == _SUNDAY:
        left.append(_DAY_MINUTES - minute)
    return max(left, default=0)


def _left(minute: int, quiet_from: int, quiet_until: int) -> int:
    """Minutes from `minute` of the day to the end of the span, if it is inside; counted round the clock."""
    since, length = (minute - quiet_from) % _DAY_MINUTES, (quiet_until - quiet_from) % _DAY_MINUTES
    return max(0, length - since)


def _clock_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The minute in which the clock of `zone` is changed; the two moments lie before and after it."""
    while after - before > _MINUTE:
        middle = before + (after - before) // (2 * _MINUTE) * _MINUTE
        if _offset(middle, zone) == _offset(before, zone):
            before = middle
        else:
            after = middle
    return after


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


_zone = lru_cache(maxsize=1_024)(ZoneInfo)  # zoneinfo itself holds on to eight, fewer than Australia has


def _minutes(local_time: str) -> int:
    hours, minutes = local_time.split(":")
    return int(hours) * 60 + int(minutes)
