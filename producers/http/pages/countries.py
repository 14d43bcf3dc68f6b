"""Countries and languages by their English names, for people to choose from."""

from dataclasses import dataclass
from functools import cache

import phonenumbers
from babel import Locale
from babel.numbers import get_territory_currencies

_ENGLISH = Locale("en")


@dataclass(frozen=True, slots=True)
class Country:
    """A country or territory with phone numbers of its own."""

    code: str
    """ISO 3166-1 alpha-2."""
    name: str
    calling_code: int
    currency: str | None
    """ISO 4217; what is paid with there."""


@cache
def countries() -> tuple[Country, ...]:
    """Every country, by name."""
    every = (_country(code) for code in phonenumbers.SUPPORTED_REGIONS)
    return tuple(sorted(every, key=lambda country: country.name))


def country_name(code: str | None) -> str:
    """The English name of `code`; the code itself where there is none."""
    return str(_ENGLISH.territories.get(code, code or "Unknown country"))


def language_name(code: str) -> str:
    """The English name of an ISO 639-1 `code`."""
    return str(_ENGLISH.languages.get(code, code))


def display(number: str) -> str:
    """`number` (E.164) as people write it internationally; anything else as it is."""
    if not number.startswith("+"):
        return number
    return phonenumbers.format_number(
        phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )


def _country(code: str) -> Country:
    currencies = get_territory_currencies(code)
    return Country(
        code=code,
        name=country_name(code),
        calling_code=phonenumbers.country_code_for_region(code),
        currency=currencies[0] if currencies else None,
    )
