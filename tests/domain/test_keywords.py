"""Keywords and wishes to stop, as people write them; and all that must not be taken for one."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.keywords import PACKS, Action, Answer, Keyword, answer, asks_to_stop, classify
from domain.segments import count

EVERY_PACK = frozenset(PACKS)

ENGLISH: dict[Action, list[str]] = {
    "stop": [
        "STOP",
        "STOPALL",
        "STOP ALL",
        "UNSUBSCRIBE",
        "CANCEL",
        "END",
        "QUIT",
        "REVOKE",
        "OPTOUT",
        "OPT OUT",
    ],
    "start": ["START", "YES", "UNSTOP"],
    "help": ["HELP", "INFO"],
}

SENTENCES = tomllib.loads((Path(__file__).parent / "wishes_to_stop.toml").read_text(encoding="utf-8"))


def sentences(kind: str) -> list[tuple[str, str]]:
    return [(language, sentence) for language, kinds in SENTENCES.items() for sentence in kinds[kind]]


@pytest.mark.parametrize(("action", "word"), [(a, word) for a, words in ENGLISH.items() for word in words])
def test_an_english_keyword_works_whatever_packs_there_are(action: Action, word: str) -> None:
    assert classify(word) == Keyword(action, word)
    assert classify(word, EVERY_PACK) == Keyword(action, word)


@pytest.mark.parametrize(
    "body",
    [
        "stop", "Stop.", " STOP!! ", "\tstop\r\n", "“Stop”", "(STOP)", "*stop*", "…stop…", "stóp",
        "ＳＴＯＰ", "𝗦𝗧𝗢𝗣", "ⓢⓣⓞⓟ", "🛑 STOP 🛑", "STOP 😡", "STOP 🙏🏽", "STOP\ufe0f", "STOP\u2800",
        "STOP\u3164", "S\u200bT\u200cO\u200dP", "\ufeffSTOP\u200e", "s\u00adtop",
    ],
)  # fmt: skip
def test_however_it_is_written_stop_stops(body: str) -> None:
    assert classify(body) == Keyword("stop", "STOP")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("opt-out", "OPT OUT"),
        ("Opt – Out", "OPT OUT"),
        ("opt\u00a0out", "OPT OUT"),
        ("opt   out", "OPT OUT"),
        ("OptOut", "OPTOUT"),
        ("stop\nall", "STOP ALL"),
        ("stop_all", "STOP ALL"),
    ],
)
def test_words_may_be_kept_apart_by_anything(body: str, word: str) -> None:
    assert classify(body) == Keyword("stop", word)


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "!!!",
        "👍",
        "stop by",
        "I will stop by tomorrow",
        "stop 2",
        "yes please",
        "stops",
        "stopp",
        "arret",
    ],
)
def test_anything_more_or_else_is_no_keyword(body: str) -> None:
    assert classify(body) is None


@pytest.mark.parametrize(
    ("language", "body", "keyword"),
    [
        ("fr", "ARRET", Keyword("stop", "ARRET")),
        ("fr", "Arrêt !", Keyword("stop", "ARRET")),
        ("fr", "arre\u0302t", Keyword("stop", "ARRET")),
        ("fr", "Désabonner", Keyword("stop", "DESABONNER")),
        ("fr", "stop sms", Keyword("stop", "STOP SMS")),
        ("fr", "Aide?", Keyword("help", "AIDE")),
        ("fr", "démarrer", Keyword("start", "DEMARRER")),
        ("de", "Stopp!", Keyword("stop", "STOPP")),
        ("de", "aufhoren", Keyword("stop", "AUFHÖREN")),
        ("de", "Hilfe", Keyword("help", "HILFE")),
        ("es", "baja", Keyword("stop", "BAJA")),
        ("es", "ayuda", Keyword("help", "AYUDA")),
        ("it", "aiuto", Keyword("help", "AIUTO")),
        ("nl", "afmelden", Keyword("stop", "AFMELDEN")),
    ],
)
def test_a_pack_works_where_it_is_chosen(language: str, body: str, keyword: Keyword) -> None:
    assert classify(body) is None
    assert classify(body, [language]) == keyword
    assert classify(body, {language, "en", "xx"}) == keyword


@pytest.mark.parametrize("body", ["oui", "ja", "sí", "si", "ok"])
def test_no_other_yes_than_the_english_brings_consent_back(body: str) -> None:
    assert classify(body, EVERY_PACK) is None


def test_no_word_both_stops_and_starts() -> None:
    for pack in PACKS.values():
        for action, words in pack.words.items():
            for word in words:
                found = classify(word, EVERY_PACK)
                assert found is not None
                assert found.action == action


around = st.text(st.sampled_from(" .,!?…-–\t\n\u00a0\u200b\u200d🙂🛑"), max_size=5)


@given(st.sampled_from([(a, w) for a, words in ENGLISH.items() for w in words]), st.data(), around, around)
def test_case_and_what_surrounds_a_keyword_do_not_matter(
    keyword: tuple[Action, str], data: st.DataObject, before: str, after: str
) -> None:
    action, word = keyword
    written = "".join(
        data.draw(st.sampled_from([c.lower(), c, chr(ord(c) + 0xFEE0 * (c != " "))])) for c in word
    )
    assert classify(before + written + after) == Keyword(action, word)


@given(st.text())
def test_nothing_that_a_phone_can_send_is_an_error(body: str) -> None:
    classify(body, EVERY_PACK)
    asks_to_stop(body, EVERY_PACK)


@pytest.mark.parametrize(("language", "sentence"), sentences("asks"))
def test_a_plain_wish_to_stop_is_noticed(language: str, sentence: str) -> None:
    assert asks_to_stop(sentence, [language])
    assert asks_to_stop(f"Hello 🙂 {sentence.upper()}\nThanks", EVERY_PACK)


@pytest.mark.parametrize(("language", "sentence"), sentences("ordinary"))
def test_an_ordinary_sentence_is_not_taken_for_a_wish_to_stop(language: str, sentence: str) -> None:
    assert not asks_to_stop(sentence, [language])
    assert not asks_to_stop(sentence, EVERY_PACK)


def test_other_languages_are_noticed_only_where_chosen() -> None:
    assert not asks_to_stop("Laissez-moi tranquille")
    assert asks_to_stop("please stop texting me", ["fr"])


@pytest.mark.parametrize("purpose", ["help_answer", "stop_confirmation"])
@pytest.mark.parametrize("language", sorted(PACKS))
def test_an_answer_is_one_plain_text_and_no_keyword_itself(purpose: Answer, language: str) -> None:
    text = answer(purpose, language, "Acme")
    assert text.startswith("Acme: ")
    assert (count(text).encoding, count(text).segments) == ("GSM-7", 1)
    assert classify(text, EVERY_PACK) is None
    assert not asks_to_stop(text, EVERY_PACK)


def test_an_answer_without_a_pack_is_in_english_and_needs_no_company() -> None:
    assert answer("help_answer", "xx", None) == answer("help_answer", "en", None)
    assert "STOP" in answer("help_answer", "en", None)
    assert "START" in answer("stop_confirmation", "en", None)
