"""Keywords: what a phone texts to stop, to start again or to get help; and sentences that ask to stop.

A keyword acts only where it is the whole message, however it is written. A sentence never acts: a person has
to read it. Both are data, one pack a language in `data/keywords`; the English one always works.
"""

import re
import tomllib
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

Action = Literal["stop", "start", "help"]
Answer = Literal["help_answer", "stop_confirmation"]

ALWAYS: Final = "en"


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword that was texted, in capitals as its pack has it, and what it does."""

    action: Action
    word: str


def classify(body: str, languages: Collection[str] = ()) -> Keyword | None:
    """The keyword that `body` is, in English or one of `languages`; None for any other text.

    Case, accents, full-width letters, invisible characters, and spaces, punctuation or emoji around the words
    do not matter. A word that any of the packs has for stopping stops.
    """
    return _keywords(frozenset(languages)).get(plain_words(body))


def asks_to_stop(body: str, languages: Collection[str] = ()) -> bool:
    """Whether a sentence of `body` plainly asks to be texted no more: a person should read it first."""
    asks = _asks(frozenset(languages))
    return any(asks.search(clause) for clause in _clauses(body))


def answer(purpose: Answer, language: str, company: str | None) -> str:
    """What a keyword is answered with, in the account's language, or else in English."""
    sentence = (PACKS.get(language) or PACKS[ALWAYS]).answers[purpose]
    return f"{company}: {sentence}" if company else sentence


@lru_cache(maxsize=64)
def stop_words(languages: frozenset[str]) -> frozenset[str]:
    """The keywords that stop, in English and `languages`, as `plain_words` gives them."""
    return frozenset(word for word, keyword in _keywords(languages).items() if keyword.action == "stop")


def plain_words(text: str) -> str:
    """The words of `text`, one space apart, in small letters without accents and invisible characters."""
    return " ".join(_WORD.findall(_folded(text)))


@dataclass(frozen=True, slots=True)
class Pack:
    """The words of one language."""

    words: Mapping[Action, tuple[str, ...]]
    asks: tuple[str, ...]
    """Regular expressions for a clause as `_clauses` gives it."""
    answers: Mapping[Answer, str]


@lru_cache(maxsize=64)
def _keywords(languages: frozenset[str]) -> Mapping[str, Keyword]:
    """Every keyword of those packs by its words; stopping comes last, and so has the last word."""
    order: tuple[Action, ...] = ("start", "help", "stop")
    return {
        plain_words(word): Keyword(action, word)
        for action in order
        for pack in _packs(languages)
        for word in pack.words[action]
    }


@lru_cache(maxsize=64)
def _asks(languages: frozenset[str]) -> re.Pattern[str]:
    wishes = "|".join(wish for pack in _packs(languages) for wish in pack.asks)
    return re.compile(rf"(?<![\w’])(?:{wishes})(?![\w’])")


def _packs(languages: frozenset[str]) -> list[Pack]:
    return [PACKS[language] for language in sorted(languages | {ALWAYS}) if language in PACKS]


def _clauses(body: str) -> list[str]:
    """The parts of `body` between punctuation, emoji and line ends, their words one space apart."""
    parts = _BREAK.split(_folded(body))
    return [clause for part in parts if (clause := " ".join(_JOINED.split(part)).strip())]


_WORD = re.compile(r"[^\W_]+")
_BREAK = re.compile(r"[^\w’ \-]+")
_JOINED = re.compile(r"[ _\-]+")


def _folded(text: str) -> str:
    """`text` in small letters of the plainest form, without accents and invisible characters."""
    if text.isascii():
        return text.casefold().translate(_ALIKE)
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text.translate(_ALIKE)).casefold())
    return "".join(c for c in plain if c.isascii() or unicodedata.category(c) not in _UNSEEN)


_UNSEEN: Final = frozenset({"Mn", "Me", "Cf"})
_ALIKE: Final = str.maketrans(
    {
        **dict.fromkeys("'‘ʼ`´", "’"),
        **dict.fromkeys("‐‑‒–—−", "-"),
        **dict.fromkeys("\u115f\u1160\u3164\uffa0", ""),  # letters that look like nothing
    }
)


def _pack(path: Path) -> Pack:
    """The pack in a file: `stop`, `start`, `help`, `asks` with its `parts`, `answers`."""
    data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return Pack(
        words={"stop": tuple(data["stop"]), "start": tuple(data["start"]), "help": tuple(data["help"])},
        asks=tuple(_expanded(wish, data["parts"]) for wish in data["asks"]),
        answers=data["answers"],
    )


def _expanded(wish: str, parts: Mapping[str, str]) -> str:
    return re.sub(r"<(\w+)>", lambda part: parts[part[1]], wish)


PACKS: Final[Mapping[str, Pack]] = MappingProxyType(
    {path.stem: _pack(path) for path in sorted((Path(__file__).parent / "data" / "keywords").glob("*.toml"))}
)
"""The languages there are packs for."""
