"""Phone numbers: what people type, as E.164, or a clear no.

Valid means valid by the numbering plans that `phonenumbers` carries, not merely possible: the two differ on a
fifth of what people type. Where a number could be somebody else's in another country, we ask and never guess.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumber, PhoneNumberFormat, PhoneNumberType
from phonenumbers.phonenumber import CountryCodeSource
from phonenumbers.timezone import time_zones_for_number

NUMBER_CHARACTERS_MAX: Final = 64
CACHE_MAX: Final = 65_536  # numbers; about 30 MB when full, their zones included

FRANCE_CODE: Final = 33

NumberProblem = Literal[
    "number_invalid", "number_ambiguous", "number_region_needed", "number_cannot_be_texted"
]


class NumberError(ValueError):
    """Why what was typed is no number to text. Holds nothing of the number itself.

    Attributes:
        code: stable, for machines.
        detail: what is wrong, for whoever corrects it.
    """

    def __init__(self, code: NumberProblem, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code: NumberProblem = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Phone:
    """A valid number in E.164, and the country (ISO 3166-1) it most likely belongs to: see `territories`.

    `fixed_line` is said only of numbers that are certainly not mobile; some of them take texts all the same.
    """

    e164: str
    region: str
    country_code: int
    fixed_line: bool

    @property
    def is_french(self) -> bool:
        """Whether it is a +33 number. France's overseas territories have codes of their own."""
        return self.country_code == FRANCE_CODE


def parse(text: str, region: str | None = None) -> Phone:
    """The number that `text` means, typed in `region` (ISO 3166-1) where it has no country code.

    Digits of any script, invisible characters and usual punctuation are understood; letters and extensions
    are not. Parsed numbers are cached, since the same ones come again and again.

    Raises:
        NumberError: `number_invalid`; `number_ambiguous` where the national form is a number of more than one
            country; `number_region_needed` where it lacks a country code and `region` is not known;
            `number_cannot_be_texted` for kinds of numbers that are nobody's phone.
    """
    return _parsed(text, region)


def territories(phone: Phone) -> tuple[str, ...]:
    """Every region `phone` may belong to, the likeliest first: +262 is Réunion's and Mayotte's alike."""
    number = phonenumbers.parse(phone.e164)
    sharing = phonenumbers.region_codes_for_country_code(phone.country_code)
    others = [r for r in sharing if r != phone.region and phonenumbers.is_valid_number_for_region(number, r)]
    return (phone.region, *others)


def time_zones(phone: Phone) -> tuple[str, ...]:
    """The IANA zones `phone` may be in, sorted: one for most, 42 if US toll-free, none if unknown."""
    return _time_zones(phone.e164)


@lru_cache(maxsize=CACHE_MAX)
def _time_zones(e164: str) -> tuple[str, ...]:
    zones = time_zones_for_number(phonenumbers.parse(e164))
    return tuple(sorted(zone for zone in zones if zone != "Etc/Unknown"))


@lru_cache(maxsize=CACHE_MAX)
def _parsed(text: str, region: str | None) -> Phone:
    phone = _as_e164(text) if _E164.fullmatch(text) else None
    return phone or _as_typed(_plain(text), region)


_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def _as_e164(text: str) -> Phone | None:
    """`text` digit by digit, if that is a valid number: half the price of reading what people type."""
    for end in (2, 3, 4):
        country_code = int(text[1:end])
        if country_code in COUNTRY_CODE_TO_REGION_CODE and text[end] != "0":
            return _valid(PhoneNumber(country_code=country_code, national_number=int(text[end:])))
    return None


def _valid(number: PhoneNumber) -> Phone | None:
    """The phone of that number, if it is valid.

    Raises:
        NumberError: `number_cannot_be_texted`.
    """
    kind = phonenumbers.number_type(number)
    region = phonenumbers.region_code_for_number(number)
    if region is None or kind == PhoneNumberType.UNKNOWN:
        return None
    if kind in _NOBODYS_PHONE or region == _NO_COUNTRY:
        raise NumberError("number_cannot_be_texted", "this kind of number is nobody's phone")
    return Phone(
        e164=phonenumbers.format_number(number, PhoneNumberFormat.E164),
        region=region,
        country_code=number.country_code or 0,
        fixed_line=kind == PhoneNumberType.FIXED_LINE,
    )


_NOBODYS_PHONE: Final = frozenset(
    {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.VOICEMAIL}
)
"""What certainly receives no texts. Fixed lines, toll-free and internet numbers may: the carrier knows."""

_NO_COUNTRY: Final = "001"  # the code of networks that are nowhere: there is no country to allow a text


def _plain(text: str) -> str:
    """`text` in ASCII: digits of any script, dashes and spaces made plain, invisible characters left out.

    Raises:
        NumberError: where something does not belong in a number, such as a letter or an extension.
    """
    if len(text) > NUMBER_CHARACTERS_MAX:
        raise NumberError("number_invalid", f"it is longer than {NUMBER_CHARACTERS_MAX} characters")
    plain = "".join(map(_plain_character, unicodedata.normalize("NFKC", text)))
    if not _TYPED.fullmatch(plain):
        raise NumberError("number_invalid", "a number has digits, spaces and + ( ) . - / and nothing else")
    return plain


_TYPED = re.compile(r"\s*(?:tel:)?[\s(]*\+?[0-9\s().\-/]*", re.IGNORECASE)


def _plain_character(character: str) -> str:
    match unicodedata.category(character):
        case "Cf":
            return ""
        case "Nd":
            return str(unicodedata.decimal(character))
        case "Pd":
            return "-"
        case _:
            return " " if character.isspace() else character.replace("\N{MINUS SIGN}", "-")


def _as_typed(text: str, region: str | None) -> Phone:
    """The number that `text` means, typed in `region`.

    Raises:
        NumberError: where there is none, or more than one.
    """
    try:
        number = phonenumbers.parse(text, region, keep_raw_input=True)
    except phonenumbers.NumberParseException as problem:
        if problem.error_type == problem.INVALID_COUNTRY_CODE and "+" not in text:
            raise NumberError("number_region_needed", "it has no country code") from None
        raise NumberError("number_invalid", "it is not a phone number") from None
    if number.country_code_source == CountryCodeSource.FROM_DEFAULT_COUNTRY:
        _require_one_country(text, number)
    phone = _valid(number)
    if phone is None:
        raise NumberError("number_invalid", "no country has such a number")
    return phone


_FRENCH_PLANS: Final = ("FR", "GF", "GP", "MQ", "PM", "RE")
"""A region for each code of the French plans: +33, 594, 590, 596, 508, 262. All dial the same ten digits."""


def _require_one_country(text: str, number: PhoneNumber) -> None:
    """Refuse a national form that is a number under another French code: 0692 12 34 56 is +262's, not +33's.

    Raises:
        NumberError: `number_ambiguous`.
    """
    if phonenumbers.region_code_for_country_code(number.country_code or 0) not in _FRENCH_PLANS:
        return
    others = (phonenumbers.parse(text, region) for region in _FRENCH_PLANS)
    codes = [o.country_code for o in others if phonenumbers.is_valid_number(o)]
    if any(code != number.country_code for code in codes):
        fitting = ", ".join(f"+{code}" for code in codes)
        raise NumberError("number_ambiguous", f"add the country code: it fits {fitting}")
