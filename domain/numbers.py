"""A phone number as decisions see it: valid, in a country that may be texted, at an hour that is allowed."""

from datetime import datetime
from functools import lru_cache

from domain import countries, phones, quiet_hours
from domain.account import Account
from domain.phones import Phone
from domain.quiet_hours import Window, window_of
from domain.refusals import Refused
from domain.senders import Sender
from schemas.account_settings import QuietHours
from schemas.base import SenderKind

__all__ = ["Phone", "opening", "parse", "region_of", "require_country", "zones"]

DECISIONS_CACHED_MAX = 4_096


def parse(text: str, region: str | None = None) -> Phone:
    """The number that `text` means; refused where it means none, or more than one."""
    try:
        return phones.parse(text, region)
    except phones.NumberError as problem:
        raise Refused(problem.code) from problem


def region_of(e164: str) -> str:
    """The country of a number that somebody texted from; `ZZ` (unknown) where the numbering plans lack it.

    What comes in is heard whatever we make of the number: a STOP counts from anywhere.
    """
    try:
        return phones.parse(e164).region
    except phones.NumberError:
        return "ZZ"


def require_country(region: str, account: Account, sender: Sender | None) -> tuple[str, ...]:
    """Refuse unless the account may text the country from `sender`; else what to know before (codes)."""
    place = (None, _ANY_KIND) if sender is None else (sender.region, sender.kind)
    verdict = _verdict(region, account.settings.blocked_regions, *place)
    if verdict.refusal is not None:
        code = "french_number" if region == "FR" else "country_blocked"
        raise Refused(code, sentence=verdict.refusal)
    return verdict.warnings


_ANY_KIND: SenderKind = "messaging_service"  # until an account has a sender, the best that could be said


@lru_cache(DECISIONS_CACHED_MAX)
def _verdict(
    region: str, blocked: frozenset[str], sender_region: str | None, kind: SenderKind
) -> countries.Verdict:
    return countries.verdict(countries.narrowed(countries.policy(region), blocked), sender_region, kind)


def zones(phone: Phone, given: str | None) -> tuple[str, ...]:
    """The time zones the recipient may be in: the one the ATS gave, else all that the number allows."""
    return phones.time_zones(phone) if given is None else (given,)


def opening(region: str, account: Account, zones: tuple[str, ...], wanted: datetime) -> datetime:
    """`wanted`, or the first minute after it outside every quiet hour of the country and the account.

    Raises:
        Refused: `never_open`.
    """
    window = _window(region, account.settings.quiet_hours)
    if window is None:
        return wanted
    opens = _opening(window, zones, wanted.replace(second=0, microsecond=0))
    if opens is None:
        raise Refused("never_open")
    return max(opens, wanted)


@lru_cache(DECISIONS_CACHED_MAX)
def _window(region: str, own: QuietHours | None) -> Window | None:
    """The quiet hours of the country and the account together; None where there are none."""
    added = None if own is None else window_of(own.quiet_from, own.quiet_until, own.quiet_sunday)
    window = quiet_hours.window_for(countries.policy(region).window, added)
    return None if window == quiet_hours.ALWAYS_OPEN else window


@lru_cache(DECISIONS_CACHED_MAX)
def _opening(window: Window, zones: tuple[str, ...], minute: datetime) -> datetime | None:
    """Quiet hours begin and end on whole minutes, so that all of a minute has one answer."""
    return quiet_hours.next_opening(minute, window, zones)
