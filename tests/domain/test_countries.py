"""Countries: a policy that is data, warns before a send, and is only ever narrowed."""

from datetime import date
from pathlib import Path

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

import domain.countries
from domain.countries import (
    BLOCKED_BY_ACCOUNT,
    POLICIES,
    POLICY_VERSION,
    ROUTE_BLOCKED,
    WARNINGS,
    CountryPolicy,
    narrowed,
    policy,
    read,
    verdict,
)
from domain.quiet_hours import Window

HEADER, *ROWS = (
    (Path(domain.countries.__file__).parent / "data" / "countries.csv").read_text("utf-8").splitlines()
)

regions = st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS))
senders = st.none() | regions


@pytest.mark.parametrize("region", sorted(POLICIES))
def test_every_row_has_a_known_region_a_source_and_a_dated_version(region: str) -> None:
    row = POLICIES[region]
    assert region in phonenumbers.SUPPORTED_REGIONS
    assert row.source
    assert date.fromisoformat(row.version) <= date.fromisoformat(POLICY_VERSION)
    assert (row.quiet_basis == "none") == (row.window == Window())


@pytest.mark.parametrize("sender_region", [None, "FR", "US", "GB"])
def test_france_is_refused_whoever_sends_with_a_reason_of_its_own(sender_region: str | None) -> None:
    decision = verdict(policy("FR"), sender_region)
    assert not decision.allowed
    assert decision.refusal is not None
    assert "+33" in decision.refusal
    assert decision.warnings == ()


def test_only_france_is_refused_as_a_country() -> None:
    assert [region for region, row in POLICIES.items() if row.refusal] == ["FR"]


@pytest.mark.parametrize("region", ["RE", "GP", "MQ", "GF", "YT", "PM", "NC", "PF"])
def test_overseas_territories_of_france_are_countries_of_their_own(region: str) -> None:
    assert verdict(policy(region), "US").allowed


@pytest.mark.parametrize(
    ("region", "sender_region", "warnings"),
    [
        ("US", "US", ()),
        ("US", None, ()),
        ("US", "CA", ()),
        ("CA", "US", ()),
        ("US", "GB", ("sender_unsupported", "no_replies")),
        ("GB", "GB", ()),
        ("GB", "US", ("sender_unsupported", "no_replies")),
        ("DE", "DE", ()),
        ("BE", "US", ("sender_overwritten", "no_replies")),
        ("BE", "BE", ()),
        ("BE", None, ()),
        ("MX", "MX", ("sender_overwritten", "no_replies")),
        ("MX", None, ("sender_overwritten", "no_replies")),
        ("JP", "JP", ("sender_unsupported", "no_replies")),
        ("JP", None, ()),
        ("CN", "US", ("sender_overwritten", "no_replies")),
        ("NZ", None, ("sender_overwritten", "no_replies")),
        ("AE", None, ("sender_unsupported", "no_replies")),
        ("BR", "US", ("sender_overwritten", "no_replies")),
        ("RE", "US", ("country_unlisted",)),
        ("RE", "RE", ("country_unlisted",)),
    ],
)
def test_the_composer_is_warned(region: str, sender_region: str | None, warnings: tuple[str, ...]) -> None:
    decision = verdict(policy(region), sender_region)
    assert decision.allowed
    assert decision.warnings == warnings


def test_a_route_may_be_blocked_where_the_country_is_not() -> None:
    assert verdict(policy("BR"), "BR").refusal == ROUTE_BLOCKED
    assert verdict(policy("BR"), "US").allowed


def test_a_country_that_is_not_listed_gets_careful_quiet_hours() -> None:
    unlisted = policy("RE")
    assert (unlisted.region, unlisted.listed) == ("RE", False)
    assert unlisted.window == Window(((20 * 60, 9 * 60),))


def test_quiet_hours_are_those_of_the_row() -> None:
    assert policy("US").window == Window(((21 * 60, 8 * 60),), quiet_sunday=False)
    assert policy("FR").window == Window(((22 * 60, 8 * 60),), quiet_sunday=True)
    assert policy("NL").window == Window()


def test_a_country_blocked_by_the_account_says_so() -> None:
    assert verdict(narrowed(policy("DE"), {"DE", "FR"}), "DE").refusal == BLOCKED_BY_ACCOUNT
    assert verdict(narrowed(policy("DE"), {"AT"}), "DE").allowed
    assert narrowed(policy("FR"), {"FR"}) == policy("FR")


@given(regions, senders, st.frozensets(regions))
def test_an_account_can_only_narrow_the_policy(
    region: str, sender_region: str | None, blocked: frozenset[str]
) -> None:
    country = policy(region)
    narrower = narrowed(country, blocked)
    assert narrower.window == country.window
    assert verdict(narrower, sender_region).allowed == (
        verdict(country, sender_region).allowed and region not in blocked
    )


@given(regions, senders)
def test_every_warning_has_a_sentence(region: str, sender_region: str | None) -> None:
    assert set(verdict(policy(region), sender_region).warnings) <= set(WARNINGS)


def test_reading_the_policy_gives_a_row_for_each_region() -> None:
    assert read([HEADER, *ROWS]) == dict(POLICIES)
    assert all(isinstance(row, CountryPolicy) for row in POLICIES.values())


@pytest.mark.parametrize(
    "rows",
    [
        [HEADER, ROWS[0], ROWS[0]],
        [HEADER, ROWS[0].replace("US", "USA")],
        [HEADER, ROWS[0].replace("kept", "perhaps")],
        [HEADER, ROWS[0].replace("21:00", "9 pm")],
        [HEADER.replace("quiet_from", "from"), "US"],
    ],
)
def test_a_wrong_row_stops_the_start(rows: list[str]) -> None:
    with pytest.raises(ValueError, match=r"two rows|validation error"):
        read(rows)
