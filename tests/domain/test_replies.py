"""What comes in from a phone: keywords (3.8), what undoes them (3.9), replies (3.12), followers (3.13)."""

from typing import Any
from uuid import UUID

import pytest

from domain import keywords
from domain.replies import answer_id
from domain.sending import OPEN_TEXTS_MAX
from schemas import events as e
from schemas.commands import Media
from tests.domain.facts import (
    activated,
    active,
    cancelled,
    debited,
    dispatched,
    flagged,
    granted,
    granted_by_keyword,
    joined,
    listening,
    numbered,
    queued,
    ready,
    refunded,
    removed,
    revoked,
    scheduled,
    settings,
    stopped,
    withdrawn,
)
from tests.domain.given import ACME, NUMBER, Happening, conversation_stream, given, on
from tests.domain.people import FRENCH_NUMBER, LATER, OTHER_NUMBER, TEXT, mark_read, receive, review, send

STOPS = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT", "STOP ALL"]
ANOTHER = UUID(int=2)


MEDIA = (Media(url="https://api.twilio.com/Media/ME1", content_type="image/jpeg"),)


def heard(action: Any, keyword: str, body: str, **more: Any) -> e.KeywordReceived:
    return e.KeywordReceived(sid="SM1", action=action, keyword=keyword, body=body, **more)


def reply(body: str, **more: Any) -> e.TextReceived:
    return e.TextReceived(sid="SM1", body=body, **more)


# --- 3.8 stop ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("keyword", STOPS)
def test_each_stop_keyword_revokes_and_stands_in_the_thread(keyword: str) -> None:
    """3.8"""
    outcome = given(ready()).when(receive(keyword))
    outcome.then(heard("stop", keyword, keyword), revoked(keyword)).answering(keyword="stop")
    outcome.and_when(send()).refused("revoked_by_keyword")


@pytest.mark.parametrize("body", ["Stop.", " STOP!! ", "ｓｔｏｐ", "st\u200bop", "“stop”", "stop\n", "sToP"])
def test_how_a_keyword_is_written_does_not_matter(body: str) -> None:
    """3.8"""
    given(ready()).when(receive(body)).then(heard("stop", "STOP", body), revoked("STOP"))


def test_a_keyword_inside_a_sentence_does_not_act() -> None:
    """3.8"""
    body = "I have to stop by the office first"
    given(ready()).when(receive(body)).then(reply(body)).answering(keyword=None)


def test_a_stop_calls_back_everything_that_waits_in_the_same_breath() -> None:
    """3.11: scheduled or queued, for whichever candidate has the number."""
    waiting = [queued("x" * 161), scheduled(LATER, text_id=ANOTHER, candidate="bob")]
    outcome = given(ready(47), joined("bob"), waiting).when(receive("STOP"))
    outcome.then(
        heard("stop", "STOP", "STOP"),
        revoked(),
        cancelled("revoked_by_keyword"),
        refunded(2, 49, "revoked_by_keyword"),
        cancelled("revoked_by_keyword", ANOTHER),
        refunded(1, 50, "revoked_by_keyword", ANOTHER),
    )


def test_a_stop_leaves_what_is_being_handed_over_and_other_numbers_alone() -> None:
    """3.11, 3.14"""
    other = on(OTHER_NUMBER, granted(), scheduled(LATER, text_id=ANOTHER))
    outcome = given(ready(), queued(), dispatched(), numbered(number=OTHER_NUMBER), other).when(
        receive("STOP")
    )
    outcome.then(heard("stop", "STOP", "STOP"), revoked())


@pytest.mark.parametrize("before", [[], [withdrawn()], [flagged()]])
def test_a_stop_counts_whatever_stood_before(before: list[e.Event]) -> None:
    """3.8"""
    outcome = given(active(), numbered(), before).when(receive("STOP"))
    assert outcome.conversation().consent == "revoked"
    assert not outcome.conversation().under_review


def test_a_second_stop_stands_in_the_thread_and_changes_nothing() -> None:
    """3.8"""
    given(ready(), revoked()).when(receive("STOP")).then(heard("stop", "STOP", "STOP"))


