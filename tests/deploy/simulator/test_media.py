"""Pictures and files from phones, against what Twilio documents of its media resource."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from tests.deploy.simulator.conftest import ACCOUNT, OUR_NUMBER, PHONE, TOKEN, Simulator, is_signed
from tests.deploy.simulator.published import MEDIA, MEDIA_LIST, MESSAGE, check_answer, check_error
from tests.deploy.webhook_receiver import WebhookReceiver
from tests.support.pictures import media, png

AUTH = (ACCOUNT, TOKEN)


def send(simulator: Simulator, *sent: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"to": OUR_NUMBER, "media": sent, **more}
    answer = simulator.http.post(f"/phones/{PHONE}/messages", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def address(sayso: WebhookReceiver) -> str:
    """Where the webhook says that the first file is."""
    (call,) = sayso.take()
    return call.form["MediaUrl0"]


def test_the_webhook_names_each_file(simulator: Simulator, sayso: WebhookReceiver) -> None:
    sent = send(simulator, media(png()), media(b"%PDF", "application/pdf"), body="My papers")
    (call,) = sayso.take()
    assert is_signed(call)
    assert sent["sid"].startswith("MM")
    assert (call.form["Body"], call.form["NumMedia"]) == ("My papers", "2")
    assert [call.form[f"MediaContentType{n}"] for n in range(2)] == ["image/png", "application/pdf"]
    path = f"{simulator.url}/2010-04-01/Accounts/{ACCOUNT}/Messages/{sent['sid']}/Media/ME"
    assert all(call.form[f"MediaUrl{n}"].startswith(path) for n in range(2))


def test_its_answers_are_those_of_the_published_description(
    simulator: Simulator, sayso: WebhookReceiver
) -> None:
    sent = send(simulator, media(png()), media(b"x", "text/plain"))
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sent['sid']}"
    message = simulator.http.get(f"{path}.json", auth=AUTH).json()
    check_answer(MESSAGE, "get", 200, message)
    assert message["num_media"] == "2"
    listed = simulator.http.get(message["subresource_uris"]["media"], auth=AUTH).json()
    check_answer(MEDIA_LIST, "get", 200, listed)
    assert [one["content_type"] for one in listed["media_list"]] == ["image/png", "text/plain"]
    for one in listed["media_list"]:
        check_answer(MEDIA, "get", 200, simulator.http.get(one["uri"], auth=AUTH).json())
    with_client = simulator.client.messages(sent["sid"]).media.list()
    assert [one.sid for one in with_client] == [one["sid"] for one in listed["media_list"]]


def test_a_file_takes_credentials_and_redirects_to_where_it_takes_none(
    simulator: Simulator, sayso: WebhookReceiver
) -> None:
    send(simulator, media(png()))
    url = address(sayso)
    refused = simulator.http.get(url)
    assert refused.status_code == 401
    check_error(refused.json())
    redirected = simulator.http.get(url, auth=AUTH)
    assert redirected.status_code == 307
    signed = redirected.headers["Location"]
    answer = simulator.http.get(signed)
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/png", png())
    assert simulator.http.get(signed, auth=AUTH).status_code == 403  # they were sent to the wrong one
    assert simulator.http.get(signed[:-1] + ("0" if signed[-1] != "0" else "1")).status_code == 403
    assert simulator.http.get(signed.partition("?")[0]).status_code == 403
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=4, minutes=1)):
        assert simulator.http.get(signed).status_code == 403


def test_what_is_not_there_is_said_as_twilio_says_it(simulator: Simulator, sayso: WebhookReceiver) -> None:
    sent = send(simulator, media(png()))
    other = simulator.answer("no picture")
    sid = address(sayso).rpartition("/")[2] if sayso.calls.qsize() else "ME0"
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"
    for wrong in (f"{path}/{other['sid']}/Media/{sid}", f"{path}/{sent['sid']}/Media/ME{'0' * 32}.json",
                  f"{path}/MM{'0' * 32}/Media.json"):  # fmt: skip
        answer = simulator.http.get(wrong, auth=AUTH)
        assert answer.status_code == 404
        check_error(answer.json())


def test_it_fails_as_it_was_told(simulator: Simulator, sayso: WebhookReceiver) -> None:
    send(simulator, media(png(), status=503, times=2))
    url = address(sayso)
    assert [simulator.http.get(url, auth=AUTH).status_code for _ in range(3)] == [503, 503, 307]
    send(simulator, media(png(), redirect_to="https://elsewhere.example/x"))
    assert simulator.http.get(address(sayso), auth=AUTH).headers["Location"] == "https://elsewhere.example/x"


@pytest.mark.parametrize("said", [{}, {"media": []}, {"body": ""}, {"media": [{"content_type": "a/b"}]}])
def test_a_phone_that_says_nothing_is_told_so(simulator: Simulator, said: dict[str, Any]) -> None:
    answer = simulator.http.post(f"/phones/{PHONE}/messages", json={"to": OUR_NUMBER, **said})
    assert answer.status_code == 422
