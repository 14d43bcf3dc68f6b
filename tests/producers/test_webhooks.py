"""The carrier's doors: signed calls become commands or are kept; unsigned ones leave no trace."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from producers.http.webhooks import INBOUND_PATH, NO_ANSWER, STATUS_PATH, status_callback_url
from tests.producers.test_commands import code
from tests.producers.world import PUBLIC_URL, Caller, Json, World, fresh_number, thread
from tests.support.sayso import eventually


def sid() -> str:
    return f"SM{uuid4().hex}"


def reply(boss: Caller, number: str, body: str, **more: str) -> Json:
    sender = boss.get().json()["sender"]
    return {"MessageSid": sid(), "From": number, "To": sender, "Body": body, "NumMedia": "0", **more}


def messages(boss: Caller, candidate: str, number: str, kind: str) -> list[Json]:
    items = boss.get(thread(candidate, number)).json()["items"]
    return [item for item in items if item["kind"] == kind]


def letters(boss: Caller) -> list[str]:
    return [letter["reason"] for letter in boss.get("/dead-letters").json()["items"]]


# --- replies --------------------------------------------------------------------------------------


def test_a_reply_stands_in_the_thread(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    answer = world.carrier_posts(INBOUND_PATH, reply(boss, number, "Tuesday is fine 👍 & good"))
    assert (answer.status_code, answer.text) == (200, NO_ANSWER)
    assert answer.headers["content-type"].startswith("text/xml")
    found = eventually(lambda: messages(boss, candidate, number, "reply"))
    assert [(one["body"], one["unread"]) for one in found] == [("Tuesday is fine 👍 & good", True)]


def test_the_same_reply_twice_is_one(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    form = reply(boss, number, "Yes, gladly")
    for _ in range(3):
        assert world.carrier_posts(INBOUND_PATH, form).status_code == 200
    world.carrier_posts(INBOUND_PATH, reply(boss, number, "And another"))
    eventually(lambda: len(messages(boss, candidate, number, "reply")) >= 2)
    assert len(messages(boss, candidate, number, "reply")) == 2


def test_a_stop_takes_consent_away(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    world.carrier_posts(INBOUND_PATH, reply(boss, number, "Stop.", OptOutType="STOP"))
    path = thread(candidate, number) + "/consent"
    eventually(lambda: boss.get(path).json()["status"] == "revoked")


def test_attachments_are_noted_and_not_fetched(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    media = {"NumMedia": "1", "MediaUrl0": "https://api.twilio.com/x", "MediaContentType0": "image/jpeg"}
    world.carrier_posts(INBOUND_PATH, reply(boss, number, "", **media))
    found = eventually(lambda: messages(boss, candidate, number, "reply"))
    (noted,) = found[0]["media"]
    assert (noted["url"], noted["content_type"]) == ("https://api.twilio.com/x", "image/jpeg")
    assert noted["state"] == "waiting"


@pytest.mark.parametrize(
    ("media", "noted"),
    [
        ({"MediaUrl0": "u" * 2_001}, []),
        ({"MediaUrl0": "u", "MediaContentType0": f"image/png; name={'n' * 200}"}, [("u", "image/png")]),
        ({"MediaUrl0": "u", "MediaContentType0": "n" * 201}, [("u", "application/octet-stream")]),
        ({"MediaUrl0": "u" * 2_001, "MediaUrl1": "u\0"}, [("u\ufffd", "application/octet-stream")]),
    ],
)
def test_a_reply_is_kept_without_what_of_its_attachments_cannot_be_noted(
    world: World, media: Json, noted: list[tuple[str, str]]
) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    world.carrier_posts(INBOUND_PATH, reply(boss, number, "Look", **media))
    (found,) = eventually(lambda: messages(boss, candidate, number, "reply"))
    assert (found["body"], [(one["url"], one["content_type"]) for one in found["media"]]) == ("Look", noted)
    assert letters(boss) == []


def test_what_lies_with_another_account_of_the_carrier_came_with_no_message_to_this_one(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    ours = str(world.sayso.settings.twilio_account_sid)
    base = "https://api.twilio.com/2010-04-01/Accounts"
    own, others = (f"{base}/{account}/Messages/MM1/Media/ME1" for account in (ours, "AC" + "9" * 32))
    media = {"AccountSid": ours, "MediaUrl0": others, "MediaUrl1": own}
    world.carrier_posts(INBOUND_PATH, reply(boss, number, "Look", **media))
    (found,) = eventually(lambda: messages(boss, candidate, number, "reply"))
    assert [one["url"] for one in found["media"]] == [own]


@pytest.mark.parametrize(
    "media", [{"MediaUrl0": "u" * 2_001}, {"MediaUrl0": "u", "MediaContentType0": "n" * 201}]
)
def test_a_stop_counts_whatever_comes_along_with_it(world: World, media: Json) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    world.carrier_posts(INBOUND_PATH, reply(boss, number, "STOP", **media))
    path = f"{thread(candidate, number)}/consent"
    eventually(lambda: boss.get(path).json()["status"] == "revoked")


def test_a_keyword_acts_however_long_the_text_is(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    path = f"{thread(candidate, number)}/consent"
    assert boss.get(path).json()["status"] == "granted"
    long = "Stop it! 👍 " + "é" * 10_000
    assert world.carrier_posts(INBOUND_PATH, reply(boss, number, long, OptOutType="STOP")).status_code == 200
    eventually(lambda: boss.get(path).json()["status"] == "revoked")
    (kept,) = messages(boss, candidate, number, "keyword")
    assert kept["body"] == long[:10_000]
    assert letters(boss) == []


def test_a_messaging_service_names_the_account_too(world: World) -> None:
    boss = world.account()
    service = f"MG{uuid4().hex}"
    boss.must("assign-sender", sender=service, region="US")
    candidate, number = boss.candidate()
    form = {**reply(boss, number, "Hello"), "To": fresh_number(), "MessagingServiceSid": service}
    world.carrier_posts(INBOUND_PATH, form)
    eventually(lambda: messages(boss, candidate, number, "reply"))


@pytest.mark.parametrize(
    "change",
    [
        {"From": "12345"},
        {"From": "whatsapp:+14155550123"},
        {"MessageSid": ""},
        {"Body": "x" * 10_001},
    ],
)
def test_a_signed_call_that_cannot_be_used_is_kept(world: World, change: Json) -> None:
    boss = world.account()
    form = {**reply(boss, fresh_number(), "secret words"), **change}
    assert world.carrier_posts(INBOUND_PATH, form).status_code == 200
    kept = boss.get("/dead-letters").json()["items"]
    assert [(letter["source"], letter["reason"]) for letter in kept] == [("twilio-inbound", "fields_wrong")]
    opened = boss.get(f"/dead-letters/{kept[0]['id']}").json()
    assert f"From={form['From'][:4]}".replace("+", "%2B") in opened["body"]


def test_a_reply_to_nobodys_number_is_kept_for_the_operator(world: World) -> None:
    before = world.sayso.stores.dead_letters.count()
    form = {"MessageSid": sid(), "From": fresh_number(), "To": fresh_number(), "Body": "Hello?"}
    assert world.carrier_posts(INBOUND_PATH, form).status_code == 200
    letter = world.sayso.stores.dead_letters.page(None, 1)[0]
    assert (letter.reason, letter.account) == ("sender_unknown", None)
    assert world.sayso.stores.dead_letters.count() == before + 1


def test_dead_letters_come_in_pages(world: World) -> None:
    boss = world.account()
    for _ in range(5):
        world.carrier_posts(INBOUND_PATH, {**reply(boss, "nonsense", "x")})
    first = boss.get("/dead-letters", limit=3).json()
    second = boss.get("/dead-letters", limit=3, cursor=first["next"]).json()
    assert (len(first["items"]), len(second["items"]), second["next"]) == (3, 2, None)
    ids = [letter["id"] for letter in (*first["items"], *second["items"])]
    assert ids == sorted(ids, reverse=True)


# --- news of texts ----------------------------------------------------------------------------------


def callback(boss: Caller, text_id: str) -> str:
    return status_callback_url(PUBLIC_URL, boss.account, UUID(text_id)).removeprefix(PUBLIC_URL)


def a_text(boss: Caller) -> tuple[str, str, str]:
    candidate, number = boss.candidate()
    receipt = boss.must(
        "send-text", candidate=candidate, number=number, body="Hi Ada", override_quiet_hours=True
    )
    return candidate, number, str(receipt["command_id"])


def test_news_of_a_text_is_taken_in(world: World) -> None:
    boss = world.account()
    _, number, text_id = a_text(boss)
    form = {"MessageSid": sid(), "MessageStatus": "sent", "To": number, "From": "+14155550100"}
    answer = world.carrier_posts(callback(boss, text_id), form)
    assert (answer.status_code, answer.content) == (204, b"")
    assert letters(boss) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"MessageStatus": "teleported"}, "status_unknown"),
        ({"MessageStatus": ""}, "status_unknown"),
        ({"To": "whatsapp:+1"}, "fields_wrong"),
        ({"ErrorCode": "many"}, "fields_wrong"),
        ({"MessageSid": ""}, "fields_wrong"),
    ],
)
def test_news_that_cannot_be_used_is_kept(world: World, change: Json, reason: str) -> None:
    boss = world.account()
    _, number, text_id = a_text(boss)
    form = {"MessageSid": sid(), "MessageStatus": "sent", "To": number, **change}
    assert world.carrier_posts(callback(boss, text_id), form).status_code == 204
    assert letters(boss) == [reason]
    letter = boss.get("/dead-letters").json()["items"][0]["id"]
    assert text_id in boss.get(f"/dead-letters/{letter}").json()["body"]


@pytest.mark.parametrize("query", ["", "?account=Not%20One&text=x", "?text=x"])
def test_news_of_no_text_of_ours_is_kept_for_the_operator(world: World, query: str) -> None:
    form = {"MessageSid": sid(), "MessageStatus": "sent", "To": fresh_number()}
    assert world.carrier_posts(STATUS_PATH + query, form).status_code == 204
    assert world.sayso.stores.dead_letters.page(None, 1)[0].reason == "account_unknown"


# --- who calls --------------------------------------------------------------------------------------


def refused(world: World, answer: Any, before: int) -> None:
    assert (answer.status_code, code(answer)) == (403, "bad_signature")
    assert world.sayso.stores.dead_letters.count() == before


@pytest.mark.parametrize("path", [INBOUND_PATH, STATUS_PATH])
@pytest.mark.parametrize("signature", [None, "", "nonsense", "é".encode("latin-1")])
def test_a_call_without_the_carriers_signature_leaves_no_trace(
    world: World, path: str, signature: str | bytes | None
) -> None:
    before = world.sayso.stores.dead_letters.count()
    headers = {} if signature is None else {"X-Twilio-Signature": signature}
    answer = world.http.post(path, data={"MessageSid": sid()}, headers=headers)  # type: ignore[arg-type]
    refused(world, answer, before)


def test_a_signature_holds_for_its_own_text_only(world: World) -> None:
    boss = world.account()
    _, number, text_id = a_text(boss)
    form = {"MessageSid": sid(), "MessageStatus": "sent", "To": number}
    signed = world.carrier_posts(callback(boss, text_id), form).request.headers["X-Twilio-Signature"]
    other = callback(boss, str(uuid4()))
    before = world.sayso.stores.dead_letters.count()
    refused(world, world.http.post(other, data=form, headers={"X-Twilio-Signature": signed}), before)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"Body=%ff", "application/x-www-form-urlencoded", 400),
        (b"Body=\xff", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a=1" for _ in range(300)), "application/x-www-form-urlencoded", 400),
        (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_what_is_no_form_is_refused(world: World, content: bytes, kind: str, status: int) -> None:
    answer = world.http.post(INBOUND_PATH, content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
