"""Which networks put another sender in the place of ours, by country."""

import csv
from functools import cache
from pathlib import Path

import phonenumbers

import domain

COUNTRIES = Path(domain.__file__).parent / "data" / "countries.csv"


def overwritten(sender: str, to: str) -> str | None:
    """What a phone in a country that overwrites senders shows in place of `sender`; None where it is kept."""
    there = _region(to)
    column = "domestic_long_code" if _region(sender) == there else "international_long_code"
    if _countries().get(there, {}).get(column) != "overwritten":
        return None
    return str(10_000 + int(to[1:]) % 90_000)  # a short code of the network's own


@cache
def _countries() -> dict[str, dict[str, str]]:
    with COUNTRIES.open(encoding="utf-8", newline="") as rows:
        return {row["region"]: row for row in csv.DictReader(rows)}


@cache
def _region(number: str) -> str:
    if not number.startswith("+"):
        return ""
    return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
