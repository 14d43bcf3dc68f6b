"""How many segments the carrier bills: a second opinion, written apart from the product's own count.

3GPP TS 23.038 (alphabet), TS 23.040 9.2.3.24.1 (concatenation): a character is never split.
"""

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_EXTENSION = frozenset("\f^{}\\[~]|€")


def billed_segments(body: str) -> int:
    """Segments for `body`; an empty one is billed as one."""
    if set(body) <= GSM_7 | GSM_7_EXTENSION:
        return _fill([2 if c in GSM_7_EXTENSION else 1 for c in body], single=160, each=153)
    return _fill([2 if ord(c) > 0xFFFF else 1 for c in body], single=70, each=67)


def _fill(sizes: list[int], single: int, each: int) -> int:
    if sum(sizes) <= single:
        return 1
    segments, used = 1, 0
    for size in sizes:
        if used + size > each:
            segments, used = segments + 1, 0
        used += size
    return segments
