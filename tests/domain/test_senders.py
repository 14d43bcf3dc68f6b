"""Senders: what an account texts from, which of them a text leaves from, and a stop to any of them."""

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from domain import account as accounts
from domain import countries
from domain.account import Account
from domain.policy import Policy
from domain.senders import SENDERS_MAX, Sender, choose, where_to_text
from schemas import events as e
from schemas.commands import HandedOver, InDoubt, NotTaken, Result, TurnedDown
from tests.domain.facts import (
    active,
    assigned,
    cancelled,
    dispatched,
    doubted,
    granted,
    numbered,
    queued,
    ready,
    refunded,
    sent,
)
from tests.domain.given import NOW, given, on
from tests.domain.people import (
    SENDER,
    add_consent,
    assign,
    receive,
    record,
    send,
    start,
    withdraw_sender,
)

SERVICE = "MG0123456789abcdef0123456789abcdef"
SECOND = "+12025550143"
GERMAN = "+4930901820"
BOTH = Policy(carriers=frozenset({"twilio", "backup"}))

US, DE = Sender(SENDER, "US"), Sender(GERMAN, "DE")
ELSEWHERE = Sender(SECOND, "US", carrier="backup")
POOL = Sender(SERVICE, None, "messaging_service")
NAME = Sender("ACME", None, "alphanumeric")
SHORT = Sender("72345", "NZ", "short_code")

# --- assigning and withdrawing ----------------------------------------------------------------------


def test_a_number_says_itself_where_it_is_from() -> None:
    outcome = given().when(assign(SENDER, region="FR"))
    outcome.then(assigned(SENDER, "US")).answering(kind="long_code", region="US")


def test_a_toll_free_number_is_known_by_its_digits_and_any_number_by_what_the_operator_says() -> None:
    given().when(assign("+18005550123")).then(assigned("+18005550123", "US", "toll_free"))
    given().when(assign(SENDER, kind="toll_free")).then(assigned(SENDER, "US", "toll_free"))


def test_a_messaging_service_is_from_somewhere_or_anywhere() -> None:
    given().when(assign(SERVICE)).then(assigned(SERVICE, None, "messaging_service"))
    given().when(assign(SERVICE, region="DE")).then(assigned(SERVICE, "DE", "messaging_service"))


def test_a_short_code_is_at_home_in_one_country_and_a_name_nowhere() -> None:
    given().when(assign("72345")).refused("sender_region_needed")
    given().when(assign("72345", region="US")).then(assigned("72345", "US", "short_code"))
    given().when(assign("ACME", region="US")).then(assigned("ACME", None, "alphanumeric"))


def test_what_the_operator_says_must_fit_what_is_seen() -> None:
    given().when(assign(SERVICE, kind="toll_free")).refused("sender_kind_wrong", "messaging_service")
    given().when(assign("+15550000000")).refused("number_invalid")


def test_a_carrier_must_be_configured() -> None:
    given().when(assign(carrier="backup")).refused("carrier_unknown", "backup", "twilio")
    given().under(BOTH).when(assign(carrier="backup")).then(assigned(carrier="backup"))


def test_an_account_has_as_many_senders_as_were_assigned_in_that_order() -> None:
    outcome = given(active()).when(assign(SECOND))
    assert [one.id for one in outcome.history.account().senders] == [SENDER, SECOND]


def test_the_sender_that_is_assigned_already_changes_nothing_or_is_corrected_in_its_place() -> None:
    history = given(active(), assigned(SECOND))
    history.when(assign(SENDER)).then()
    outcome = history.when(assign(SENDER, kind="toll_free")).then(assigned(kind="toll_free"))
    assert [(one.id, one.kind) for one in outcome.history.account().senders] == [
        (SENDER, "toll_free"),
        (SECOND, "long_code"),
    ]


def test_there_is_an_end_to_senders_though_not_to_corrections() -> None:
    many = [assigned(f"+1202555{n:04d}") for n in range(100, 100 + SENDERS_MAX)]
    given(many).when(assign("+12025550199")).refused("too_many_senders", str(SENDERS_MAX))
    given(many).when(assign("+12025550100", kind="toll_free")).then(
        assigned("+12025550100", kind="toll_free")
    )


def test_the_operator_takes_a_sender_away() -> None:
    history = given(active(), assigned(SECOND))
    outcome = history.when(withdraw_sender()).then(e.SenderWithdrawn(sender=SENDER)).answering(senders=1)
    assert [one.id for one in outcome.history.account().senders] == [SECOND]
    given(active()).when(withdraw_sender(SECOND)).refused("sender_unknown")


def test_where_the_last_sender_went_a_text_comes_back() -> None:
    history = given(active(49), numbered(), granted(), queued(), e.SenderWithdrawn(sender=SENDER))
    history.when(start()).then(cancelled("no_sender"), refunded(1, 50, "no_sender"))


