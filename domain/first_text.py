"""The first text to a number: whether it says who writes, and how to hear no more.

Carriers ask for both of a first text. What is missing is only advice; the account decides what becomes of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal

from domain.keywords import plain_words, stop_words

Advice = Literal["no_introduction", "no_opt_out"]

ADVICE: Final[Mapping[Advice, str]] = MappingProxyType(
    {
        "no_introduction": "Say who writes: it is the first text to this number.",
        "no_opt_out": "Say how to hear no more: it is the first text to this number.",
    }
)


@dataclass(frozen=True, slots=True)
class Introduction:
    """Who a first text should say is writing, and what the candidate can answer to hear no more."""

    language: str
    """Of the sentences to add; English where there are none in it."""
    company: str | None
    member: str | None
    keyword_packs: frozenset[str] = frozenset()


def missing(body: str, who: Introduction) -> tuple[Advice, ...]:
    """What `body` lacks as a first text: the company's name (or else the member's), and a way out.

    Where no name is known, there is nothing to look for, and no introduction is missed.
    """
    advice: list[Advice] = []
    words = plain_words(body)
    name = _name(who.company) or _name(who.member)
    if name and f" {name} " not in f" {words} ":
        advice.append("no_introduction")
    if not (_shouts_a_keyword(body, who.keyword_packs) or _invitation(who.keyword_packs).search(words)):
        advice.append("no_opt_out")
    return tuple(advice)


def sentence(lacking: tuple[Advice, ...], who: Introduction) -> str:
    """What makes up for what is `lacking`, in the account's language; empty where nothing is."""
    phrases = _PHRASES.get(who.language) or _PHRASES["en"]
    parts: list[str] = []
    if "no_introduction" in lacking:
        parts.append(phrases.introduction(who))
    if "no_opt_out" in lacking:
        parts.append(phrases.way_out)
    return " ".join(parts)


def completed(body: str, who: Introduction) -> str:
    """`body` with a sentence for what it lacks, and for nothing else, at its end."""
    addition = sentence(missing(body, who), who)
    if not addition:
        return body
    text = body.rstrip()
    gap = " " if text.endswith(_ENDS) else "\n"
    return text + gap + addition


_ENDS: Final = (".", "!", "?", "…", ":")


@dataclass(frozen=True, slots=True)
class _Phrases:
    """The sentences of one language, in letters that GSM-7 has."""

    member_of_company: str
    one_name: str
    way_out: str

    def introduction(self, who: Introduction) -> str:
        if _name(who.company) and _name(who.member):
            return _ended(self.member_of_company.format(member=who.member, company=who.company))
        return _ended(self.one_name.format(name=who.company if _name(who.company) else who.member))


def _ended(text: str) -> str:
    """With one full stop at the end, where a name such as Acme Inc. brings its own."""
    return text.rstrip(".") + "."


_PHRASES: Final[Mapping[str, _Phrases]] = MappingProxyType(
    {
        "en": _Phrases(
            "This is {member} from {company}.", "This is {name}.", "Reply STOP to get no more texts."
        ),
        "fr": _Phrases(
            "Je suis {member}, de {company}.", "Ici {name}.", "Répondez STOP pour ne plus recevoir de SMS."
        ),
        "de": _Phrases(
            "Hier schreibt {member} von {company}.",
            "Hier schreibt {name}.",
            "Antworten Sie STOP, um keine SMS mehr zu erhalten.",
        ),
        "es": _Phrases(
            "Soy {member}, de {company}.", "Le escribe {name}.", "Responda STOP para dejar de recibir SMS."
        ),
        "it": _Phrases(
            "Sono {member} di {company}.", "Le scrive {name}.", "Risponda STOP per non ricevere altri SMS."
        ),
        "nl": _Phrases(
            "Dit is {member} van {company}.", "Dit is {name}.", "Antwoord STOP om geen sms meer te ontvangen."
        ),
    }
)


@lru_cache(maxsize=1_024)
def _name(name: str | None) -> str:
    """The words by which a name is recognised, a company's without its legal form; empty if it has none."""
    return _LEGAL_FORM.sub("", plain_words(name or ""))


_LEGAL_FORM = re.compile(
    "(?: (?:ab|ag|as|bv|co|company|corp|corporation|gmbh|inc|incorporated|kg|limited|llc|llp|lp|ltd|nv|oy|plc"
    "|pty|sa|sarl|sas|se|sl|spa|srl))+$"
)


def _shouts_a_keyword(body: str, packs: frozenset[str]) -> bool:
    """Whether a stop keyword stands in capitals among small letters: a bus stop does not."""
    capitals = {plain_words(word) for word in _WORD.findall(body) if word.isupper()}
    return not body.isupper() and not capitals.isdisjoint(stop_words(packs))


_WORD = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=64)
def _invitation(packs: frozenset[str]) -> re.Pattern[str]:
    """The invitation to answer a stop keyword, as `plain_words` gives it."""
    keywords = "|".join(sorted(map(re.escape, stop_words(packs)), key=len, reverse=True))
    return re.compile(rf"\b(?:(?:{_VERBS}) (?:(?:{_FILLERS}) ){{0,3}}(?:{keywords})|unsubscribe|opt out)\b")


_VERBS: Final = (
    "reply|text|txt|send|respond|answer|repondez|reponds|repondre|envoyez|envoie|antworten|antworte|senden|sende|"
    "schreiben|responda|responde|envie|envia|risponda|rispondi|invii|invia|antwoord|stuur|sms"
)
_FILLERS: Final = "back|with|just|simply|the|word|sie|bitte|mit|par|avec|le|mot|con|met"
