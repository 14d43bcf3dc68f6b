"""Keywords from the candidate's phone, however they are written; and sentences that plainly ask to stop."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from deploy.clock import utc_now
from deploy.simulator.settings import OptOut, SimulatorSettings
from tests.support.office import Office, Person, office_hours, open_office, quick
from tests.support.sayso import System, eventually, running

STOPS = [
    "STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT", "STOP ALL",
    "revoke",
]  # fmt: skip
SPELLINGS = [
    "stop",
    "Stop.",
    " STOP!! ",
    "\n\tstop\r\n",
    "“Stop”",
    "S\u200bT\u200dO\ufeffP",  # zero-width space and joiner, byte order mark
    "\u202eSTOP\u202c",  # set right to left, and back
    "\uff33\uff34\uff2f\uff30",  # full-width letters
    "\uff33\uff54\uff4f\uff50\uff01",
    "ＳＴＯＰ　ＡＬＬ",  # with an ideographic space
    "opt-out",
    "🛑 STOP 🛑",
]


@pytest.fixture
def ada(shared_office: Office) -> Person:
    return shared_office.candidate()


# --- stop, start, help ----------------------------------------------------------------------------


@pytest.mark.parametrize("body", STOPS + SPELLINGS)
def test_a_stop_keyword_revokes_however_it_is_written(ada: Person, body: str) -> None:
    message = ada.writes(body)
    assert (message["kind"], message["action"], message["body"]) == ("keyword", "stop", body)
    assert ada.consent()["status"] == "revoked"
    assert ada.office.boss.refused("send-text", **ada.at, body="Hi") == "revoked_by_keyword"


@pytest.mark.parametrize("body", ["START", "YES", "UNSTOP", "start.", " Yes! ", "\uff39\uff25\uff33"])
@pytest.mark.parametrize("before", ["not_given", "withdrawn", "revoked"])
def test_a_start_keyword_grants(ada: Person, body: str, before: str) -> None:
    person = ada.office.candidate(consent=before != "not_given")
    if before == "withdrawn":
        ada.office.boss.accepted("withdraw-consent", **person.at)
    if before == "revoked":
        person.writes("STOP")
    assert person.consent()["status"] == before
    message = person.writes(body)
    assert (message["kind"], message["action"]) == ("keyword", "start")
    consent = person.consent()
    assert (consent["status"], consent["evidence"]["how"]) == ("granted", "keyword")
    person.gets()


@pytest.mark.parametrize("body", ["HELP", "INFO", "help?", "Info!"])
@pytest.mark.parametrize("consent", [True, False])
def test_help_changes_nothing(shared_office: Office, body: str, consent: bool) -> None:
    person = shared_office.candidate(consent=consent)
    before = person.consent()
    message = person.writes(body)
    assert (message["kind"], message["action"]) == ("keyword", "help")
    assert person.consent() == before


def test_yes_is_an_ordinary_answer_while_consent_stands(ada: Person) -> None:
    message = ada.writes("Yes!")
    assert (message["kind"], message["action"]) == ("reply", None)
    assert [step["kind"] for step in ada.consent()["history"]].count("granted") == 1


def test_the_keyword_stands_in_the_thread_as_it_was_written(ada: Person) -> None:
    message = ada.writes(" stop!! ")
    assert (message["keyword"], message["body"], message["status"]) == ("STOP", " stop!! ", "received")
    assert ada.messages()[0] == message
    assert message["unread"]


def test_a_second_stop_stands_in_the_thread_and_revokes_nothing_twice(ada: Person) -> None:
    ada.writes("STOP")
    ada.writes("STOP!")
    assert [one["kind"] for one in ada.messages()] == ["keyword", "keyword"]
    assert [step["kind"] for step in ada.consent()["history"]].count("revoked") == 1


def test_stop_counts_where_nobody_ever_agreed(shared_office: Office) -> None:
    person = shared_office.candidate(consent=False)
    person.writes("STOP")
    assert person.consent()["status"] == "revoked"


def test_stop_counts_from_a_number_that_is_no_candidates_yet(shared_office: Office) -> None:
    stranger = Person(shared_office, "c-later", "+14157770001")
    stranger.phone.writes("STOP", shared_office.sender)

    def refuses() -> bool:
        refusal = shared_office.preview(number=stranger.number, body="Hi")["refusal"]
        return bool(refusal["code"] == "number_unknown")

    eventually(refuses)
    late = shared_office.candidate(stranger.number, candidate="c-later", consent=False)
    eventually(lambda: late.consent()["status"] == "revoked")
    assert (
        shared_office.boss.refused("add-consent", **late.at, **shared_office.agreement())
        == "revoked_by_keyword"
    )


# --- who answers ----------------------------------------------------------------------------------


def silent(settings: SimulatorSettings) -> SimulatorSettings:
    """A carrier that leaves keywords to us."""
    return replace(quick(settings), opt_out=OptOut(enabled=False))


@pytest.fixture(scope="module")
def silent_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("silent"), carrier=silent) as system:
        system.clock.set(office_hours(utc_now()))
        yield system


def test_where_the_carrier_answers_we_do_not(ada: Person) -> None:
    before = ada.office.balance
    ada.writes("HELP")
    ada.writes("STOP")
    assert [one["kind"] for one in ada.messages()] == ["keyword", "keyword"]
    assert ada.office.balance == before


@pytest.mark.parametrize(
    ("language", "answer"),
    [
        ("en", "Acme Robotics: We text you about your application. Reply STOP to get no more texts."),
        (
            "fr",
            (
                "Acme Robotics: Nous vous écrivons au sujet de votre candidature. "
                "Répondez STOP pour ne plus recevoir de SMS."
            ),
        ),
    ],
)
def test_help_is_answered_by_us_where_the_account_says_so(
    silent_system: System, language: str, answer: str
) -> None:
    office = open_office(silent_system)
    office.chooses(carrier_answers_help=False, language=language)
    person = office.candidate(consent=False)
    person.writes("Help")
    person.phone.shows(answer)
    text = next(one for one in person.messages() if one["kind"] == "text")
    assert (text["purpose"], text["candidate"]) == ("help_answer", None)
    assert office.balance == 50 - text["segments"]


def test_a_stop_is_confirmed_by_us_where_the_account_says_so_once(silent_system: System) -> None:
    office = open_office(silent_system)
    office.chooses(carrier_confirms_stop=False)
    person = office.candidate()
    person.writes("STOP")
    confirmation = "Acme Robotics: You will get no more texts from us. Reply START to get them again."
    person.phone.shows(confirmation)
    person.writes("STOP")
    person.writes("Hello?")
    assert person.phone.inbox() == [confirmation]
    assert person.consent()["status"] == "revoked"


def test_without_credit_a_keyword_acts_unanswered(silent_system: System) -> None:
    office = open_office(silent_system)
    office.chooses(carrier_confirms_stop=False)
    person = office.candidate()
    office.has_left(0)
    person.writes("STOP")
    assert person.consent()["status"] == "revoked"
    assert [one["kind"] for one in person.messages()] == ["keyword"]


# --- sentences ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "I will stop by your office at nine",
        "Can we start on Monday?",
        "Yes, Tuesday at 10 works",
        "The bus stop is right outside",
        "I had to cancel my holiday, so I am free",
        "Could you help me find the entrance?",
        "When does the shift end",
    ],
)
def test_a_keyword_inside_a_sentence_does_not_act(ada: Person, body: str) -> None:
    before = ada.consent()
    message = ada.writes(body)
    assert (message["kind"], message["flagged"]) == ("reply", False)
    assert ada.consent() == before
    ada.gets()


@pytest.mark.parametrize(
    "body",
    [
        "please stop texting me",
        "Remove me",
        "remove me from your list!",
        "I asked you to stop",
        "Don't text me any more",
        "STOP TEXTING ME",
        "ｐｌｅａｓｅ ｓｔｏｐ ｔｅｘｔｉｎｇ ｍｅ",
    ],
)
def test_a_sentence_that_plainly_asks_to_stop_is_flagged_and_nothing_is_sent(ada: Person, body: str) -> None:
    message = ada.writes(body)
    assert (message["kind"], message["flagged"]) == ("reply", True)
    consent = ada.consent()
    assert (consent["status"], consent["under_review"]) == ("granted", True)
    assert ada.office.boss.refused("send-text", **ada.at, body="Hi") == "under_review"
    assert ada.thread()["under_review"]


def test_after_the_review_says_no_texts_go_again(ada: Person) -> None:
    ada.writes("please stop texting me")
    review = ada.office.boss.accepted("review-stop-request", **ada.at, wants_to_stop=False)
    assert review == {"consent": "granted", "cancelled": 0}
    assert not ada.consent()["under_review"]
    ada.gets()


def test_after_the_review_says_yes_consent_is_withdrawn_and_what_waits_is_refunded(ada: Person) -> None:
    before = ada.office.balance
    ada.gets(send_at="2150-01-01T12:00:00Z", override_quiet_hours=True)
    ada.writes("please stop texting me")
    review = ada.office.boss.accepted("review-stop-request", **ada.at, wants_to_stop=True)
    assert review == {"consent": "withdrawn", "cancelled": 1}
    assert ada.consent()["cause"] == "stop_request"
    assert ada.office.balance == before


def test_there_must_be_something_to_review(ada: Person) -> None:
    assert ada.office.boss.refused("review-stop-request", **ada.at, wants_to_stop=True) == "nothing_to_review"


def test_adding_consent_does_not_pass_by_the_review(ada: Person) -> None:
    ada.writes("please stop texting me")
    assert ada.office.boss.refused("add-consent", **ada.at, **ada.office.agreement()) == "already_granted"
    ada.office.boss.accepted("withdraw-consent", **ada.at)
    ada.agrees()
    assert ada.office.boss.refused("send-text", **ada.at, body="Hi") == "under_review"


def test_the_candidates_own_start_answers_the_review(ada: Person) -> None:
    ada.writes("please stop texting me")
    ada.writes("START")
    assert not ada.consent()["under_review"]
    ada.gets()


# --- languages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pack", "body", "action"),
    [
        ("fr", "ARRET", "stop"),
        ("fr", "Arrêt !", "stop"),
        ("fr", "arrêtez", "stop"),
        ("fr", "AIDE", "help"),
        ("de", "STOPP", "stop"),
        ("de", "abmelden", "stop"),
        ("de", "Aufhören!", "stop"),
        ("de", "Hilfe", "help"),
    ],
)
def test_the_account_chooses_the_languages_that_keywords_are_heard_in(
    office: Office, pack: str, body: str, action: str
) -> None:
    before = office.candidate()
    assert before.writes(body)["kind"] == "reply"
    assert before.consent()["status"] == "granted"
    office.chooses(keyword_packs=[pack])
    after = office.candidate()
    message = after.writes(body)
    assert (message["kind"], message["action"]) == ("keyword", action)
    assert after.consent()["status"] == ("revoked" if action == "stop" else "granted")


def test_the_english_keywords_always_work(office: Office) -> None:
    office.chooses(keyword_packs=["fr", "de"], language="fr")
    for body, status in (("STOP", "revoked"), ("START", "granted"), ("Unsubscribe", "revoked")):
        person = office.candidate()
        if status == "granted":
            person.writes("STOP")
        person.writes(body)
        assert person.consent()["status"] == status


@pytest.mark.parametrize(
    ("pack", "body"),
    [("fr", "Merci de ne plus me contacter"), ("de", "Bitte schreiben Sie mir nicht mehr")],
)
def test_wishes_to_stop_are_noticed_in_the_chosen_languages(office: Office, pack: str, body: str) -> None:
    office.chooses(keyword_packs=[pack])
    person = office.candidate()
    assert person.writes(body)["flagged"]


def test_a_pack_that_does_not_exist_is_refused_with_those_that_do(office: Office) -> None:
    problem = office.boss.problem("change-settings", change={"keyword_packs": ["fr", "xx"]})
    assert problem["code"] == "no_such_keyword_pack"
    assert "xx" in problem["detail"]
    assert "de, en" in problem["detail"]
