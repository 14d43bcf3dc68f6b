"""The same words to one number: twenty times within a day, and not once more."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain import repeats
from domain.repeats import ALIKE_MAX, SAID_MAX, WITHIN, Said
from schemas.events import TextQueued
from tests.domain.facts import cancelled, queued, ready, scheduled, settings
from tests.domain.given import NOW, NUMBER, History, given, on
from tests.domain.people import receive, send

DAY = timedelta(days=1)


def said(times: int, body: str = "Hello") -> History:
    """So many texts were accepted and called back, a minute apart, the first a day before now."""
    told = [
        event
        for number in range(times)
        for event in (queued(body, UUID(int=number)), cancelled("cancelled_by_member", UUID(int=number)))
    ]
    return given(ready(500), *told)


def test_the_twenty_first_text_with_the_same_words_is_refused() -> None:
    said(ALIKE_MAX - 1).when(send()).answering(balance=499)
    said(ALIKE_MAX).when(send()).refused("too_many_alike", "20")


@pytest.mark.parametrize("body", ["hello", " Hello\n", "ＨＥＬＬＯ"])
def test_words_are_the_same_however_they_are_cased_and_spaced(body: str) -> None:
    said(ALIKE_MAX).when(send(body)).refused("too_many_alike")


def test_other_words_may_be_sent() -> None:
    said(ALIKE_MAX).when(send("Hello again")).answering(balance=499)


def test_another_number_may_be_told_the_same() -> None:
    texts = [queued("Hello", UUID(int=number)) for number in range(ALIKE_MAX)]
    given(ready(), *on("+14155552672", texts)).when(send()).answering(balance=49)


def test_a_day_later_it_may_be_said_again() -> None:
    said(ALIKE_MAX).at(NOW + DAY - timedelta(seconds=1)).when(send()).refused("too_many_alike")
    said(ALIKE_MAX).at(NOW + DAY).when(send()).answering(balance=499)


def test_what_leaves_on_other_days_is_no_loop() -> None:
    reminders = [scheduled(NOW + day * DAY, text_id=UUID(int=day)) for day in range(1, ALIKE_MAX + 5)]
    given(ready(), *reminders).when(send(send_at=NOW + 2 * DAY)).answering(balance=49)


def test_it_is_the_hour_of_leaving_that_counts() -> None:
    next_week = NOW + 7 * DAY
    waiting = [scheduled(next_week, text_id=UUID(int=number)) for number in range(ALIKE_MAX)]
    given(ready(), *waiting).when(send()).answering(balance=49)
    given(ready(), *waiting).when(send(send_at=next_week)).refused("too_many_alike")


def test_two_machines_that_answer_each_other_come_to_an_end() -> None:
    history = given(ready(), settings(carrier_answers_help=False))
    answers = 0
    for number in range(2 * ALIKE_MAX):
        outcome = history.when(receive("HELP", sid=f"SM{number}", command_id=UUID(int=1_000 + number)))
        answers += len(outcome.of(TextQueued))
        history = outcome.history
    assert answers == ALIKE_MAX


def test_what_is_remembered_is_bounded() -> None:
    known: tuple[Said, ...] = ()
    for number in range(SAID_MAX + 50):
        known = repeats.remember(known, repeats.said(f"No. {number}", NOW + DAY), NOW)
    assert len(known) == SAID_MAX
    later = repeats.remember(known, repeats.said("Hello", NOW + DAY + WITHIN), NOW + DAY + WITHIN)
    assert [one.leaves_at for one in later] == [NOW + DAY + WITHIN]


def test_twenty_others_do_not_stand_in_the_way() -> None:
    told = [queued(f"No. {number}", UUID(int=number)) for number in range(ALIKE_MAX + 5)]
    given(ready(), *on(NUMBER, told)).when(send()).answering(balance=49)
