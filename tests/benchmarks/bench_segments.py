"""How many texts a second the segment counter counts, on one core."""

import random
from time import perf_counter

from domain.segments import count
from tests.benchmarks.result import Result

TEXTS = 200_000
UCS2_SHARE = 0.08  # texts of recruiters with an emoji or a typographic quote in them
SENTENCE = "hi thanks for your application, we would like to meet you on Monday at 10 in our office or café"
WORDS = tuple(SENTENCE.split(" "))


def run() -> list[Result]:
    """Texts counted a second, for recruiters' texts of about 120 characters, a few of them in UCS-2."""
    bodies = texts(TEXTS)
    started = perf_counter()
    for body in bodies:
        count(body)
    elapsed_s = perf_counter() - started
    return [Result("texts counted", len(bodies) / elapsed_s, "texts/s", 200_000)]


def texts(number: int) -> list[str]:
    """`number` different texts, the same at every run; one in ten is long, some hold a euro or an emoji."""
    chance = random.Random(7)
    return [_text(chance) for _ in range(number)]


def _text(chance: random.Random) -> str:
    length = chance.randint(200, 500) if chance.random() < 0.1 else chance.randint(20, 150)
    words: list[str] = []
    while sum(map(len, words)) + len(words) < length:
        words.append(chance.choice(WORDS))
    if chance.random() < UCS2_SHARE:
        words[chance.randrange(len(words))] = chance.choice(["👋", "we’ll", "“you”", "ça"])
    if chance.random() < 0.1:
        words[chance.randrange(len(words))] = "15€"
    return " ".join(words)