def test_a_stop_from_a_number_that_nobody_has_counts_for_whoever_gets_it() -> None:
    """3.8, P6"""
    outcome = given(active()).when(receive("STOP"))
    opened = e.ConversationOpened(number=NUMBER, region="US")
    outcome.then(opened, heard("stop", "STOP", "STOP"), revoked())


@pytest.mark.parametrize("number", ["+447700900123", "+4915900000", "+8835100000"])
def test_a_stop_counts_from_any_number_even_one_that_could_not_be_texted(number: str) -> None:
    """3.8, P9: numbering plans change; who is heard must not depend on them."""
    outcome = given(active()).when(receive("STOP", number=number))
    assert outcome.conversation(number).consent == "revoked"


def test_a_stop_on_a_shared_number_blocks_both() -> None:
    """3.14"""
    outcome = given(ready(), joined("bob"), granted("bob")).when(receive("STOP"))
    outcome.and_when(send(candidate="ada")).refused("revoked_by_keyword")
    outcome.and_when(send(candidate="bob")).refused("revoked_by_keyword")


def test_a_stop_that_only_the_carrier_understood_counts() -> None:
    """3.8"""
    outcome = given(ready()).when(receive("ALTO", carrier_keyword="stop"))
    outcome.then(heard("stop", "STOP", "ALTO"), revoked("STOP"))


@pytest.mark.parametrize(("pack", "word"), [("fr", "ARRET"), ("fr", "arrêt"), ("de", "STOPP")])
def test_other_languages_keywords_work_where_the_account_chose_them(pack: str, word: str) -> None:
    """3.8"""
    chosen = given(ready(), settings(keyword_packs={pack})).when(receive(word))
    assert chosen.conversation().consent == "revoked"
    assert given(ready()).when(receive(word)).conversation().consent == "granted"


def test_the_english_keywords_always_work() -> None:
    """3.8"""
    outcome = given(ready(), settings(keyword_packs={"fr"}, language="fr")).when(receive("STOP"))
    assert outcome.conversation().consent == "revoked"


# --- 3.8, 3.9 start ---------------------------------------------------------------------------------


@pytest.mark.parametrize("keyword", ["START", "YES", "UNSTOP"])
@pytest.mark.parametrize("before", [[], [granted(), revoked()], [granted(), withdrawn()]])
def test_each_start_keyword_grants_after_a_stop_too(keyword: str, before: list[e.Event]) -> None:
    """3.8, 3.9, P6: the candidate alone brings consent back."""
    outcome = given(active(), numbered(), before).when(receive(keyword))
    outcome.then(heard("start", keyword, keyword), granted_by_keyword(keyword))
    assert outcome.and_when(send()).of(e.TextQueued)


def test_a_start_that_only_the_carrier_understood_counts() -> None:
    """3.8"""
    outcome = given(active(), numbered()).when(receive("INICIO", carrier_keyword="start"))
    outcome.then(heard("start", "START", "INICIO"), granted_by_keyword("START"))


def test_yes_is_an_ordinary_answer_where_consent_stands() -> None:
    """3.8"""
    given(ready()).when(receive("Yes!")).then(reply("Yes!"))
    given(ready()).when(receive("Yes!", carrier_keyword="start")).then(reply("Yes!"))
    given(ready(), flagged()).when(receive("Yes!")).then(reply("Yes!"))


def test_a_start_where_consent_stands_changes_nothing() -> None:
    """3.8"""
    given(ready()).when(receive("START")).then(heard("start", "START", "START"))


def test_who_texts_start_has_answered_what_waited_for_a_review() -> None:
    """3.8"""
    outcome = given(ready(), flagged()).when(receive("START"))
    outcome.then(heard("start", "START", "START"), granted_by_keyword())
    assert outcome.and_when(send()).of(e.TextQueued)


# --- 3.8 help, and answers of our own ---------------------------------------------------------------


@pytest.mark.parametrize("keyword", ["HELP", "INFO"])
@pytest.mark.parametrize("before", [[], [granted()], [granted(), revoked()]])
def test_help_changes_nothing(keyword: str, before: list[e.Event]) -> None:
    """3.8: and is answered by the carrier, unless the account chose otherwise."""
    given(active(), numbered(), before).when(receive(keyword)).then(heard("help", keyword, keyword))


def _answer(purpose: Any, command: Any) -> e.TextQueued:
    body = keywords.answer(purpose, "en", "Acme")
    return queued(body, answer_id(command.command_id, purpose), candidate=None, purpose=purpose)


