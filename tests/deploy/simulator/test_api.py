"""The messages API and its callbacks against what Twilio documents, with Twilio's own client."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.request_validator import RequestValidator

from deploy.simulator.behaviour import MAGIC_RECIPIENTS
from tests.deploy.simulator.conftest import (
    ACCOUNT,
    OUR_NUMBER,
    PHONE,
    POOL,
    SERVICE,
    TOKEN,
    Simulator,
    is_signed,
    refused,
)
from tests.deploy.simulator.published import MESSAGE, MESSAGES, check_answer, check_error, parameters
from tests.deploy.webhook_receiver import WebhookReceiver

# --- the messages API -----------------------------------------------------------------------------


def test_its_answers_are_those_of_the_published_description(
    simulator: Simulator, sayso: WebhookReceiver
) -> None:
    auth, path = (ACCOUNT, TOKEN), f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    for sender in ({"From": OUR_NUMBER}, {"MessagingServiceSid": SERVICE}):
        sent = simulator.http.post(path, auth=auth, data={"To": PHONE, "Body": "Hi", **sender})
        assert sent.status_code == 201
        check_answer(MESSAGES, "post", 201, sent.json())
        check_answer(MESSAGE, "get", 200, simulator.http.get(sent.json()["uri"], auth=auth).json())
    simulator.behave(PHONE, ends="undelivered", ends_with_code=30005)
    simulator.send()
    simulator.answer("an answer")
    sayso.take(3)
    listed = simulator.http.get(path, auth=auth, params={"PageSize": 2}).json()
    check_answer(MESSAGES, "get", 200, listed)
    assert (len(listed["messages"]), listed["next_page_uri"] is not None) == (2, True)


def test_the_description_knows_what_is_asked_of_it() -> None:
    assert {"To", "From", "MessagingServiceSid", "Body", "StatusCallback"} <= parameters(MESSAGES, "post")


def test_its_errors_have_twilios_four_fields(simulator: Simulator) -> None:
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    answer = simulator.http.post(path, auth=(ACCOUNT, TOKEN), data={"From": OUR_NUMBER, "Body": "x"})
    assert answer.status_code == 400
    assert answer.json() == {
        "code": 21604,
        "message": "A 'To' phone number is required.",
        "more_info": "https://www.twilio.com/docs/errors/21604",
        "status": 400,
    }
    check_error(answer.json())


@pytest.mark.parametrize("code", sorted(MAGIC_RECIPIENTS.values()))
@pytest.mark.parametrize("problem_details", [False, True])
def test_a_refusal_has_either_form_of_twilios_errors(
    simulator: Simulator, code: int, problem_details: bool
) -> None:
    simulator.behave(PHONE, error_code=code, problem_details=problem_details)
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    said = {"To": PHONE, "From": OUR_NUMBER, "Body": "x"}
    answer = simulator.http.post(path, auth=(ACCOUNT, TOKEN), data=said)
    check_error(answer.json())
    assert ("type" in answer.json(), answer.json()["code"]) == (problem_details, code)
    expected = TwilioServiceException if problem_details else TwilioRestException
    with pytest.raises(expected, check=lambda error: error.code == code):
        simulator.send()


def test_too_many_requests_come_with_a_time_to_wait(simulator: Simulator) -> None:
    simulator.behave(PHONE, error_code=20429, retry_after_s=7, problem_details=True)
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    said = {"To": PHONE, "From": OUR_NUMBER, "Body": "x"}
    answer = simulator.http.post(path, auth=(ACCOUNT, TOKEN), data=said)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.headers["content-type"] == "application/problem+json"
    check_error(answer.json())


@pytest.mark.parametrize("auth", [("", ""), (ACCOUNT, "wrong"), ("wrong", TOKEN), (ACCOUNT, "é")])
def test_nobody_gets_in_without_the_token(simulator: Simulator, auth: tuple[str, str]) -> None:
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    for answer in (
        simulator.http.get(path, auth=auth),
        simulator.http.post(path, auth=auth, data={"Body": "x"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)


def test_another_account_and_another_message_are_not_found(simulator: Simulator) -> None:
    with refused(20404):
        simulator.client.api.accounts("AC" + "9" * 32).messages("SM" + "9" * 32).fetch()
    with refused(20404):
        simulator.client.messages("SM" + "9" * 32).fetch()


def test_a_sender_is_asked_for(simulator: Simulator) -> None:
    with refused(21603):
        simulator.client.messages.create(to=PHONE, body="x")
    with refused(21212):
        simulator.send(from_="Acme")
    with refused(21609):
        simulator.client.messages.create(to=PHONE, body="x", from_=OUR_NUMBER, status_callback="nowhere")


def test_a_list_by_number_and_by_day(simulator: Simulator, sayso: WebhookReceiver) -> None:
    for number in range(3):
        simulator.send(body=f"text {number}")
    simulator.send(to="+12025550144", body="to another phone")
    sayso.take(8)
    found = simulator.client.messages.list
    assert [one.body for one in found(to=PHONE)] == ["text 2", "text 1", "text 0"]
    assert [one.body for one in found(to=PHONE, page_size=1, limit=2)] == ["text 2", "text 1"]
    assert len(found(from_=OUR_NUMBER)) == 4
    today = datetime.now(UTC)
    assert len(found(to=PHONE, date_sent=found(to=PHONE)[0].date_sent.date())) == 3
    assert len(found(to=PHONE, date_sent_after=today - timedelta(minutes=1))) == 3
    assert found(to=PHONE, date_sent_after=today + timedelta(minutes=1)) == []
    assert found(to=PHONE, date_sent_before=date(2026, 1, 1)) == []


def test_a_date_that_cannot_be_read_is_refused(simulator: Simulator) -> None:
    path, auth = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", (ACCOUNT, TOKEN)
    dates = [("DateSent", "soon"), ("DateSent>", "2026-13-01"), ("DateSent<", "9999-12-31")]
    for name, value in [*dates, ("PageSize", "-1"), ("PageSize", "0"), ("Page", "²")]:
        assert simulator.http.get(path, auth=auth, params={name: value}).json()["code"] == 20001


# --- callbacks ------------------------------------------------------------------------------------


def test_statuses_are_called_back_in_order_and_signed(simulator: Simulator, sayso: WebhookReceiver) -> None:
    sent = simulator.send()
    calls = sayso.take(2)
    assert [call.form["MessageStatus"] for call in calls] == ["sent", "delivered"]
    assert {call.form["MessageSid"] for call in calls} == {sent.sid}
    assert {call.url for call in calls} == {f"{sayso.url}/status?text=42&x=%C3%A9"}
    assert all(is_signed(call) for call in calls)
    assert simulator.client.messages(sent.sid).fetch().status == "delivered"


def test_a_messaging_service_gives_a_recipient_always_the_same_number(
    simulator: Simulator, sayso: WebhookReceiver
) -> None:
    sent = [simulator.send(messaging_service_sid=SERVICE) for _ in range(2)]
    assert [(one.status, one.from_, one.num_segments) for one in sent] == [("accepted", None, "0")] * 2
    calls = sayso.take(6)
    assert {call.form["MessagingServiceSid"] for call in calls} == {SERVICE}
    assert len({call.form["From"] for call in calls} & set(POOL)) == 1
    fetched = simulator.client.messages(sent[0].sid).fetch()
    assert (fetched.from_ in POOL, fetched.num_segments) == (True, "1")


def test_the_newer_signature_names_its_algorithm(start: Any, sayso: WebhookReceiver) -> None:
    start(signing="HMAC_SHA256").send()
    (call, _) = sayso.take(2)
    assert not is_signed(call)
    assert call.headers["x-twilio-webhooks-signature-settings"] == "key=simulator,algorithm=HMAC_SHA256"
    made = call.headers["x-twilio-signature"]
    assert RequestValidator(TOKEN).validate(call.url, call.form, made, "HMAC_SHA256")


@pytest.mark.parametrize(
    ("behaviour", "reported"),
    [
        ({"ends": "undelivered", "ends_with_code": 30005}, ["sent", "undelivered"]),
        ({"ends": "failed", "ends_with_code": 30001}, ["failed"]),
        ({"ends": "sent"}, ["sent"]),
        ({"callbacks": "twice"}, ["sent", "sent", "delivered", "delivered"]),
        ({"callbacks": "reversed"}, ["delivered", "sent"]),
    ],
)
def test_a_number_can_be_told_how_to_behave(
    simulator: Simulator, sayso: WebhookReceiver, behaviour: dict[str, object], reported: list[str]
) -> None:
    simulator.behave(PHONE, **behaviour)
    simulator.send()
    calls = sayso.take(len(reported))
    assert [call.form["MessageStatus"] for call in calls] == reported
    assert calls[-1].form.get("ErrorCode") == (str(behaviour.get("ends_with_code", "")) or None)


def test_lost_callbacks_leave_the_message_as_it_is(simulator: Simulator, sayso: WebhookReceiver) -> None:
    simulator.behave(PHONE, callbacks="lost", segments=3)
    sent = simulator.send()
    assert sent.num_segments == "3"
    simulator.send(to="+12025550145")  # whose callbacks come after those of the first would have
    assert {call.form["To"] for call in sayso.take(2)} == {"+12025550145"}
    assert simulator.client.messages(sent.sid).fetch().status == "delivered"


def test_a_behaviour_that_makes_no_sense_is_refused(simulator: Simulator) -> None:
    for nonsense in ({"ends": "well"}, {"answer_after_s": -1}, {"unknown": 1}):
        assert simulator.http.put(f"/phones/{PHONE}/behaviour", json=nonsense).status_code == 422
