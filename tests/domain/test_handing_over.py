"""How a hand-over ended: what the carrier makes of a text (P3), and what follows."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.carrier_errors import TABLE
from domain.conversation import UNKNOWN_MAX
from schemas import events as e
from schemas.commands import GivenUp, HandedOver, InDoubt, NotTaken, TurnedDown
from tests.domain.facts import (
    cancelled,
    delivered,
    dispatched,
    doubted,
    failed,
    queued,
    ready,
    refunded,
    rescheduled,
    revoked,
    sent,
    stopped,
)
from tests.domain.given import NOW, given
from tests.domain.people import TEXT, record, refund, report, start

ANOTHER = UUID(int=2)
TAKEN = HandedOver(sid="SM9", status="queued", segments=1)


def no(code: int, http_status: int = 400, **more: Any) -> TurnedDown:
    return TurnedDown(code=code, http_status=http_status, **more)


def test_the_carrier_took_it() -> None:
    """P3"""
    outcome = given(ready(), queued(), dispatched()).when(record(TAKEN))
    outcome.then(sent("queued")).answering(changed=True)


def test_the_carrier_counts_more_segments() -> None:
    """3.16"""
    taken = TAKEN.model_copy(update={"segments": 3})
    given(ready(50), queued(), dispatched()).when(record(taken)).then(
        sent("queued", billed=3),
        e.SegmentsAdjusted(segments=-2, reason="carrier_count", text_id=TEXT, balance=48),
        e.TextRecounted(text_id=TEXT, billed=3, paid=3),
    )


def test_the_carrier_counts_fewer_segments() -> None:
    """3.16"""
    given(ready(48), queued("x" * 161), dispatched()).when(record(TAKEN)).then(
        sent("queued"),
        e.SegmentsAdjusted(segments=1, reason="carrier_count", text_id=TEXT, balance=49),
        e.TextRecounted(text_id=TEXT, billed=1, paid=1),
    )


def test_what_the_account_cannot_pay_of_the_carriers_count_is_not_taken() -> None:
    """P4"""
    taken = TAKEN.model_copy(update={"segments": 3})
    outcome = given(ready(1), queued(), dispatched()).when(record(taken))
    assert outcome.balance == 0
    assert outcome.of(e.TextRecounted) == [e.TextRecounted(text_id=TEXT, billed=3, paid=2)]
    empty = given(ready(0), queued(), dispatched()).when(record(taken))
    empty.then(sent("queued", billed=3))


@pytest.mark.parametrize("segments", [None, 0])
def test_a_count_that_the_carrier_does_not_know_yet_is_not_followed(segments: int | None) -> None:
    """3.16: Twilio says 0 while a messaging service has not picked its number."""
    taken = TAKEN.model_copy(update={"segments": segments})
    given(ready(), queued(), dispatched()).when(record(taken)).then(sent("queued", billed=None))


def test_what_comes_back_is_what_was_paid_after_the_carriers_count() -> None:
    """P4"""
    taken = TAKEN.model_copy(update={"segments": 3})
    outcome = given(ready(49), queued(), dispatched()).when(record(taken))
    outcome.and_when(report("failed", error_code=30005)).then(
        failed(code=30005, reason=TABLE[30005].sentence), refunded(3, 50, "failed")
    )


@pytest.mark.parametrize("attempt", range(1, 9))
def test_what_may_succeed_later_is_tried_again_but_not_for_ever(attempt: int) -> None:
    """P3: a minute after the first failure, then after two, four and eight, and 15 at most."""
    tries = [dispatched(n) for n in range(1, attempt + 1)]
    outcome = given(ready(49), queued(), tries).when(record(no(21611), attempt=attempt))
    if attempt < 8:
        (again,) = outcome.of(e.TextRescheduled)
        planned = timedelta(minutes=min(2 ** (attempt - 1), 15))
        assert planned <= again.send_at - NOW <= 1.5 * planned
        assert (again.delay, again.code) == ("carrier", 21611)
        assert outcome.at(again.send_at).when(start(attempt=attempt + 1)).of(e.DispatchStarted)
    else:
        outcome.then(
            failed(code=21611, reason="Too many texts wait at the carrier. It was tried 8 times."),
            refunded(1, 50, "failed"),
        )


def test_texts_that_failed_together_are_not_tried_again_together() -> None:
    def again(text_id: UUID) -> datetime:
        outcome = given(ready(49), queued(text_id=text_id), dispatched(text_id=text_id)).when(
            record(no(20429, 429), text_id=text_id)
        )
        (again,) = outcome.of(e.TextRescheduled)
        assert isinstance(again, e.TextRescheduled)
        return again.send_at

    assert len({again(UUID(int=n)) for n in range(20)}) == 20
    assert again(TEXT) == again(TEXT)


def test_the_carrier_may_ask_for_a_longer_wait() -> None:
    asked = no(20429, 429, retry_after_s=120.0)
    given(ready(49), queued(), dispatched()).when(record(asked)).then(
        rescheduled(NOW + timedelta(minutes=2), "carrier", code=20429)
    )


@pytest.mark.parametrize("cause", ["unreachable", "absent"])
def test_what_the_carrier_does_not_have_is_tried_again(cause: Any) -> None:
    """P3"""
    outcome = given(ready(49), queued(), dispatched()).when(record(NotTaken(cause=cause)))
    (again,) = outcome.of(e.TextRescheduled)
    assert again.send_at < NOW + timedelta(seconds=16)
    tries = [dispatched(n) for n in range(1, 13)]
    last = given(ready(49), queued(), tries).when(record(NotTaken(cause=cause), attempt=12))
    assert last.balance == 50


def test_what_will_never_succeed_fails_and_is_refunded() -> None:
    """P3"""
    outcome = given(ready(49), queued(), dispatched()).when(record(no(21211)))
    reason = "The carrier says this is not a phone number. Check it."
    outcome.then(failed(code=21211, reason=reason), refunded(1, 50, "failed"))


def test_a_stop_that_only_the_carrier_heard_counts_and_calls_back_what_waits() -> None:
    """P1, P6"""
    waiting = queued("And?", text_id=ANOTHER)
    given(ready(48), queued(), dispatched(), waiting).when(record(no(21610))).then(
        failed(code=21610, reason=TABLE[21610].sentence),
        refunded(1, 49, "failed"),
        revoked("21610"),
        cancelled("revoked_by_keyword", ANOTHER),
        refunded(1, 50, "revoked_by_keyword", ANOTHER),
    )


def test_an_error_of_configuration_stops_the_whole_account_once() -> None:
    reason = TABLE[30034].sentence
    outcome = given(ready(48), queued(), dispatched()).when(record(no(30034)))
    outcome.then(failed(code=30034, reason=reason), refunded(1, 49, "failed"), stopped(reason))
    other = given(ready(48), queued(), dispatched(), stopped()).when(record(no(30034)))
    other.then(failed(code=30034, reason=reason), refunded(1, 49, "failed"))


def test_silence_is_not_refusal() -> None:
    """P3"""
    outcome = given(ready(49), queued(), dispatched()).when(record(InDoubt(reason="No answer.")))
    outcome.then(doubted())
    assert outcome.balance == 49


@pytest.mark.parametrize(
    ("result", "events"),
    [
        (TAKEN, [sent("queued")]),
        (no(21211), [failed(code=21211, reason=TABLE[21211].sentence), refunded(1, 50, "failed")]),
        (GivenUp(), [e.TextUnknown(text_id=TEXT)]),
        (InDoubt(reason="Again."), []),
    ],
)
def test_a_doubt_is_settled_by_whatever_is_found_out(result: Any, events: list[e.Event]) -> None:
    """P3"""
    given(ready(49), queued(), dispatched(), doubted()).when(record(result)).then(events)


@pytest.mark.parametrize("result", [no(21211), NotTaken(cause="absent"), InDoubt(reason="Silence."), TAKEN])
@pytest.mark.parametrize(
    "happened",
    [
        [],
        [queued()],
        [queued(), dispatched(), rescheduled(NOW, "carrier"), dispatched(2)],
        [queued(), dispatched(), sent(), e.TextDelivered(text_id=TEXT)],
        [queued(), dispatched(), sent()],
    ],
)
def test_news_of_an_attempt_that_is_settled_changes_nothing(result: Any, happened: list[e.Event]) -> None:
    """P3"""
    given(ready(), happened).when(record(result)).then().answering(changed=False)


@pytest.mark.parametrize(
    "result", [no(21211), NotTaken(cause="absent"), InDoubt(reason="Silence."), GivenUp()]
)
def test_a_text_that_waits_for_another_try_has_had_its_answer(result: Any) -> None:
    """P3"""
    happened = [queued(), dispatched(), rescheduled(NOW, "carrier")]
    given(ready(), happened).when(record(result)).then().answering(changed=False)


def test_a_text_that_arrived_after_all_is_not_tried_again() -> None:
    """P3"""
    outcome = given(ready(), queued(), dispatched(), rescheduled(NOW, "carrier")).when(record(TAKEN))
    outcome.then(sent()).and_when(start(attempt=2)).refused("stale")


def test_what_was_sent_and_never_heard_of_again_ends_as_unknown() -> None:
    """P3"""
    outcome = given(ready(49), queued(), dispatched(), sent()).when(record(GivenUp()))
    outcome.then(e.TextUnknown(text_id=TEXT))
    assert outcome.balance == 49


# --- what ended as unknown --------------------------------------------------------------------------

UNKNOWN = [queued("x" * 161), dispatched(), sent(), e.TextUnknown(text_id=TEXT)]


def test_a_text_that_ended_as_unknown_can_be_refunded_by_hand_once() -> None:
    outcome = given(ready(48), UNKNOWN).when(refund())
    outcome.then(failed(reason="Never arrived."), refunded(2, 50, "by_hand")).answering(balance=50)
    outcome.and_when(refund()).refused("text_not_unknown")


@pytest.mark.parametrize("happened", [[], [queued()], [queued(), dispatched(), sent(), delivered()]])
def test_only_what_ended_as_unknown_is_refunded_by_hand(happened: list[e.Event]) -> None:
    given(ready(49), happened).when(refund()).refused("text_not_unknown")


def test_of_too_many_unknown_texts_the_latest_can_be_refunded() -> None:
    many = [UUID(int=n) for n in range(1, UNKNOWN_MAX + 2)]
    ends = [[queued(text_id=one), e.TextUnknown(text_id=one)] for one in many]
    history = given(ready(49), ends)
    history.when(refund(text_id=many[0])).refused("text_not_unknown")
    assert history.when(refund(text_id=many[1])).balance == 50