def test_we_answer_help_where_the_carrier_does_not() -> None:
    """3.8"""
    command = receive("HELP")
    answer = _answer("help_answer", command)
    history = given(ready(), settings(company="Acme", carrier_answers_help=False))
    history.when(command).then(
        heard("help", "HELP", "HELP"), answer, debited(answer.segments, 50 - answer.segments, answer.text_id)
    )


def test_we_confirm_a_stop_where_the_carrier_does_not_and_only_the_first() -> None:
    """3.8"""
    command = receive("STOP")
    answer = _answer("stop_confirmation", command)
    history = given(ready(), settings(company="Acme", carrier_confirms_stop=False))
    outcome = history.when(command)
    outcome.then(
        heard("stop", "STOP", "STOP"),
        revoked(),
        answer,
        debited(answer.segments, 50 - answer.segments, answer.text_id),
    )
    outcome.and_when(receive("STOP")).then(heard("stop", "STOP", "STOP"))


@pytest.mark.parametrize(
    "account",
    [
        [],
        [activated()],
        [*active(balance=0)],
        [*active(), stopped()],
    ],
)
@pytest.mark.parametrize("body", ["HELP", "STOP"])
def test_where_the_account_cannot_answer_the_keyword_acts_all_the_same(
    account: list[e.Event], body: str
) -> None:
    """3.8, P4"""
    ours = settings(carrier_answers_help=False, carrier_confirms_stop=False)
    outcome = given(account, ours, numbered(), granted()).when(receive(body))
    outcome.then(
        heard("help", "HELP", "HELP") if body == "HELP" else [heard("stop", "STOP", "STOP"), revoked()]
    )


def test_a_phone_that_asks_for_help_without_end_is_not_answered_without_end() -> None:
    """Two machines that answer each other must not spend the account's credit."""
    asked = [
        queued(text_id=UUID(int=100 + i), purpose="help_answer", candidate=None)
        for i in range(OPEN_TEXTS_MAX)
    ]
    history = given(ready(), settings(carrier_answers_help=False), asked)
    history.when(receive("HELP")).then(heard("help", "HELP", "HELP"))


# --- 3.8 what sounds like a stop --------------------------------------------------------------------


@pytest.mark.parametrize("body", ["please stop texting me", "Remove me", "Don't text me any more."])
def test_a_sentence_that_plainly_asks_to_stop_is_flagged_and_blocks(body: str) -> None:
    """3.8"""
    outcome = given(ready()).when(receive(body))
    outcome.then(reply(body), flagged()).answering(keyword=None)
    outcome.and_when(send()).refused("under_review")
    outcome.and_when(review(wants_to_stop=False)).and_when(send()).answering(segments=1)


def test_what_is_flagged_already_is_not_flagged_again() -> None:
    """3.8"""
    given(ready(), flagged("SM0")).when(receive("remove me")).then(reply("remove me"))


@pytest.mark.parametrize("before", [[], [granted(), withdrawn()]])
def test_it_is_flagged_where_consent_does_not_stand_since_it_may_be_added_later(
    before: list[e.Event],
) -> None:
    """3.8: until a person has looked, nothing is sent to the number."""
    given(active(), numbered(), before).when(receive("remove me")).then(reply("remove me"), flagged())


def test_it_is_not_flagged_where_only_the_candidate_can_undo_a_stop() -> None:
    """3.8"""
    given(ready(), revoked()).when(receive("remove me")).then(reply("remove me"))


# --- 3.12 replies -----------------------------------------------------------------------------------


def test_a_reply_is_kept_with_its_pictures_which_are_never_fetched() -> None:
    """3.12"""
    given(ready()).when(receive("Here I am", media=MEDIA)).then(reply("Here I am", media=MEDIA))


def test_a_keyword_with_a_picture_acts_like_one_without_and_the_picture_is_kept() -> None:
    """3.8, 3.9, 3.12"""
    stop = given(ready()).when(receive("STOP", media=MEDIA))
    stop.then(heard("stop", "STOP", "STOP", media=MEDIA), revoked()).answering(keyword="stop")
    start = given(ready(), revoked()).when(receive("START", media=MEDIA))
    start.then(heard("start", "START", "START", media=MEDIA), granted_by_keyword("START"))
    by_carrier = given(ready()).when(receive("no more", media=MEDIA, carrier_keyword="stop"))
    by_carrier.then(heard("stop", "STOP", "no more", media=MEDIA), revoked())


