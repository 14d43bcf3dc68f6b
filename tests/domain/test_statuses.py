"""The carrier's reports: late, twice and in any order, yet a text only ever goes forwards (P3)."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.carrier_errors import OPTED_OUT, TABLE
from domain.conversation import UNCOUNTED_MAX
from schemas import events as e
from schemas.commands import CarrierStatus, GivenUp, HandedOver, InDoubt
from tests.domain.facts import (
    cancelled,
    delivered,
    dispatched,
    doubted,
    failed,
    numbered,
    queued,
    ready,
    refunded,
    reported,
    rescheduled,
    revoked,
    sent,
    stopped,
)
from tests.domain.given import NOW, NUMBER, given
from tests.domain.people import OTHER_NUMBER, TEXT, receive, record, report, start

HANDED_OVER = [queued(), dispatched()]
NEXT = UUID(int=2)
STEPS = ["accepted", "queued", "sending", "sent", "delivered"]
ENDS: dict[str, type[e.Event]] = {
    "delivered": e.TextDelivered,
    "read": e.TextDelivered,
    "undelivered": e.TextFailed,
    "failed": e.TextFailed,
    "canceled": e.TextFailed,
}

# --- one report -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", sorted(set(get_args(CarrierStatus)) - ENDS.keys()))
def test_a_text_that_is_on_its_way_is_taken_by_the_carrier(status: str) -> None:
    """P3: a report may come before the answer to the hand-over does."""
    given(ready(), HANDED_OVER).when(report(status)).then(reported(status)).answering(changed=True)
    given(ready(), HANDED_OVER, sent()).when(report(status)).then().answering(changed=False)


@pytest.mark.parametrize("status", ["delivered", "read"])
def test_a_text_that_is_delivered_is_settled(status: str) -> None:
    outcome = given(ready(), HANDED_OVER).when(report(status))
    outcome.then(reported(status), delivered(counted=False))
    assert not outcome.conversation().texts


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_text_that_never_reached_the_network_is_refunded(status: str) -> None:
    outcome = given(ready(49), HANDED_OVER, sent()).when(report(status))
    outcome.then(failed(reason=f"The carrier reports: {status}."), refunded(1, 50, "failed"))


def test_a_text_that_was_undelivered_was_charged() -> None:
    outcome = given(ready(49), HANDED_OVER, sent()).when(report("undelivered", error_code=30005))
    outcome.then(failed("undelivered", 30005, TABLE[30005].sentence))
    assert outcome.balance == 49
    unsaid = given(ready(49), HANDED_OVER, sent()).when(report("undelivered"))
    unsaid.then(failed("undelivered", None, "The carrier could not deliver the text."))


def test_a_report_can_bring_the_carriers_count() -> None:
    """3.16"""
    outcome = given(ready(49), HANDED_OVER, sent()).when(report("sent", segments=2))
    outcome.then(
        e.SegmentsAdjusted(segments=-1, reason="carrier_count", text_id=TEXT, balance=48),
        e.TextRecounted(text_id=TEXT, billed=2, paid=2),
    )
    outcome.and_when(report("sent", segments=2)).then()


UNCOUNTED = [*HANDED_OVER, sent(billed=None), delivered(counted=False)]


def test_a_count_that_comes_with_the_end_is_followed_before_it() -> None:
    """3.16"""
    outcome = given(ready(49), HANDED_OVER, sent(billed=None)).when(report("delivered", segments=1))
    outcome.then(e.TextRecounted(text_id=TEXT, billed=1, paid=1), delivered())
    assert not outcome.conversation().uncounted


@pytest.mark.parametrize(("billed", "balance"), [(1, 49), (3, 47)])
def test_a_count_that_comes_after_the_end_is_followed_once(billed: int, balance: int) -> None:
    """3.16: of a messaging service's texts Twilio says nothing before, and its reports never do."""
    outcome = given(ready(49), UNCOUNTED).when(report("delivered", segments=billed))
    counted = e.TextCounted(text_id=TEXT, billed=billed, paid=billed)
    assert outcome.of(e.TextCounted) == [counted]
    assert (outcome.balance, outcome.conversation().uncounted) == (balance, {})
    outcome.and_when(report("delivered", segments=9)).then()