def test_in_old_histories_the_next_sender_took_the_place_of_the_one_before() -> None:
    """What `sender-assigned.v1` said."""
    upcast = e.SenderAssigned.OLD_NAMES["sender-assigned.v1"]
    state = Account()
    for old, now in (({"sender": SENDER, "region": "US"}, US), ({"sender": SERVICE, "region": None}, POOL)):
        state = accounts.evolve(state, e.SenderAssigned.model_validate(upcast(old)))
        assert state.senders == (now,)


# --- the choice -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("senders", "region", "last", "failing", "chosen"),
    [
        ([], "US", None, set(), None),
        ([US], "DE", GERMAN, {"twilio"}, US),
        # the one that they know
        ([US, DE], "US", GERMAN, set(), DE),
        ([US, DE], "US", "+4930901821", set(), US),
        # by country
        ([US, DE], "DE", None, set(), DE),
        ([DE, US], "US", None, set(), US),
        ([POOL, US], "US", None, set(), US),
        ([US, POOL], "AT", None, set(), POOL),
        ([DE, US], "CA", None, set(), US),
        ([US, SHORT], "NZ", None, set(), SHORT),
        ([SHORT, US], "US", None, set(), US),
        # a number from the country itself, even where nobody says that it is kept
        ([US, DE], "SE", None, set(), US),
        # a name comes last
        ([NAME, US], "SE", None, set(), US),
        # of two alike the first
        ([US, ELSEWHERE], "US", None, set(), US),
        ([ELSEWHERE, US], "US", None, set(), ELSEWHERE),
        # not through a carrier that fails, if there is another
        ([US, ELSEWHERE], "US", SENDER, {"twilio"}, ELSEWHERE),
        ([US, DE], "US", SENDER, {"twilio"}, US),
        ([US, ELSEWHERE], "US", SECOND, {"twilio", "backup"}, ELSEWHERE),
        # never from one that the country blocks, if there is another
        ([Sender("+5511961234567", "BR"), US], "BR", "+5511961234567", set(), US),
        ([Sender("+5511961234567", "BR")] * 2, "BR", None, set(), Sender("+5511961234567", "BR")),
    ],
)
def test_which_sender_a_text_leaves_from(
    senders: list[Sender], region: str, last: str | None, failing: set[str], chosen: Sender | None
) -> None:
    assert choose(senders, region, last, failing) == chosen


_senders = st.lists(st.sampled_from([US, DE, ELSEWHERE, POOL, NAME, SHORT]), max_size=5, unique=True)
_regions = st.sampled_from([*countries.POLICIES, "ZZ"])


_carriers = st.sets(st.sampled_from(["twilio", "backup"]))


@examples(_senders, _regions, st.sampled_from([None, SENDER, SECOND, SERVICE]), _carriers)
def test_the_choice_is_one_of_the_accounts_own_and_who_answers_stays(
    senders: list[Sender], region: str, last: str | None, failing: set[str]
) -> None:
    chosen = choose(senders, region, last, failing)
    assert (chosen in senders) if senders else (chosen is None)
    if chosen is not None:
        assert choose(senders, region, chosen.id, failing) == chosen


# --- the one that they know -------------------------------------------------------------------------


def test_a_text_leaves_from_the_sender_that_texted_the_recipient_before() -> None:
    before = [queued(), dispatched(sender=SECOND), sent(), e.TextDelivered(text_id=queued().text_id)]
    history = given(ready(), assigned(SECOND), before, queued())
    history.when(start()).then(dispatched(sender=SECOND)).answering(sender=SECOND, carrier="twilio")


def test_a_text_that_the_carrier_never_took_makes_no_acquaintance() -> None:
    history = given(ready(), assigned(SECOND), queued(), dispatched(sender=SECOND))
    assert history.conversation().sender is None
    taken = history.when(record(HandedOver(sid="SM9", status="queued")))
    assert taken.history.conversation().sender == SECOND


@pytest.mark.parametrize("body", ["Yes, at ten", "HELP"])
def test_a_text_leaves_from_the_sender_that_the_recipient_texted(body: str) -> None:
    history = given(ready(), assigned(SECOND)).when(receive(body, sender=SECOND)).history
    assert history.conversation().sender == SECOND
    given(history.events, queued()).when(start()).then(dispatched(sender=SECOND))


def test_a_reply_to_who_knows_which_of_our_numbers_changes_nothing() -> None:
    history = given(ready(), assigned(SECOND)).when(receive("Hello", sender=SECOND)).history
    assert history.when(receive("Hello again")).history.conversation().sender == SECOND


def test_the_warnings_are_those_of_the_sender_that_it_would_leave_from() -> None:
    """3.15"""
    vienna = "+436641234567"
    talk = [numbered(number=vienna), on(vienna, granted())]
    known = ["sender_overwritten", "no_replies"]
    given(active(), talk).when(send(number=vienna)).answering(warnings=known)
    home = assigned("+43720123456", "AT")
    given(active(), home, talk).when(send(number=vienna)).answering(warnings=[])
    given(assigned("ACME", None, "alphanumeric"), active()[:1], talk).when(send(number=vienna)).answering(
        warnings=["no_replies"]
    )