@pytest.mark.parametrize("body", ["", "👍", "x" * 5_000])
def test_any_reply_is_kept(body: str) -> None:
    """3.12"""
    given(ready()).when(receive(body)).then(reply(body))


def test_a_reply_is_kept_before_activation_and_where_no_text_may_be_sent() -> None:
    """3.12, 3.15"""
    opened = e.ConversationOpened(number=FRENCH_NUMBER, region="FR")
    outcome = given().when(receive("Bonjour", number=FRENCH_NUMBER))
    outcome.then(on(FRENCH_NUMBER, opened, reply("Bonjour")))


def test_a_reply_is_read() -> None:
    """3.12"""
    given(ready(), reply("Hello")).when(mark_read()).then(e.ThreadRead())


def test_only_the_thread_of_a_candidate_with_the_number_can_be_read() -> None:
    """3.12"""
    given(ready()).when(mark_read("bob")).refused("number_unknown")
    given(ready()).when(mark_read(number="+14155")).refused("number_invalid")


# --- 3.13 followers ---------------------------------------------------------------------------------


def told(member: str, about: Any = "reply", candidate: str = "ada") -> e.FollowerNotified:
    stream = conversation_stream(ACME, NUMBER)
    return e.FollowerNotified(candidate=candidate, conversation=stream, member=member, about=about, sid="SM1")


def follows(member: str, candidate: str = "ada") -> e.CandidateFollowed:
    return e.CandidateFollowed(candidate=candidate, member=member)


@pytest.mark.parametrize(
    ("body", "about"), [("Hello", "reply"), ("STOP", "keyword"), ("START", "keyword"), ("HELP", "keyword")]
)
def test_each_follower_who_is_listening_is_told_once_of_each_reply_or_keyword(body: str, about: str) -> None:
    """3.13"""
    members: list[Happening] = [follows("grace"), follows("linus"), listening("grace", "linus")]
    outcome = given(ready(), members).when(receive(body))
    assert outcome.of(e.FollowerNotified) == [told("grace", about), told("linus", about)]


def test_others_are_told_nothing() -> None:
    """3.13: who follows and does not listen, listens and does not follow, or follows somebody else."""
    others: list[Happening] = [follows("grace"), listening("linus", "ken"), follows("ken", "bob")]
    given(ready(), others).when(receive("Hello")).then(reply("Hello"))


def test_who_stopped_following_or_listening_is_told_nothing() -> None:
    """3.13"""
    stopped_following = e.CandidateUnfollowed(candidate="ada", member="grace")
    deaf = e.NotificationsSet(member="grace", profile_actions=False)
    for ended in (stopped_following, deaf):
        history = given(ready(), follows("grace"), listening("grace"), ended)
        history.when(receive("Hello")).then(reply("Hello"))


def test_a_reply_from_a_shared_number_tells_the_followers_of_each_candidate() -> None:
    """3.13, 3.14"""
    members: list[Happening] = [follows("grace"), follows("linus", "bob"), listening("grace", "linus")]
    outcome = given(ready(), joined("bob"), members).when(receive("Hello"))
    assert outcome.of(e.FollowerNotified) == [told("grace"), told("linus", candidate="bob")]


def test_who_follows_both_candidates_of_a_shared_number_is_told_once() -> None:
    """3.13, 3.14: exactly one notification per reply."""
    members: list[Happening] = [follows("grace"), follows("grace", "bob"), listening("grace")]
    outcome = given(ready(), joined("bob"), members).when(receive("Hello"))
    assert outcome.of(e.FollowerNotified) == [told("grace")]


def test_followers_of_a_candidate_who_has_the_number_no_more_are_told_nothing() -> None:
    """3.13, 3.14"""
    history = given(ready(), follows("grace"), listening("grace"), removed())
    history.when(receive("Hello")).then(reply("Hello"))


def test_no_follower_is_told_of_what_we_send() -> None:
    """3.13"""
    history = given(ready(), follows("grace"), listening("grace"))
    history.when(send()).then(queued(), debited(1, 49, TEXT))