def test_what_the_account_cannot_pay_of_a_late_count_is_not_taken() -> None:
    outcome = given(ready(1), UNCOUNTED).when(report("delivered", segments=4))
    assert outcome.of(e.TextCounted) == [e.TextCounted(text_id=TEXT, billed=4, paid=2)]
    assert outcome.balance == 0


def test_a_count_that_is_never_learned_leaves_ours() -> None:
    history = given(ready(49), UNCOUNTED)
    history.when(report("delivered")).then().answering(changed=False)
    outcome = history.when(record(GivenUp()))
    outcome.then(e.TextCounted(text_id=TEXT, billed=None, paid=1)).answering(changed=True)
    outcome.and_when(record(GivenUp())).then().answering(changed=False)


def test_a_count_of_an_attempt_that_failed_is_not_the_texts() -> None:
    """3.16: it was charged for, and settled, on its own."""
    again = [
        rescheduled(NOW, "carrier"),
        dispatched(2),
        sent(sid="SM10", billed=None),
        delivered(counted=False),
    ]
    outcome = given(ready(49), HANDED_OVER, sent(billed=None), again).when(report("undelivered", segments=3))
    outcome.then().answering(changed=False)
    counted = outcome.and_when(report("delivered", sid="SM10", segments=2))
    assert counted.of(e.TextCounted) == [e.TextCounted(text_id=TEXT, billed=2, paid=2)]


@pytest.mark.parametrize("status", ["delivered", "undelivered"])
def test_where_too_many_wait_for_a_count_the_earliest_keeps_ours(status: str) -> None:
    """Said as an event, so that nobody asks after it any more."""
    texts = [UUID(int=n) for n in range(UNCOUNTED_MAX + 1)]
    begun = [[queued(text_id=one), dispatched(text_id=one), sent(text_id=one, billed=None)] for one in texts]
    ended = [delivered(one, counted=False) for one in texts[:-1]]
    outcome = given(ready(49), begun, ended).when(report(status, text_id=texts[-1]))
    given_up, last = (happened.event for happened in outcome.events)
    assert given_up == e.TextCounted(text_id=texts[0], billed=None, paid=1)
    assert isinstance(last, ENDS[status])
    assert list(outcome.conversation().uncounted) == texts[1:]
    outcome.and_when(report("delivered", text_id=texts[0], segments=2)).then().answering(changed=False)


@pytest.mark.parametrize(
    "happened",
    [
        [],
        [queued()],
        [queued(), cancelled("cancelled_by_member")],
        [queued(), dispatched(), sent(), delivered()],
    ],
)
@pytest.mark.parametrize("status", get_args(CarrierStatus))
def test_news_of_a_text_that_waits_or_is_settled_changes_nothing(
    status: str, happened: list[e.Event]
) -> None:
    given(ready(), happened).when(report(status)).then().answering(changed=False)


def test_a_report_on_a_text_that_waits_for_another_try_shows_that_it_arrived() -> None:
    """P3"""
    waiting = given(ready(), queued(), dispatched(), rescheduled(NOW, "carrier"))
    waiting.when(report("delivered")).then(reported("delivered"), delivered(counted=False))


def test_a_report_on_another_number_finds_no_text() -> None:
    history = given(ready(), HANDED_OVER, numbered("bob", OTHER_NUMBER))
    history.when(report("delivered", number=OTHER_NUMBER)).then()


def test_a_stop_that_only_the_carrier_heard_counts() -> None:
    """P1, P6"""
    waiting = queued("And?", text_id=NEXT)
    history = given(ready(48), HANDED_OVER, sent(), waiting)
    outcome = history.when(report("undelivered", error_code=OPTED_OUT))
    outcome.then(
        failed("undelivered", OPTED_OUT, TABLE[OPTED_OUT].sentence),
        revoked("21610"),
        cancelled("revoked_by_keyword", NEXT),
        refunded(1, 49, "revoked_by_keyword", NEXT),
    )
    outcome.and_when(report("undelivered", error_code=OPTED_OUT)).then()


