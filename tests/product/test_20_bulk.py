"""One text for many: who gets it, how far it has come, held, released, ended; and when it holds itself."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.support.office import POLITE, RECRUITER, Json, Office, Person, fresh_number
from tests.support.sayso import eventually

CALLERS = 16
MANY, SILENT = 300, 30
NO_MOBILE = 21614  # the carrier refuses at once


def crowd(office: Office, size: int, agreed: int) -> list[Person]:
    """So many candidates at once, of whom the first `agreed` may be texted."""
    people = [Person(office, f"c-{uuid4().hex[:10]}", fresh_number()) for _ in range(size)]

    def join(place: int) -> None:
        person = people[place]
        assert office.boss.command("add-number", **person.at, name=f"No. {place}").is_success
        if place < agreed:
            assert office.boss.command("add-consent", **person.at, **office.agreement()).is_success

    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(join, range(size)))
    return people


def sent_to(office: Office, people: list[Person], body: str = POLITE, **more: Any) -> Json:
    """The bulk's receipt."""
    return office.boss.accepted("send-bulk", recipients=[one.at for one in people], body=body, **more)


def bulk_of(office: Office, result: Json) -> Json:
    found: Json = office.boss.get(f"/bulks/{result['bulk']}")
    counted = ("waiting", "sending", "sent", "delivered", "failed", "cancelled", "unknown", "refused")
    assert sum(found[name] for name in counted) == found["total"]
    return found


def texts_of(office: Office, result: Json, *statuses: str) -> list[Json]:
    """Those of the bulk's texts that have one of `statuses`."""
    items: list[Json] = office.boss.get(f"/bulks/{result['bulk']}/texts", status=statuses, limit=200)["items"]
    return items


def comes_to(office: Office, result: Json, **wanted: Any) -> Json:
    """The bulk, once it says so."""

    def there() -> Json | None:
        bulk = bulk_of(office, result)
        return bulk if wanted.items() <= bulk.items() else None

    try:
        return eventually(there) or {}
    except AssertionError:
        raise AssertionError(f"{wanted} never came: {bulk_of(office, result)}") from None


@pytest.fixture
def big_office(own_office: Office) -> Office:
    own_office.has_left(1_000)
    return own_office


def test_three_hundred_are_texted_held_in_the_middle_and_released(big_office: Office) -> None:
    """Whoever has not agreed gets nothing; everybody else gets it once, and is paid for once."""
    people = crowd(big_office, MANY, MANY - SILENT)
    result = sent_to(big_office, people)
    assert [one["candidate"] for one in result["accepted"]] == [p.candidate for p in people[:-SILENT]]
    assert [one["index"] for one in result["refused"]] == list(range(MANY - SILENT, MANY))
    assert {one["code"] for one in result["refused"]} == {"consent_not_given"}
    assert result["balance"] == 1_000 - (MANY - SILENT)

    paused = big_office.boss.accepted("pause-bulk", bulk=result["bulk"])
    held = comes_to(big_office, result, state="paused", cause="member", sending=0, sent=0)
    assert 0 < held["waiting"] <= paused["waiting"]
    another = big_office.candidate()
    another.gets()
    another.phone.shows(POLITE)  # the dispatcher has looked for work since, and left the bulk alone
    assert bulk_of(big_office, result)["waiting"] == held["waiting"]

    assert big_office.boss.accepted("resume-bulk", bulk=result["bulk"])["waiting"] == held["waiting"]
    done = comes_to(big_office, result, state="finished", delivered=MANY - SILENT)
    assert (done["total"], done["refused"], done["failed"]) == (MANY, SILENT, 0)
    assert done["by"]["id"] == "grace"
    for person in (*people[:3], *people[-SILENT - 3 : -SILENT]):
        assert person.phone.inbox() == [POLITE]
    assert people[-1].phone.inbox() == []
    assert big_office.balance == 1_000 - (MANY - SILENT) - 1


def test_it_holds_itself_when_too_many_fail_and_the_rest_can_be_called_back(big_office: Office) -> None:
    people = crowd(big_office, 100, 100)
    for person in people:
        person.phone.behaves(error_code=NO_MOBILE)
    result = sent_to(big_office, people)
    comes_to(big_office, result, state="paused", cause="failures")
    held = comes_to(big_office, result, sending=0)
    assert held["failed"] >= 20
    assert held["waiting"] == 100 - held["failed"] > 0
    failed = texts_of(big_office, result, "failed", "undelivered")
    waiting = texts_of(big_office, result, "queued", "scheduled")
    assert (len(failed), len(waiting)) == (held["failed"], held["waiting"])
    assert {(one["code"], one["bulk_paused"]) for one in failed} == {(NO_MOBILE, None)}
    assert {one["bulk_paused"] for one in waiting} == {"failures"}
    assert {one["candidate"] for one in (*failed, *waiting)} == {one.candidate for one in people}
    held_up = next(one for one in people if one.candidate == waiting[0]["candidate"])
    assert held_up.message(waiting[0]["text_id"])["bulk_paused"] == "failures"
    assert big_office.boss.accepted("cancel-bulk", bulk=result["bulk"])["cancelled"] == held["waiting"]
    done = bulk_of(big_office, result)
    assert (done["state"], done["cancelled"], done["failed"]) == (
        "cancelled",
        held["waiting"],
        held["failed"],
    )
    assert big_office.boss.refused("resume-bulk", bulk=result["bulk"]) == "bulk_cancelled"
    assert big_office.balance == 1_000


def test_stops_within_a_day_are_counted(office: Office) -> None:
    people = crowd(office, 3, 3)
    result = sent_to(office, people)
    comes_to(office, result, delivered=3)
    people[0].writes("STOP")
    assert comes_to(office, result, opted_out=1)["state"] == "finished"


def test_a_retry_of_a_bulk_is_the_same_bulk(office: Office) -> None:
    """P2"""
    people = crowd(office, 3, 3)
    command_id = uuid4()
    first = sent_to(office, people, command_id=command_id)
    assert sent_to(office, people, command_id=command_id) == first
    comes_to(office, first, delivered=3)
    assert [bulk["bulk"] for bulk in office.boss.get("/bulks")["items"]] == [first["bulk"]]
    assert office.balance == 47


def test_only_who_may_send_may_send_hold_release_and_end(office: Office) -> None:
    people = crowd(office, 1, 1)
    result = sent_to(office, people, send_at="2199-12-31T20:00:00Z")
    viewer = office.member(RECRUITER[0])
    assert viewer.refused("send-bulk", recipients=[people[0].at], body=POLITE) == "not_permitted"
    for kind in ("pause-bulk", "resume-bulk", "cancel-bulk"):
        assert viewer.refused(kind, bulk=result["bulk"]) == "not_permitted"
    assert viewer.get(f"/bulks/{result['bulk']}")["state"] == "running"
    sender = office.member(*RECRUITER)
    assert sender.accepted("cancel-bulk", bulk=result["bulk"])["cancelled"] == 1
    assert office.balance == 50


def test_the_twenty_first_text_with_the_same_words_is_refused(office: Office) -> None:
    person = office.candidate()
    for _ in range(20):
        person.gets("Are you there?")
    command = {**person.at, "body": "are you  there?"}
    assert office.boss.refused("send-text", **command) == "too_many_alike"
    assert office.balance == 30
