"""How a text is split into SMS segments, and what makes it dearer than it need be.

A text goes out in the GSM 7-bit alphabet if every character is in it (3GPP TS 23.038, 6.2.1), else whole in
UCS-2. A long text is cut into segments, each with a header that costs some room (3GPP TS 23.040, 9.2.3.24.1).
Two units that make one character, an escape pair or a surrogate pair, always share a segment.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

TEXT_UNITS_MAX: Final = 1_400  # septets or UTF-16 units, whichever the text needs

SINGLE_SEPTETS_MAX: Final = 160  # 140 octets of 8 bits hold 160 of 7
SEGMENT_SEPTETS_MAX: Final = 153  # 160 less the 7 of the header
SINGLE_UTF16_UNITS_MAX: Final = 70  # 140 octets
SEGMENT_UTF16_UNITS_MAX: Final = 67  # 140 octets less the 6 of the header

Encoding = Literal["GSM-7", "UCS-2"]

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = "\f^{}\\[~]|€"  # each costs an escape and a septet

_NOT_BASIC = re.compile(f"[^{re.escape(_BASIC)}]")
_NOT_GSM = re.compile(f"[^{re.escape(_BASIC + _EXTENDED)}]")
_ESCAPED = re.compile(f"[{re.escape(_EXTENDED)}]")
_SURROGATE_PAIRED = re.compile("[\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text costs. `units` are septets (GSM-7) or UTF-16 units (UCS-2); each segment is one credit.

    `units_left` still fit before another segment is needed.
    """

    encoding: Encoding
    units: int
    segments: int
    units_left: int

    @property
    def too_long(self) -> bool:
        """Whether the text is over the limit of `TEXT_UNITS_MAX`."""
        return self.units > TEXT_UNITS_MAX


_cost = lru_cache(maxsize=4_096)(Segments)  # frozen and few: making one anew is half the price of counting


def count(body: str) -> Segments:
    """How the network will split `body`: its encoding, units (septets or UTF-16 units) and segments.

    Never fails; an empty body is zero segments of GSM-7. A text of `TEXT_UNITS_MAX` is at most 10 segments of
    GSM-7 or 22 of UCS-2. Follows 3GPP TS 23.038 and TS 23.040.
    """
    unusual = _NOT_BASIC.search(body)
    if unusual is None:
        return _packed("GSM-7", body, None, SINGLE_SEPTETS_MAX, SEGMENT_SEPTETS_MAX)
    if _NOT_GSM.search(body, unusual.start()) is None:
        return _packed("GSM-7", body, _ESCAPED, SINGLE_SEPTETS_MAX, SEGMENT_SEPTETS_MAX)
    return _packed("UCS-2", body, _SURROGATE_PAIRED, SINGLE_UTF16_UNITS_MAX, SEGMENT_UTF16_UNITS_MAX)


def _packed(
    encoding: Encoding, body: str, paired: re.Pattern[str] | None, single_max: int, segment_max: int
) -> Segments:
    """`body` in segments of `segment_max` units, unless one of `single_max` holds it; `paired` cost two."""
    pairs = [match.start() for match in paired.finditer(body)] if paired else []
    units = len(body) + len(pairs)
    if units <= single_max:
        return _cost(encoding, units, 1 if units else 0, single_max - units)
    filled = units + _padding(pairs, segment_max)
    segments = -(-filled // segment_max)
    return _cost(encoding, units, segments, segments * segment_max - filled)


def _padding(pairs: list[int], segment_max: int) -> int:
    """Units left empty because a pair would have straddled the end of its segment."""
    padding = 0
    for pairs_before, index in enumerate(pairs):
        if (index + pairs_before + padding) % segment_max == segment_max - 1:
            padding += 1
    return padding


@dataclass(frozen=True, slots=True)
class Forcing:
    """A character that GSM-7 lacks, its Unicode name, its places in the body, and what could stand for it."""

    character: str
    name: str
    positions: tuple[int, ...]
    swap: str | None


@dataclass(frozen=True, slots=True)
class Swaps:
    """A body with its forcing characters replaced, and what it costs before and after."""

    body: str
    before: Segments
    after: Segments

    @property
    def saved(self) -> int:
        """Segments saved; never negative."""
        return self.before.segments - self.after.segments


def forcing(body: str) -> tuple[Forcing, ...]:
    """The characters that force `body` into UCS-2, in order of first appearance.

    Positions are indices into the str: a character beyond the BMP is one, though it costs two units.
    """
    positions: dict[str, list[int]] = {}
    for match in _NOT_GSM.finditer(body):
        positions.setdefault(match.group(), []).append(match.start())
    return tuple(
        Forcing(character, _name(character), tuple(places), _swap(character))
        for character, places in positions.items()
    )


def swaps(body: str) -> Swaps:
    """`body` with every forcing character replaced by its likeness in GSM-7.

    The body stays as it is where that cannot be had whole (a half swap leaves UCS-2) or would cost more.
    """
    before = count(body)
    if before.encoding == "GSM-7":
        return Swaps(body, before, before)
    swapped = _NOT_GSM.sub(lambda match: _likeness(match.group()), unicodedata.normalize("NFC", body))
    after = count(swapped)
    if after.encoding == "UCS-2" or after.segments > before.segments:
        return Swaps(body, before, before)
    return Swaps(swapped, before, after)


_LIKENESSES: Final = {
    **dict.fromkeys("‘’‚‛′‵`´ʼ‹›", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‒–—―−", "-"),
    **dict.fromkeys("•‣∙◦", "*"),
    **dict.fromkeys("\t\u1680", " "),
    **dict.fromkeys("\v\u0085\u2028\u2029", "\n"),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufe0f\ufeff", ""),
    **dict(zip("·×÷⁄ıłŁđĐ", ".x//ilLdD", strict=True)),
    "œ": "oe",
    "Œ": "OE",
}
"""Beyond what Unicode's own compatible forms give (NBSP to space, … to ..., ç to c and an accent to drop)."""


def _name(character: str) -> str:
    """Its Unicode name, or its code point: controls and lone surrogates have no name."""
    return unicodedata.name(character, f"U+{ord(character):04X}")


def _swap(character: str) -> str | None:
    """GSM-7's likeness of `character`: by the table, else its compatible form without accents; or None.

    Invisible characters and lone accents go: their swap is the empty string.
    """
    if character in _LIKENESSES:
        return _LIKENESSES[character]
    parts = unicodedata.normalize("NFKD", character)
    plain = "".join(_LIKENESSES.get(part, part) for part in parts if not unicodedata.combining(part))
    return plain if _NOT_GSM.search(plain) is None else None


def _likeness(character: str) -> str:
    swap = _swap(character)
    return character if swap is None else swap