@pytest.mark.parametrize("told", [None, 1])
@pytest.mark.parametrize("first", ["failed", "undelivered"])
def test_such_a_stop_does_not_take_away_what_the_phone_gave_since(first: str, told: int | None) -> None:
    """P6: the same news comes again, later, or with the count that was asked for."""
    outcome = given(ready(49), HANDED_OVER, sent(billed=None)).when(report(first, error_code=OPTED_OUT))
    assert outcome.of(e.ConsentRevoked)
    again = outcome.and_when(receive("START")).and_when(
        report("undelivered", error_code=OPTED_OUT, segments=told)
    )
    assert (again.of(e.ConsentRevoked), again.conversation().consent) == ([], "granted")


def test_such_a_stop_is_old_news_where_it_met_an_attempt_that_failed() -> None:
    """P6"""
    tried = [*HANDED_OVER, sent(), rescheduled(NOW, "carrier", code=TOO_FAST)]
    given(ready(49), tried).when(report("failed", error_code=OPTED_OUT)).then()


def test_such_a_stop_counts_while_the_text_waits_for_another_try() -> None:
    """P1"""
    waiting = given(ready(49), HANDED_OVER, rescheduled(NOW, "carrier", code=TOO_FAST))
    assert waiting.when(report("failed", error_code=OPTED_OUT)).of(e.ConsentRevoked) == [revoked("21610")]


def test_such_a_stop_of_a_text_that_is_settled_or_not_known_changes_nothing() -> None:
    """P6: consent may have been given since; if not, the carrier turns the next text down."""
    given(ready()).when(report("failed", error_code=OPTED_OUT)).then()
    given(ready(), HANDED_OVER, sent(), delivered()).when(report("failed", error_code=OPTED_OUT)).then()


def test_such_a_stop_from_a_number_that_we_never_met_is_nobodys() -> None:
    given(ready()).when(report("failed", error_code=OPTED_OUT, number=OTHER_NUMBER)).then()


# --- what is worth another try ----------------------------------------------------------------------

UNREACHABLE_PHONE = 30003  # half an hour later it may be on again; three tries in all
TOO_FAST = 30022


def test_a_text_that_never_reached_the_network_is_tried_again_at_no_cost() -> None:
    outcome = given(ready(49), HANDED_OVER, sent()).when(report("failed", error_code=TOO_FAST))
    (again,) = outcome.of(e.TextRescheduled)
    assert (outcome.balance, again.code) == (49, TOO_FAST)
    second = outcome.at(again.send_at).when(start(attempt=2)).and_when(report("delivered", sid="SM10"))
    second.then(reported("delivered", "SM10"), delivered(counted=False))


def test_a_text_that_the_network_charged_for_is_paid_again_when_it_is_tried_again() -> None:
    outcome = given(ready(49), HANDED_OVER, sent()).when(report("undelivered", error_code=UNREACHABLE_PHONE))
    (again,) = outcome.of(e.TextRescheduled)
    assert outcome.of(e.SegmentsDebited) == [e.SegmentsDebited(text_id=TEXT, segments=1, balance=48)]
    third = outcome.at(again.send_at).when(start(attempt=2))
    third = third.and_when(report("undelivered", sid="SM10", error_code=UNREACHABLE_PHONE))
    third = third.at(again.send_at + timedelta(hours=2)).when(start(attempt=3))
    third = third.and_when(report("undelivered", sid="SM11", error_code=UNREACHABLE_PHONE))
    reason = "The phone was off or out of reach. It was tried 3 times."
    ended = failed("undelivered", UNREACHABLE_PHONE, reason, counted=False)
    third.then(reported("undelivered", "SM11"), ended)
    assert third.balance == 47


def test_without_credit_for_another_try_an_undelivered_text_ends() -> None:
    """P4"""
    outcome = given(ready(0), HANDED_OVER, sent()).when(report("undelivered", error_code=UNREACHABLE_PHONE))
    assert [type(event) for event in outcome.of(e.TextFailed)] == [e.TextFailed]


@pytest.mark.parametrize("status", get_args(CarrierStatus))
@pytest.mark.parametrize("since", [[], [dispatched(2)], [dispatched(2), sent("queued", "SM10")]])
def test_news_of_an_attempt_that_failed_is_old_news(status: str, since: list[e.Event]) -> None:
    """P3: each attempt has a name of its own at the carrier."""
    tried = [*HANDED_OVER, sent(), rescheduled(NOW, "carrier", code=TOO_FAST), *since]
    given(ready(49), tried).when(report(status)).then()