# --- a stop to any of them --------------------------------------------------------------------------


def test_a_stop_to_one_of_the_accounts_numbers_is_a_stop_to_all() -> None:
    """3.8, P1, P6"""
    history = given(ready(), assigned(SECOND), queued()).when(receive("STOP", sender=SECOND)).history
    history.when(send()).refused("revoked_by_keyword", SECOND)
    history.when(add_consent()).refused("revoked_by_keyword", SECOND)
    assert history.conversation().texts == {}


@pytest.mark.parametrize(
    ("senders", "last", "said"),
    [
        ([US, DE], None, SENDER),
        ([US, DE], GERMAN, GERMAN),
        ([POOL, DE], SERVICE, "the number that texted them"),
        ([NAME], None, "the number that texted them"),
        ([], SENDER, "the number that texted them"),
    ],
)
def test_whoever_said_stop_is_told_where_to_text_start(
    senders: list[Sender], last: str | None, said: str
) -> None:
    """3.9"""
    assert where_to_text(senders, last) == said


# --- when a carrier fails ---------------------------------------------------------------------------

OTHER_CARRIER = assigned(SECOND, carrier="backup")
UNREACHABLE = NotTaken(cause="unreachable")
FAULTS = [
    UNREACHABLE,
    TurnedDown(code=20003, http_status=401),
    TurnedDown(code=21659, http_status=400),
    TurnedDown(code=20429, http_status=429),
    TurnedDown(http_status=404),
]


def elsewhere(*failed: str, code: int | None = None) -> e.TextRescheduled:
    return e.TextRescheduled(
        text_id=queued().text_id, send_at=NOW, delay="carrier", code=code, failed_carriers=frozenset(failed)
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_carrier_cannot_take_another_takes_at_once(fault: Result) -> None:
    history = given(ready(), OTHER_CARRIER, queued(), dispatched())
    code = fault.code if isinstance(fault, TurnedDown) else None
    outcome = history.when(record(fault)).then(elsewhere("twilio", code=code))
    again = outcome.history.when(start(attempt=2))
    again.then(dispatched(2, sender=SECOND, carrier="backup")).answering(carrier="backup")


@pytest.mark.parametrize(
    "no",
    [
        TurnedDown(code=21610, http_status=400),
        TurnedDown(code=21211, http_status=400),
        NotTaken(cause="absent"),
        InDoubt(reason="No answer."),
    ],
)
def test_what_is_the_texts_own_fault_or_in_doubt_goes_to_nobody_else(no: Result) -> None:
    """P3"""
    outcome = given(ready(), OTHER_CARRIER, queued(), dispatched()).when(record(no))
    assert outcome.decision is not None
    moved = [event for _, event in outcome.decision.events if isinstance(event, e.TextRescheduled)]
    assert all(not event.failed_carriers for event in moved)


def test_a_text_in_doubt_is_not_begun_again_whichever_carriers_fail() -> None:
    """P3"""
    history = given(ready(), OTHER_CARRIER, queued(), dispatched(), doubted())
    history.when(start(attempt=2, failing_carriers={"twilio"})).refused("stale")


@pytest.mark.parametrize("others", [[], [assigned(SECOND)]])
def test_without_another_carrier_it_is_tried_again_or_fails_as_ever(others: list[e.Event]) -> None:
    history = given(ready(49), others, queued(), dispatched())
    waits = history.when(record(UNREACHABLE)).history.conversation().texts[queued().text_id]
    assert (waits.state, waits.failed_carriers) == ("waiting", frozenset())
    assert waits.send_at is not None
    assert waits.send_at > NOW
    assert history.when(record(FAULTS[1])).history.account().stopped is not None


def test_where_every_carrier_failed_it_waits_and_begins_anew() -> None:
    history = given(ready(), OTHER_CARRIER, queued(), dispatched()).when(record(UNREACHABLE)).history
    both = history.when(start(attempt=2)).history.when(record(UNREACHABLE, attempt=2)).history
    text = both.conversation().texts[queued().text_id]
    assert text.failed_carriers == frozenset()
    assert text.send_at is not None
    assert text.send_at > NOW
    both.at(text.send_at).when(start(attempt=3)).then(dispatched(3))


def test_where_every_carrier_refuses_the_account_it_is_stopped() -> None:
    refused = FAULTS[1]
    history = given(ready(), OTHER_CARRIER, queued(), dispatched()).when(record(refused)).history
    assert history.account().stopped is None
    both = history.when(start(attempt=2)).history.when(record(refused, attempt=2)).history
    assert both.account().stopped is not None


def test_a_carrier_that_is_known_to_fail_is_not_asked_first() -> None:
    history = given(ready(), OTHER_CARRIER, queued())
    history.when(start(failing_carriers={"twilio"})).then(dispatched(sender=SECOND, carrier="backup"))
    history.when(start(failing_carriers={"twilio", "backup"})).then(dispatched())
    given(ready(), queued()).when(start(failing_carriers={"twilio"})).then(dispatched())
