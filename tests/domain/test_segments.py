"""Segments: the standard's sums, and a reference that packs one character at a time."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.segments import TEXT_UNITS_MAX, Segments, count, forcing, swaps

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = "\f^{}\\[~]|€"


def packed(sizes: list[int], single_max: int, segment_max: int) -> tuple[int, int]:
    """Segments, and units left in the last: the obvious way, one character at a time."""
    if sum(sizes) <= single_max:
        return (1 if sizes else 0), single_max - sum(sizes)
    segments, left = 1, segment_max
    for size in sizes:
        if size > left:
            segments, left = segments + 1, segment_max
        left -= size
    return segments, left


def reference(body: str) -> Segments:
    if all(character in BASIC + EXTENDED for character in body):
        sizes = [2 if character in EXTENDED else 1 for character in body]
        return Segments("GSM-7", sum(sizes), *packed(sizes, 160, 153))
    sizes = [2 if ord(character) > 0xFFFF else 1 for character in body]
    return Segments("UCS-2", sum(sizes), *packed(sizes, 70, 67))


def bodies() -> st.SearchStrategy[str]:
    """Texts around the edges of segments: long runs of one character with others strewn in."""
    run = st.builds(lambda c, n: c * n, st.sampled_from("a€é😀ç"), st.integers(0, 170))
    parts = run | st.text(BASIC + EXTENDED, max_size=20) | st.text(max_size=5)
    return st.lists(parts, max_size=8).map("".join)


@given(bodies())
@example("a" * 152 + "€" + "a" * 152)
@example("ç" + "a" * 65 + "😀" * 40)
@example("\ud83d lone surrogate")
def test_the_count_agrees_with_packing_one_character_at_a_time(body: str) -> None:
    assert count(body) == reference(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", Segments("GSM-7", 0, 0, 160)),
        ("a", Segments("GSM-7", 1, 1, 159)),
        ("a" * 160, Segments("GSM-7", 160, 1, 0)),
        ("a" * 161, Segments("GSM-7", 161, 2, 145)),
        ("a" * 306, Segments("GSM-7", 306, 2, 0)),
        ("a" * 307, Segments("GSM-7", 307, 3, 152)),
        ("€" * 80, Segments("GSM-7", 160, 1, 0)),
        ("€" * 81, Segments("GSM-7", 162, 2, 143)),
        ("a" * 152 + "€" + "a" * 151, Segments("GSM-7", 305, 2, 0)),
        ("a" * 152 + "€" + "a" * 152, Segments("GSM-7", 306, 3, 152)),
        ("\r\n" * 80, Segments("GSM-7", 160, 1, 0)),
        ("\r\n" * 81, Segments("GSM-7", 162, 2, 144)),
        ("ç" * 70, Segments("UCS-2", 70, 1, 0)),
        ("ç" * 71, Segments("UCS-2", 71, 2, 63)),
        ("😀" * 35, Segments("UCS-2", 70, 1, 0)),
        ("😀" * 36, Segments("UCS-2", 72, 2, 61)),
        ("ç" * 66 + "😀" + "ç" * 65, Segments("UCS-2", 133, 2, 0)),
        ("ç" * 66 + "😀" + "ç" * 66, Segments("UCS-2", 134, 3, 66)),
    ],
)
def test_a_text_costs_what_the_standard_says(body: str, expected: Segments) -> None:
    assert count(body) == expected


@pytest.mark.parametrize("character", [*BASIC])
def test_a_basic_character_is_one_septet(character: str) -> None:
    assert count(character) == Segments("GSM-7", 1, 1, 159)


@pytest.mark.parametrize("character", [*EXTENDED])
def test_an_extended_character_is_two_septets(character: str) -> None:
    assert count(character) == Segments("GSM-7", 2, 1, 158)


@pytest.mark.parametrize("character", ["ç", "`", "\t", "\u00a0", "ê", "’", "\x1b", "\x00", "\u200b"])
def test_any_other_character_makes_the_whole_text_ucs2(character: str) -> None:
    assert count("Hello" + character).encoding == "UCS-2"


@pytest.mark.parametrize(("character", "segments"), [("a", 10), ("€", 10), ("ç", 21), ("😀", 22)])
def test_the_longest_text_has_at_most_22_segments(character: str, segments: int) -> None:
    longest = character * (TEXT_UNITS_MAX // count(character).units)
    assert count(longest).segments == segments
    assert not count(longest).too_long
    assert count(longest + character).too_long


def test_forcing_characters_come_with_name_places_and_swap() -> None:
    found = forcing("\t“Ça va” — ça … ça 😀")
    assert [(f.character, f.name, f.positions, f.swap) for f in found] == [
        ("\t", "U+0009", (0,), " "),
        ("“", "LEFT DOUBLE QUOTATION MARK", (1,), '"'),
        ("”", "RIGHT DOUBLE QUOTATION MARK", (7,), '"'),
        ("—", "EM DASH", (9,), "-"),
        ("ç", "LATIN SMALL LETTER C WITH CEDILLA", (11, 16), "c"),
        ("…", "HORIZONTAL ELLIPSIS", (14,), "..."),
        ("😀", "GRINNING FACE", (19,), None),
    ]


def test_a_gsm_text_has_nothing_forcing_and_nothing_to_swap() -> None:
    body = "Déjà vu {€}"
    assert forcing(body) == ()
    assert swaps(body).body == body
    assert swaps(body).saved == 0


@pytest.mark.parametrize(
    ("body", "swapped"),
    [
        ("It’s “fine” – really…", 'It\'s "fine" - really...'),
        ("a\u00a0b\tc\u202fd", "a b c d"),
        ("Français, `ok´", "Francais, 'ok'"),
        ("cœur, Łódź, fête", "coeur, Lodz, fete"),
        ("e\u0301te\u0301", "été"),
        ("q\u0301", "q"),
        ("in\u200bvi\ufeffsible\u00ad", "invisible"),
        ("ＦＵＬＬ ½ ™", "FULL 1/2 TM"),
        ("• one\u2028• two", "* one\n* two"),
    ],
)
def test_swapping_gives_the_likeness_in_gsm(body: str, swapped: str) -> None:
    assert swaps(body).body == swapped
    assert swaps(body).after.encoding == "GSM-7"


def test_swapping_says_what_it_saves() -> None:
    swap = swaps("’" + "a" * 159)
    assert (swap.before, swap.after) == (Segments("UCS-2", 160, 3, 41), Segments("GSM-7", 160, 1, 0))
    assert swap.saved == 2


@pytest.mark.parametrize("body", ["It’s great 😀", "Привет’", "…" * 70])
def test_a_swap_that_cannot_be_whole_or_would_cost_more_leaves_the_text(body: str) -> None:
    assert swaps(body).body == body
    assert swaps(body).saved == 0


@given(bodies())
def test_a_swap_never_costs_more_and_is_swapped_out(body: str) -> None:
    swap = swaps(body)
    assert swap.saved >= 0
    assert swap.after == count(swap.body)
    assert swaps(swap.body).body == swap.body


@given(bodies())
def test_forcing_finds_every_character_outside_gsm(body: str) -> None:
    places = sorted(place for found in forcing(body) for place in found.positions)
    assert places == [place for place, character in enumerate(body) if character not in BASIC + EXTENDED]
    assert all(found.swap is None or count(found.swap).encoding == "GSM-7" for found in forcing(body))