@pytest.mark.parametrize("status", get_args(CarrierStatus))
@pytest.mark.parametrize("code", [None, TOO_FAST, 30018, OPTED_OUT])
def test_news_under_another_name_than_the_carrier_gave_the_text_is_not_its_own(
    status: str, code: int | None
) -> None:
    """P1, P3, P4: an attempt that was thought lost turns up, or a carrier speaks of what it does not have."""
    history = given(ready(49), HANDED_OVER, sent())
    outcome = history.when(report(status, sid="SM10", error_code=code, segments=3))
    outcome.then().answering(changed=False).and_when(report("delivered")).then(delivered())


def test_an_answer_that_comes_after_the_report_of_its_failure_is_old_news() -> None:
    """P3"""
    outcome = given(ready(49), HANDED_OVER).when(report("failed", error_code=TOO_FAST))
    outcome.and_when(record(HandedOver(sid="SM9", status="queued"))).then()


def test_where_only_a_failed_attempt_is_found_the_one_in_doubt_never_arrived() -> None:
    """P3"""
    again = rescheduled(NOW, "carrier", code=TOO_FAST)
    history = given(ready(49), HANDED_OVER, sent(), again, dispatched(2), doubted(2))
    outcome = history.when(record(HandedOver(sid="SM9", status="failed"), attempt=2))
    assert [event.delay for event in outcome.of(e.TextRescheduled)] == ["carrier"]


def test_a_wrong_configuration_that_is_reported_later_stops_the_account_as_well() -> None:
    outcome = given(ready(49), HANDED_OVER, sent()).when(report("undelivered", error_code=30034))
    assert outcome.of(e.SendingStopped) == [stopped(TABLE[30034].sentence)]


# --- many, in any order -----------------------------------------------------------------------------


@pytest.mark.parametrize("last", ENDS)
def test_in_each_of_all_120_orders_a_text_goes_forwards_to_the_same_end(last: str) -> None:
    """P3, P4: and so does the balance, however often each report comes."""
    for order in permutations([*STEPS[:-1], last]):
        balance, events = _told([*order, *order[::-1]])
        _only_forwards(events)
        assert [type(event) for event in _settling(events)] == [ENDS[last]]
        assert balance == (50 if last in {"failed", "canceled"} else 49)


@for_all(st.lists(st.sampled_from([*get_args(CarrierStatus), "handed over", "doubt", "given up"])))
def test_whatever_is_reported_a_text_is_settled_at_most_once(reports: list[str]) -> None:
    """P3"""
    balance, events = _told(reports)
    _only_forwards(events)
    assert balance in {48, 49, 50}


def _only_forwards(events: Sequence[e.Event]) -> None:
    """Taken at most once, settled at most once, and nothing after that but what it cost, at most once."""
    assert sum(isinstance(event, e.TextSent) for event in events) <= 1
    assert sum(isinstance(event, e.TextCounted) for event in events) <= 1
    assert len(_settling(events)) <= 1
    last = [event for event in events if not isinstance(event, e.SegmentsRefunded | e.TextCounted)]
    assert not _settling(last[:-1])


def _settling(events: Iterable[e.Event]) -> list[e.Event]:
    return [event for event in events if isinstance(event, e.TextDelivered | e.TextFailed | e.TextUnknown)]


def _told(reports: Iterable[str]) -> tuple[int, list[e.Event]]:
    """The balance after `reports`, and the events they led to."""
    history = given(ready(49), HANDED_OVER)
    before = len(history.events)
    for news in reports:
        history = history.when(_command(news)).history
    return history.account().balance, [happened.event for happened in history.events[before:]]


def _command(news: str) -> Any:
    match news:
        case "handed over":
            return record(HandedOver(sid="SM9", status="queued", segments=2))
        case "doubt":
            return record(InDoubt(reason="No answer."))
        case "given up":
            return record(GivenUp())
        case _:
            return report(news, number=NUMBER)
