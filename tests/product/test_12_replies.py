"""Replies: in the thread at once, unread until somebody reads them."""

import json
import threading

import pytest

from schemas.actors import Permission
from tests.support.office import Office, Person, carrier_posts
from tests.support.sayso import eventually


@pytest.fixture
def office(shared_office: Office) -> Office:
    return shared_office


@pytest.fixture
def ada(office: Office) -> Person:
    return office.candidate()


def test_a_reply_stands_in_the_thread_newest_first(ada: Person) -> None:
    text = ada.gets()
    ada.phone.shows("Hi Ada, this is Acme Robotics. Reply STOP to get no more texts.")
    ada.phone.writes("Tuesday is fine 👍")
    eventually(lambda: len(ada.messages()) == 2)
    reply, sent = ada.messages()
    assert (reply["kind"], reply["status"], reply["body"]) == ("reply", "received", "Tuesday is fine 👍")
    assert sent["id"] == text["text_id"]
    assert reply["version"] > sent["version"]


def test_a_reply_is_unread_until_somebody_reads_it(ada: Person) -> None:
    office = ada.office
    first, second = ada.writes("Tuesday is fine"), ada.writes("Or Wednesday")
    assert first["unread"]
    assert second["unread"]
    assert ada.thread()["unread"] == 2
    line = next(one for one in office.boss.get("/candidates")["items"] if one["candidate"] == ada.candidate)
    assert line["unread"] == 2

    office.member(Permission.VIEW, member="vera").accepted("mark-read", **ada.at)
    assert ada.thread()["unread"] == 0
    assert not any(message["unread"] for message in ada.messages())
    assert ada.writes("Hello?")["unread"]
    assert ada.thread()["unread"] == 1


def test_a_keyword_is_unread_too(ada: Person) -> None:
    assert ada.writes("STOP")["unread"]
    assert ada.thread()["unread"] == 1


def test_a_reply_of_any_length_and_script_is_kept_whole(ada: Person) -> None:
    for body in ("ça va ? 👩🏽‍💻 " * 60, "שלום", "<script>alert(1)</script>", "a\nb"):
        assert ada.writes(body)["body"] == body


def test_the_same_reply_delivered_twice_stands_once(ada: Person) -> None:
    form = {"MessageSid": "SM" + "7" * 32, "From": ada.number, "To": ada.office.sender, "Body": "Once"}
    for _ in range(3):
        assert carrier_posts(ada.office.system, "inbound", form).status_code == 200
    eventually(lambda: ada.message(form["MessageSid"]))
    assert [message["body"] for message in ada.messages()] == ["Once"]


def test_an_attachment_is_noted_and_a_text_without_words_is_a_reply(ada: Person) -> None:
    form = {
        "MessageSid": "MM" + "8" * 32, "From": ada.number, "To": ada.office.sender, "Body": "",
        "NumMedia": "1", "MediaUrl0": "https://api.twilio.com/media/ME1", "MediaContentType0": "image/jpeg",
    }  # fmt: skip
    assert carrier_posts(ada.office.system, "inbound", form).status_code == 200
    message = eventually(lambda: ada.message(form["MessageSid"]))
    (noted,) = message["media"]
    assert (message["kind"], noted["state"]) == ("reply", "waiting")
    assert (noted["url"], noted["content_type"]) == ("https://api.twilio.com/media/ME1", "image/jpeg")


def test_a_text_to_a_number_that_is_no_accounts_is_kept_and_answered_well(office: Office) -> None:
    form = {"MessageSid": "SM" + "9" * 32, "From": "+14157770003", "To": "+14157770004", "Body": "Hi"}
    assert carrier_posts(office.system, "inbound", form).status_code == 200


def test_live_readers_hear_of_a_reply(ada: Person) -> None:
    heard, conversation = [], ada.thread()["conversation"]
    listening = threading.Event()

    def listen() -> None:
        with ada.office.boss.http.stream("GET", "/stream") as stream:
            for line in stream.iter_lines():
                listening.set()
                change = json.loads(line[5:]) if line.startswith("data:") else None
                if change == {"kind": "message", "subject": conversation}:
                    heard.append(change)
                    return

    reader = threading.Thread(target=listen, daemon=True)
    reader.start()
    assert listening.wait(10)
    ada.writes("Hello")
    reader.join(10)
    assert len(heard) == 1
