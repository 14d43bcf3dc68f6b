"""The first text: what it lacks, and the sentence that makes up for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.first_text import ADVICE, Advice, Introduction, completed, missing, sentence
from domain.keywords import PACKS, asks_to_stop, classify
from domain.segments import count

ANNA = Introduction("en", "Acme Inc.", "Anna Lee")
LANGUAGES = ["en", "fr", "de", "es", "it", "nl"]
BOTH: tuple[Advice, ...] = ("no_introduction", "no_opt_out")


@pytest.mark.parametrize(
    ("body", "lacking"),
    [
        ("Hi! Can we talk on Monday?", BOTH),
        ("Hi, Anna from Acme here. Reply STOP to opt out.", ()),
        ("Hi, this is ACME. Can we talk?", ("no_opt_out",)),
        ("Hi from Ａcme, text stop to opt out", ()),
        ("See acme.example for the job. STOP ends texts.", ()),
        ("Acmeology is great. Reply STOP", ("no_introduction",)),
        ("Hi, Anna Lee here. Reply STOP", ("no_introduction",)),
        ("Acme: meet us at the bus stop", ("no_opt_out",)),
        ("ACME: MEET US AT THE BUS STOP", ("no_opt_out",)),
        ("ACME: REPLY STOP TO OPT OUT", ()),
        ("Acme: please reply by the end of May", ("no_opt_out",)),
        ("Acme: reply with the word quit to hear no more", ()),
        ("Acme: reply “stop” and we will", ()),
        ("Acme. To unsubscribe, call us.", ()),
        ("Acme: répondez ARRÊT", ("no_opt_out",)),
    ],
)
def test_a_first_text_says_who_writes_and_how_to_hear_no_more(body: str, lacking: tuple[str, ...]) -> None:
    assert missing(body, ANNA) == lacking


def test_a_keyword_counts_where_its_pack_is_chosen() -> None:
    french = Introduction("fr", "Acme", None, frozenset({"fr"}))
    assert missing("Acme : répondez ARRÊT", french) == ()
    assert missing("Acme : ARRÊT pour finir", french) == ()


@pytest.mark.parametrize(
    ("who", "body", "lacking"),
    [
        (Introduction("en", None, "Anna Lee"), "Anna Lee here. Reply STOP", ()),
        (Introduction("en", None, "Anna Lee"), "Anna here. Reply STOP", ("no_introduction",)),
        (Introduction("en", "✨", "Anna Lee"), "Anna Lee here. Reply STOP", ()),
        (Introduction("en", None, None), "Reply STOP", ()),
        (Introduction("en", "Company", None), "The Company. Reply STOP", ()),
        (Introduction("en", "Café Zürich AG", None), "CAFE ZURICH hires. Reply STOP", ()),
        (Introduction("en", "Ben & Jerry's Co. Ltd.", None), "It's Ben & Jerry’s. Reply STOP", ()),
    ],
)
def test_the_name_to_look_for_is_the_company_or_else_the_member(
    who: Introduction, body: str, lacking: tuple[str, ...]
) -> None:
    assert missing(body, who) == lacking


@pytest.mark.parametrize(
    ("who", "text"),
    [
        (ANNA, "This is Anna Lee from Acme Inc. Reply STOP to get no more texts."),
        (Introduction("en", "Acme", None), "This is Acme. Reply STOP to get no more texts."),
        (Introduction("en", None, "Anna"), "This is Anna. Reply STOP to get no more texts."),
        (Introduction("xx", "Acme", "Anna"), "This is Anna from Acme. Reply STOP to get no more texts."),
        (
            Introduction("fr", "Acme", "Anna"),
            "Je suis Anna, de Acme. Répondez STOP pour ne plus recevoir de SMS.",
        ),
    ],
)
def test_the_sentence_is_in_the_accounts_language(who: Introduction, text: str) -> None:
    assert sentence(BOTH, who) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Can we talk?", "Can we talk? This is Anna from Acme. Reply STOP to get no more texts."),
        ("Can we talk  \n", "Can we talk\nThis is Anna from Acme. Reply STOP to get no more texts."),
        ("Acme here!", "Acme here! Reply STOP to get no more texts."),
        ("Reply STOP.", "Reply STOP. This is Anna from Acme."),
        ("Acme. Reply STOP \n", "Acme. Reply STOP \n"),
    ],
)
def test_only_what_is_missing_is_appended(body: str, text: str) -> None:
    assert completed(body, Introduction("en", "Acme", "Anna")) == text


names = st.none() | st.text(min_size=1, max_size=20).map(str.strip)


@given(st.text(max_size=60), st.sampled_from([*LANGUAGES, "xx"]), names, names)
def test_a_completed_text_lacks_nothing(
    body: str, language: str, company: str | None, member: str | None
) -> None:
    who = Introduction(language, company, member)
    assert missing(completed(body, who), who) == ()
    assert completed(completed(body, who), who) == completed(body, who)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentence_is_plain_and_short_and_never_taken_for_a_wish_to_stop(language: str) -> None:
    text = sentence(BOTH, Introduction(language, "Acme", "Anna"))
    assert count(text).encoding == "GSM-7"
    assert count(text).units <= 80
    assert classify(text, frozenset(PACKS)) is None
    assert not asks_to_stop(f"Liked “{text}”", frozenset(PACKS))


def test_all_advice_has_a_sentence() -> None:
    assert tuple(ADVICE) == BOTH
