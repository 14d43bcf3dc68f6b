"""Numbers as decisions see them: refusals for what is none, countries (3.15), openings (3.18)."""

from datetime import UTC, datetime, timedelta

import pytest

from domain import numbers
from domain.account import Account
from domain.refusals import Refused
from domain.senders import Sender
from schemas.account_settings import AccountSettings, QuietHours
from tests.domain.given import NOW
from tests.domain.people import BERLIN_NUMBER, FRENCH_NUMBER, SENDER

US = Account()
OURS = Sender(SENDER, "US")


@pytest.mark.parametrize(
    ("typed", "region", "code"),
    [
        ("hello", None, "number_invalid"),
        ("+447700900123", None, "number_invalid"),
        ("0692 12 34 56", "FR", "number_ambiguous"),
        ("415 555 2672", None, "number_region_needed"),
        ("+1 900 555 2671", None, "number_cannot_be_texted"),
    ],
)
def test_what_is_no_number_to_text_is_refused(typed: str, region: str | None, code: str) -> None:
    """3.10"""
    with pytest.raises(Refused) as refusal:
        numbers.parse(typed, region)
    assert refusal.value.code == code
    assert typed not in refusal.value.sentence


def test_the_country_of_whoever_texted_is_known_or_unknown_and_never_refused() -> None:
    """3.8"""
    assert numbers.region_of(BERLIN_NUMBER) == "DE"
    assert numbers.region_of("+447700900123") == "ZZ"


# --- 3.15 countries ---------------------------------------------------------------------------------


def test_a_country_is_refused_with_its_own_sentence() -> None:
    """3.15"""
    with pytest.raises(Refused) as refusal:
        numbers.require_country("FR", US, OURS)
    assert refusal.value.code == "french_number"
    assert "+33" in refusal.value.sentence


def test_the_warnings_depend_on_where_the_sender_is_from() -> None:
    """3.15"""
    assert numbers.require_country("AT", US, OURS) == ("sender_overwritten", "no_replies")
    assert numbers.require_country("AT", US, Sender("+43", "AT")) == ()
    assert numbers.require_country("AT", US, None) == ()


def test_an_account_can_only_narrow() -> None:
    """3.15"""
    narrow = US._replace(settings=AccountSettings(blocked_regions=frozenset({"DE"})))
    with pytest.raises(Refused) as refusal:
        numbers.require_country("DE", narrow, OURS)
    assert refusal.value.code == "country_blocked"
    assert numbers.require_country("US", narrow, OURS) == ()


# --- 3.18 openings ----------------------------------------------------------------------------------


def test_the_zone_that_the_ats_gave_wins() -> None:
    """3.18"""
    phone = numbers.parse(BERLIN_NUMBER)
    assert numbers.zones(phone, "Asia/Tokyo") == ("Asia/Tokyo",)
    assert numbers.zones(phone, None) == ("Europe/Berlin",)
    assert len(numbers.zones(numbers.parse("+18005550199"), None)) > 10


@pytest.mark.parametrize("second", [0, 1, 59])
def test_an_open_minute_is_open_to_its_last_second(second: int) -> None:
    """3.18"""
    moment = NOW.replace(second=second, microsecond=123_456)
    assert numbers.opening("US", US, ("America/New_York",), moment) == moment


def test_a_quiet_minute_opens_at_the_next_whole_one() -> None:
    """3.18"""
    last = datetime(2026, 3, 3, 12, 59, 59, 999_999, tzinfo=UTC)
    opens = datetime(2026, 3, 3, 13, tzinfo=UTC)
    assert numbers.opening("US", US, ("America/New_York",), last) == opens
    assert numbers.opening("US", US, ("America/New_York",), opens) == opens


def test_a_country_without_quiet_hours_is_always_open_unless_the_account_has_some() -> None:
    """3.18"""
    night = datetime(2026, 3, 3, 1, 30, 30, tzinfo=UTC)
    own = AccountSettings(quiet_hours=QuietHours(quiet_from="22:00", quiet_until="07:00"))
    assert numbers.opening("NL", US, ("Europe/Amsterdam",), night) == night
    opens = datetime(2026, 3, 3, 6, tzinfo=UTC)
    assert numbers.opening("NL", US._replace(settings=own), ("Europe/Amsterdam",), night) == opens


def test_without_any_zone_a_country_without_quiet_hours_is_open() -> None:
    """3.18"""
    assert numbers.opening("NL", US, (), NOW) == NOW


def test_where_every_moment_is_quiet_it_is_refused() -> None:
    """3.18"""
    always = AccountSettings(quiet_hours=QuietHours(quiet_from="08:00", quiet_until="21:00"))
    with pytest.raises(Refused) as refusal:
        numbers.opening("US", US._replace(settings=always), ("America/New_York",), NOW)
    assert refusal.value.code == "never_open"


@pytest.mark.parametrize("days", range(0, 400, 23))
def test_an_opening_is_never_before_what_was_wanted_and_is_open(days: int) -> None:
    """3.18: over the changes of clocks too."""
    zones = ("America/New_York", "America/Los_Angeles")
    wanted = datetime(2026, 1, 1, 5, 17, 3, tzinfo=UTC) + timedelta(days=days)
    opening = numbers.opening("US", US, zones, wanted)
    assert opening >= wanted
    assert numbers.opening("US", US, zones, opening) == opening


def test_a_french_number_is_french() -> None:
    """3.15"""
    assert numbers.parse(FRENCH_NUMBER).is_french
