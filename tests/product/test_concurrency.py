"""Many at once: no credit is spent twice, no text passes a STOP, and what comes twice happens once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx

from schemas import codec
from schemas.events import ConsentRevoked, DispatchStarted, Event
from tests.support.office import POLITE, Office, Person, carrier_posts
from tests.support.sayso import eventually

AT_ONCE = 32


def all_at_once(many: int, do: Callable[[int], httpx.Response]) -> list[httpx.Response]:
    """The answers to so many calls, dozens of them under way at any time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(do, range(many)))


def codes(answers: list[httpx.Response]) -> dict[str, int]:
    """How often each answer was given: `accepted`, or the code of the refusal."""
    given = ["accepted" if one.is_success else str(one.json()["code"]) for one in answers]
    return {code: given.count(code) for code in set(given)}


def never_negative(office: Office) -> None:
    """Every balance of the statement follows from the one before it, and none is below zero."""
    lines, cursor = [], None
    while True:
        query: dict[str, Any] = {"limit": 200} if cursor is None else {"limit": 200, "cursor": cursor}
        page = office.boss.get("/credits/statement", **query)
        lines += page["items"]
        if (cursor := page["next"]) is None:
            break
    balance = 0
    for line in reversed(lines):
        balance += line["segments"]
        assert line["balance"] == balance >= 0


def settled(person: Person) -> list[dict[str, Any]]:
    """The texts of a thread, once the end of each is known."""
    ends = {"delivered", "cancelled", "failed", "undelivered", "unknown"}

    def look() -> list[dict[str, Any]]:
        page = person.office.boss.get(person.path, limit=200)
        texts = [one for one in page["items"] if one["kind"] == "text"]
        return texts if all(text["status"] in ends for text in texts) else []

    return eventually(look, timeout_s=60)


def test_of_two_hundred_sends_with_credit_for_fifty_exactly_fifty_are_accepted(office: Office) -> None:
    people = [office.candidate() for _ in range(4)]
    answers = all_at_once(
        200, lambda i: office.boss.command("send-text", **people[i % 4].at, body=f"{POLITE} {i}")
    )
    assert codes(answers) == {"accepted": 50, "insufficient_credit": 150}
    eventually(lambda: office.balance == 0)
    never_negative(office)
    assert office.credits()["debited"] == 50
    texts = [text for person in people for text in settled(person)]
    assert [text["status"] for text in texts] == ["delivered"] * 50
    assert sum(len(person.phone.inbox()) for person in people) == 50


def test_texts_of_several_segments_stop_before_the_balance_is_negative(office: Office) -> None:
    person = office.candidate()
    body = "x" * 400  # three segments
    answers = all_at_once(40, lambda _: office.boss.command("send-text", **person.at, body=body))
    assert codes(answers) == {"accepted": 16, "insufficient_credit": 24}
    assert eventually(lambda: office.balance == 2)
    never_negative(office)


def test_purchases_and_sends_at_once_add_up(office: Office) -> None:
    person = office.candidate()
    office.has_left(0)

    def either(i: int) -> httpx.Response:
        if i % 20 == 0:
            return office.boss.command("buy-package")
        return office.boss.command("send-text", **person.at, body=f"Number {i}")

    answers = all_at_once(80, either)
    bought, sent = 4, sum(one.is_success for one in answers) - 4
    eventually(lambda: office.balance == 1_000 * bought - sent)
    never_negative(office)


def test_after_a_stop_nothing_is_handed_over_however_many_sends_race_it(office: Office) -> None:
    person = office.candidate()

    def send_or_stop(i: int) -> httpx.Response:
        if i == 20:
            form = {"MessageSid": "SM" + "a" * 32, "From": person.number, "To": office.sender, "Body": "STOP"}
            return carrier_posts(office.system, "inbound", form)
        return office.boss.command("send-text", **person.at, body=f"{POLITE} {i}")

    answers = all_at_once(45, send_or_stop)
    refused = codes(answers).get("revoked_by_keyword", 0)
    assert refused > 0
    eventually(lambda: person.consent()["status"] == "revoked")
    texts = settled(person)
    assert len(texts) == 44 - refused

    events = list(_conversation(person))
    revoked = next(place for place, event in enumerate(events) if isinstance(event, ConsentRevoked))
    assert not any(isinstance(event, DispatchStarted) for event in events[revoked:])
    delivered = [text for text in texts if text["status"] == "delivered"]
    assert sorted(person.phone.inbox()) == sorted(text["body"] for text in delivered)
    assert {text["reason"] for text in texts if text["status"] == "cancelled"} <= {"revoked_by_keyword"}
    eventually(lambda: office.balance == 50 - len(delivered))
    never_negative(office)


def _conversation(person: Person) -> Iterator[Event]:
    """What the ledger holds of the conversation, in order."""
    stream, stores = person.thread()["conversation"], person.office.system.sayso.stores
    position = 0
    while page := stores.ledger.notifications(position, 1_000, stores.ledger.last_notification()):
        for position, data in page:  # noqa: B007  # the last one is where the next page begins
            if codec.peek(data).stream == stream:
                yield codec.decode(data, stores.keys).event


def test_a_command_sent_by_many_at_once_takes_effect_once(office: Office) -> None:
    person, command_id = office.candidate(), uuid4()
    answers = all_at_once(
        40, lambda _: office.boss.command("send-text", command_id, **person.at, body=POLITE)
    )
    assert codes(answers) == {"accepted": 40}
    assert len({one.text for one in answers}) == 1
    assert sum("Idempotent-Replayed" not in one.headers for one in answers) == 1
    person.becomes(str(command_id), "delivered")
    person.phone.shows(POLITE)
    assert office.balance == 49


def test_one_id_for_many_different_commands_at_once_does_one_of_them(office: Office) -> None:
    person, command_id = office.candidate(), uuid4()
    answers = all_at_once(
        20, lambda i: office.boss.command("send-text", command_id, **person.at, body=f"{POLITE} {i}")
    )
    assert codes(answers) == {"accepted": 1, "command_id_reused": 19}
    person.becomes(str(command_id), "delivered")
    assert len(person.phone.inbox()) == 1
    assert office.balance == 49


def test_a_reply_delivered_by_many_calls_at_once_is_one_reply(office: Office) -> None:
    person = office.candidate()
    form = {"MessageSid": "SM" + "b" * 32, "From": person.number, "To": office.sender, "Body": "Hello"}
    answers = all_at_once(20, lambda _: carrier_posts(office.system, "inbound", form))
    assert {one.status_code for one in answers} == {200}
    eventually(person.messages)
    office.boss.accepted("mark-read", **person.at)
    assert [one["body"] for one in person.messages()] == ["Hello"]


def test_a_cancellation_and_the_hand_over_race_and_one_of_them_wins(office: Office) -> None:
    people = [office.candidate() for _ in range(10)]
    texts = [
        office.boss.command("send-text", **person.at, body=POLITE).json()["command_id"] for person in people
    ]
    answers = all_at_once(10, lambda i: office.boss.command("cancel-text", **people[i].at, text_id=texts[i]))
    for person, text_id, answer in zip(people, texts, answers, strict=True):
        end = "cancelled" if answer.is_success else "delivered"
        assert person.becomes(text_id, end)
        assert person.phone.inbox() == ([] if answer.is_success else [POLITE])
    cancelled = sum(answer.is_success for answer in answers)
    assert office.balance == 50 - (10 - cancelled)
