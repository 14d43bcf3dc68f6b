"""Phones: what people type, in every country, and every way in which it is not a number to text."""

from zoneinfo import available_timezones

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from domain.phones import NUMBER_CHARACTERS_MAX, NumberError, Phone, parse, territories, time_zones

MOBILES = {
    region: phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (example := phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE))
}


@pytest.mark.parametrize(
    ("text", "region", "e164"),
    [
        ("+12125552368", None, "+12125552368"),
        ("+1 (212) 555-2368", None, "+12125552368"),
        ("(212) 555-2368", "US", "+12125552368"),
        ("tel:+1-212-555-2368", None, "+12125552368"),
        ("212.555.2368", "CA", "+12125552368"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("+33 (0)6 12 34 56 78", None, "+33612345678"),
        ("+330612345678", None, "+33612345678"),
        ("(+33) 6 12 34 56 78", None, "+33612345678"),
        ("0033 6 12 34 56 78", "GB", "+33612345678"),
        ("011 33 6 12 34 56 78", "US", "+33612345678"),
        ("+390612345678", None, "+390612345678"),
        ("030/1234567", "DE", "+49301234567"),
        ("0692 12 34 56", "RE", "+262692123456"),
        ("+442079460018", "US", "+442079460018"),
    ],
)
def test_a_number_is_understood_as_people_type_it(text: str, region: str | None, e164: str) -> None:
    assert parse(text, region).e164 == e164


@pytest.mark.parametrize(
    "text",
    [
        "＋３３ ６ １２ ３４ ５６ ７８",
        "+٣٣٦١٢٣٤٥٦٧٨",
        "+३३६१२३४५६७८",
        "\u202a+33\u00a06\u200b12\u202f34\u206056\u202c78",
        "+33‑6–12—34−56‒78",
        "\t+33 612\n345678 ",
        "+33\N{MINUS SIGN}612345678",
    ],
)
def test_digits_of_any_script_and_invisible_characters_do_not_matter(text: str) -> None:
    assert parse(text).e164 == "+33612345678"


@pytest.mark.parametrize(
    ("text", "region", "code"),
    [
        ("", None, "number_invalid"),
        ("", "US", "number_invalid"),
        ("+", None, "number_invalid"),
        ("+1 800 FLOWERS", None, "number_invalid"),
        ("+1 212 555 2368 ext. 5", None, "number_invalid"),
        ("+12125552368;ext=5", None, "number_invalid"),
        ("+12125552368x5", None, "number_invalid"),
        ("+1212555+2368", None, "number_invalid"),
        ("*31#0612345678", "FR", "number_invalid"),
        ("call +12125552368", None, "number_invalid"),
        ("+12345678", None, "number_invalid"),
        ("+999123456789", None, "number_invalid"),
        ("+0033612345678", None, "number_invalid"),
        ("+447700900123", None, "number_invalid"),
        ("+33692123456", None, "number_invalid"),
        ("12125552368", "FR", "number_invalid"),
        ("0612345678/0612345679", "FR", "number_invalid"),
        ("1" * (NUMBER_CHARACTERS_MAX + 1), "US", "number_invalid"),
        ("０" * NUMBER_CHARACTERS_MAX, "US", "number_invalid"),
        ("\ufdfa" * NUMBER_CHARACTERS_MAX, "US", "number_invalid"),
        ("2125552368", None, "number_region_needed"),
        ("2125552368", "XX", "number_region_needed"),
        ("2125552368", "us", "number_region_needed"),
        ("0033612345678", None, "number_region_needed"),
        ("0692 12 34 56", "FR", "number_ambiguous"),
        ("0690 00 12 34", "FR", "number_ambiguous"),
        ("06 12 34 56 78", "RE", "number_ambiguous"),
        ("01 23", "PM", "number_invalid"),
        ("+19002345678", None, "number_cannot_be_texted"),
        ("+33820123456", None, "number_cannot_be_texted"),
        ("+881612345678", None, "number_cannot_be_texted"),
        ("+80012345678", None, "number_cannot_be_texted"),
    ],
)
def test_what_is_no_number_to_text_is_refused(text: str, region: str | None, code: str) -> None:
    with pytest.raises(NumberError) as refusal:
        parse(text, region)
    assert refusal.value.code == code
    assert str(refusal.value) == f"{code}: {refusal.value.detail}"


def test_an_ambiguous_number_names_the_country_codes_it_fits() -> None:
    with pytest.raises(NumberError, match=r"fits \+262$"):
        parse("0692 12 34 56", "FR")


@pytest.mark.parametrize("region", sorted(MOBILES))
def test_a_mobile_number_of_every_country_is_valid_and_has_zones(region: str) -> None:
    phone = parse(MOBILES[region])
    assert phone.e164 == MOBILES[region]
    assert not phone.fixed_line
    assert region in territories(phone)
    assert set(time_zones(phone)) <= available_timezones()
    assert time_zones(phone)


@given(st.sampled_from(sorted(MOBILES.values())), st.integers(0, 9), st.data())
def test_e164_is_read_as_the_free_form_would_be(mobile: str, digit: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(2, len(mobile) - 1))
    text = f"{mobile[:place]}{digit}{mobile[place + 1 :]}"
    assert _read(text) == _read(f"{text[:2]} {text[2:]}")


def _read(text: str, region: str | None = None) -> Phone | str:
    try:
        return parse(text, region)
    except NumberError as refusal:
        return refusal.code


@given(st.text() | st.text("+0123456789 ()-"), st.sampled_from([None, "FR", "US", "XX", ""]))
def test_anything_typed_is_a_number_or_a_refusal(text: str, region: str | None) -> None:
    understood = _read(text, region)
    if isinstance(understood, Phone):
        assert _read(understood.e164) == understood


def test_only_33_is_french() -> None:
    assert parse("+33612345678").is_french
    assert not parse("+262692123456").is_french


def test_a_region_is_that_of_the_territory_not_of_the_code() -> None:
    assert parse("(242) 357-1234", "US").region == "BS"
    assert parse("+262692123456").region == "RE"


def test_a_code_shared_by_territories_names_them_all() -> None:
    assert territories(parse("+590690001234")) == ("GP", "BL", "MF")
    assert territories(parse("+12125552368")) == ("US",)


def test_fixed_lines_are_known_where_the_plan_tells_them_apart() -> None:
    assert parse("+33123456789").fixed_line
    assert not parse("+12125552368").fixed_line


@pytest.mark.parametrize(
    ("e164", "zones"),
    [
        ("+33612345678", ("Europe/Paris",)),
        ("+12125552368", ("America/New_York",)),
        ("+262692123456", ("Indian/Mayotte", "Indian/Reunion")),
    ],
)
def test_zones_are_those_of_the_number(e164: str, zones: tuple[str, ...]) -> None:
    assert time_zones(parse(e164)) == zones


def test_a_number_that_may_be_anywhere_has_many_zones() -> None:
    assert len(time_zones(parse("+18005551234"))) > 30
    assert len(time_zones(parse("+61412345678"))) == 8
