"""Receipts: one answer to every command, for ever; and a clear no to whatever is no command."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.office import POLITE, Json, Office, Person, carrier_posts, open_office
from tests.support.sayso import eventually, problem_of

MEGABYTE = 1_000_000
JSON_TYPE = "application/json"


@pytest.fixture
def ada(office: Office) -> Person:
    return office.candidate()


# --- one answer -----------------------------------------------------------------------------------


def test_an_accepted_command_gets_a_receipt_with_its_result(ada: Person) -> None:
    boss = ada.office.boss
    answer = boss.command("send-text", **ada.at, body=POLITE)
    receipt = answer.json()
    assert (receipt["accepted"], receipt["code"], receipt["sentence"]) == (True, None, None)
    assert (receipt["command_type"], receipt["account"]) == ("send-text", ada.office.account)
    assert receipt["result"]["text_id"] == receipt["command_id"]
    assert receipt["by"] == {"kind": "member", "id": "grace", "name": "Grace Hopper"}
    assert boss.seen(receipt["command_id"]) == receipt


def test_a_refused_command_gets_a_receipt_with_a_code_and_a_sentence(ada: Person) -> None:
    boss = ada.office.boss
    problem = boss.problem("send-text", **ada.at, body="")
    receipt = boss.seen(problem["receipt"]["command_id"])
    assert (receipt["accepted"], receipt["code"], receipt["result"]) == (False, "body_empty", {})
    assert receipt["sentence"] == problem["detail"] == "Write something first: the text is empty."


def test_a_receipt_is_waited_for_or_fetched(ada: Person) -> None:
    boss = ada.office.boss
    body = {"type": "follow-candidate", "candidate": ada.candidate}
    answer = boss.http.post("/commands", json=body)
    assert answer.status_code == 202
    assert answer.headers["Location"].endswith(f"/receipts/{answer.json()['command_id']}")
    assert boss.seen(answer.json()["command_id"])["accepted"]
    unknown = boss.http.get(f"/receipts/{uuid4()}")
    assert (unknown.status_code, problem_of(unknown)["code"]) == (404, "receipt_unknown")


# --- once -----------------------------------------------------------------------------------------


def test_the_same_id_again_gives_the_same_receipt_and_does_nothing(ada: Person) -> None:
    boss, command_id = ada.office.boss, uuid4()
    send = {**ada.at, "body": POLITE}
    answers = [boss.command("send-text", command_id, **send) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true", "true"]
    ada.becomes(str(command_id), "delivered")
    ada.phone.shows(POLITE)
    assert (ada.office.balance, len(ada.messages())) == (49, 1)


def test_a_refusal_stays_a_refusal_even_when_its_cause_is_gone(ada: Person) -> None:
    boss, command_id = ada.office.boss, uuid4()
    person = ada.office.candidate(consent=False)
    send = {**person.at, "body": POLITE}
    first = problem_of(boss.command("send-text", command_id, **send))
    person.agrees()
    again = problem_of(boss.command("send-text", command_id, **send))
    assert again["receipt"] == first["receipt"]
    assert boss.seen(str(command_id))["code"] == "consent_not_given"
    person.gets()


@pytest.mark.parametrize(
    ("kind", "changed"),
    [("send-text", {"body": "Something else"}), ("cancel-text", {"text_id": str(uuid4())})],
)
def test_the_same_id_with_other_content_is_refused_and_does_nothing(
    ada: Person, kind: str, changed: Json
) -> None:
    boss, command_id = ada.office.boss, uuid4()
    boss.accepted("send-text", command_id=command_id, **ada.at, body=POLITE)
    fields = {**ada.at, **changed}
    problem = problem_of(boss.command(kind, command_id, **fields))
    assert (problem["status"], problem["code"]) == (422, "command_id_reused")
    assert boss.seen(str(command_id))["result"]["text_id"] == str(command_id)
    assert ada.office.balance == 49


def test_the_same_id_from_somebody_else_is_other_content(ada: Person) -> None:
    boss, command_id = ada.office.boss, uuid4()
    boss.accepted("follow-candidate", command_id=command_id, candidate=ada.candidate)
    other = ada.office.member(member="m-other")
    answer = other.command("follow-candidate", command_id, candidate=ada.candidate)
    assert problem_of(answer)["code"] == "command_id_reused"


def test_ids_of_one_account_say_nothing_about_those_of_another(ada: Person, office: Office) -> None:
    other = open_office(office.system)
    command_id = uuid4()
    assert office.boss.accepted("buy-package", command_id=command_id)["balance"] == 1_050
    assert other.boss.accepted("buy-package", command_id=command_id)["balance"] == 1_050


def test_a_key_makes_a_retry_harmless_and_another_payload_a_mistake(ada: Person) -> None:
    http = ada.office.boss.http
    send = {"type": "send-text", **ada.at, "body": POLITE}
    headers = {"Idempotency-Key": "order 7", "Prefer": "wait=10"}
    first, again = (http.post("/commands", json=send, headers=headers) for _ in range(2))
    assert first.json() == again.json()
    other = http.post("/commands", json={**send, "body": "Other"}, headers=headers)
    assert (other.status_code, problem_of(other)["code"]) == (422, "command_id_reused")
    ada.office.boss.seen(first.json()["command_id"])
    assert ada.office.balance == 49


# --- what is no command ---------------------------------------------------------------------------

NO_JSON: Mapping[str, bytes] = {
    "nothing": b"",
    "half of it": b'{"type": "buy-package"',
    "two of it": b"{}{}",
    "XML": b"<command/>",
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "invalid UTF-8": b'{"type": "buy-package", "package": "\xff\xfe"}',
    "UTF-16": '{"type": "buy-package"}'.encode("utf-16"),
    "an overlong slash": b'{"type": "\xc0\xaf"}',
    "half a surrogate pair": rb'{"type": "buy-package", "package": "\ud83d"}',
    "half a surrogate pair, raw": b'{"type": "buy-package", "package": "\xed\xa0\xbd"}',
    "NaN": b'{"type": "adjust-segments", "segments": NaN, "reason": "x"}',
    "infinity": b'{"type": "adjust-segments", "segments": -Infinity, "reason": "x"}',
    "a number beyond all bounds": b'{"type": "adjust-segments", "segments": 1e999, "reason": "x"}',
    "an endless number": b'{"type": "adjust-segments", "segments": ' + b"9" * 5_000 + b', "reason": "x"}',
    "a name twice": b'{"type": "buy-package", "type": "activate-texting"}',
    "a name twice, deeper": b'{"type": "change-settings", "change": {"language": "fr", "language": "de"}}',
    "deep nesting": b'{"type": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep nesting of objects": b'{"a":' * 6_000 + b"1" + b"}" * 6_000,
    "a raw control character": b'{"type": "buy-package", "package": "\x00"}',
    "a comment": b'{"type": "buy-package"} // please',
}

NO_COMMANDS: Mapping[str, Json] = {
    "no type": {},
    "an unknown type": {"type": "send-fax"},
    "a type that is none": {"type": 7},
    "a type that is a list": {"type": ["buy-package"]},
    "a missing field": {"type": "send-text", "candidate": "c-1", "number": "+14155552671"},
    "an unknown field": {"type": "buy-package", "discount": "100%"},
    "an id that is none": {"type": "buy-package", "command_id": "7"},
    "no id": {"type": "buy-package", "command_id": None},
    "a number for a text": {"type": "buy-package", "package": 7},
    "a text for a number": {"type": "adjust-segments", "segments": "many", "reason": "x"},
    "a fraction of a segment": {"type": "adjust-segments", "segments": 1.5, "reason": "x"},
    "too many segments": {"type": "adjust-segments", "segments": 10**12, "reason": "x"},
    "a NUL in an id": {"type": "follow-candidate", "candidate": "c-\x00"},
    "a path for an id": {"type": "follow-candidate", "candidate": "../c-1"},
    "an account that is none": {"type": "follow-candidate", "candidate": "c-1", "account": "A B"},
}

NO_MOMENTS = [
    "10000-01-01T00:00:00Z", "+010000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2200-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "-2026-01-01T00:00:00Z", "2026-02-30T00:00:00Z",
    "2026-01-01T25:00:00Z", "2026-01-01T00:00:00", "2026-01-01", "tomorrow", "", 1e30, 10**400, True, [],
]  # fmt: skip


def posted(office: Office, content: bytes, kind: str = JSON_TYPE, **headers: str) -> httpx.Response:
    """These bytes at the commands' door."""
    given = {"Content-Type": kind, "Prefer": "wait=10", **headers}
    return office.boss.http.post("/commands", content=content, headers=given)


def goes_on(office: Office) -> None:
    """The next good command works."""
    assert office.boss.accepted("buy-package")["balance"] >= 1_000
    assert office.system.http().get("/readyz").status_code == 200


@pytest.mark.parametrize("what", NO_JSON)
def test_what_is_no_json_gets_a_400_and_nothing_stops(shared_office: Office, what: str) -> None:
    problem = problem_of(posted(shared_office, NO_JSON[what]))
    assert (problem["status"], problem["code"]) == (400, "bad_json")
    goes_on(shared_office)


@pytest.mark.parametrize("what", NO_COMMANDS)
def test_what_is_no_command_gets_a_422_that_points_at_the_fault(shared_office: Office, what: str) -> None:
    body = NO_COMMANDS[what]
    problem = problem_of(posted(shared_office, json.dumps(body).encode()))
    if what == "an account that is none":
        assert (problem["status"], problem["code"]) == (403, "wrong_account")
    else:
        assert (problem["status"], problem["code"]) == (422, "invalid_command")
        assert all(error["pointer"].startswith("#/") and error["detail"] for error in problem["errors"])
    goes_on(shared_office)


@pytest.mark.parametrize("moment", NO_MOMENTS)
def test_a_moment_out_of_this_world_is_refused(shared_office: Office, moment: Any) -> None:
    ada = Person(shared_office, "c-1", "+14155552671")
    send = {"type": "send-text", **ada.at, "body": POLITE, "send_at": moment}
    consent = {"type": "add-consent", **ada.at, **ada.office.agreement(), "obtained_at": moment}
    for body in (send, consent):
        problem = problem_of(posted(ada.office, json.dumps(body).encode()))
        assert problem["code"] in ("invalid_command", "bad_json")


def test_five_megabytes_are_refused_and_the_connection_goes_on(shared_office: Office) -> None:
    huge = b'{"type": "buy-package", "package": "' + b"x" * 5 * MEGABYTE + b'"}'
    for _ in range(3):
        problem = problem_of(posted(shared_office, huge))
        assert (problem["status"], problem["code"]) == (413, "body_too_large")
    goes_on(shared_office)


def test_five_megabytes_without_a_length_are_refused_too(shared_office: Office) -> None:
    def pieces() -> Any:
        yield b'{"type": "buy-package", "package": "'
        for _ in range(50):
            yield b"x" * 100_000
        yield b'"}'

    answer = shared_office.boss.http.post("/commands", content=pieces(), headers={"Content-Type": JSON_TYPE})
    assert problem_of(answer)["code"] == "body_too_large"
    goes_on(shared_office)


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ],
)
def test_another_kind_of_body_gets_a_415(shared_office: Office, kind: str) -> None:
    problem = problem_of(posted(shared_office, b'{"type": "buy-package"}', kind))
    assert (problem["status"], problem["code"]) == (415, "unsupported_media_type")
    goes_on(shared_office)


def test_another_encoding_of_the_characters_gets_a_415(shared_office: Office) -> None:
    answer = posted(shared_office, b'{"type": "buy-package"}', "application/json; charset=utf-16")
    assert problem_of(answer)["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    "body", ["a\x00b", "\x00", "a\x1bb", "\x85\u2028", "\ufffe\uffff", "\U0010ffff", "\u202e"]
)
def test_strange_characters_are_sent_or_refused_and_never_break_anything(ada: Person, body: str) -> None:
    answer = posted(ada.office, json.dumps({"type": "send-text", **ada.at, "body": body}).encode())
    assert answer.status_code in (200, 409, 422)
    eventually(lambda: ada.office.system.http().get("/readyz").status_code == 200)
    goes_on(ada.office)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/commands", 405),
        ("/nowhere", 404),
        ("/receipts/7", 422),
        ("/candidates/a%00b", 422),
        ("/candidates/%ff", 422),
        ("/candidates/c-1/threads/+1", 422),
        ("/candidates/c-1/threads/%2B14155552671", 404),
        ("/candidates?limit=0", 422),
        ("/candidates?limit=1000000", 422),
        ("/candidates?limit=many", 422),
        ("/candidates?cursor=nonsense", 422),
        ("/candidates?cursor=" + "A" * 5_000, 422),
        ("/credits/statement?cursor=%00", 422),
        ("/dead-letters/99999999999999999999", 422),
    ],
)
def test_a_wrong_address_gets_a_problem(shared_office: Office, path: str, status: int) -> None:
    answer = shared_office.boss.http.get(shared_office.boss.url + path)
    assert problem_of(answer)["status"] == status


@pytest.mark.parametrize("what", ["nothing", "NaN", "deep nesting", "invalid UTF-8", "half a surrogate pair"])
def test_the_preview_is_as_strict(shared_office: Office, what: str) -> None:
    headers = {"Content-Type": JSON_TYPE}
    answer = shared_office.boss.http.post("/texts/preview", content=NO_JSON[what], headers=headers)
    assert problem_of(answer)["code"] == "bad_json"


@pytest.mark.parametrize(
    "fields",
    [
        {"body": "Hi"},
        {"number": "+14155552671"},
        {"number": "+14155552671", "body": "x" * 10_001},
        {"number": "+14155552671", "body": "Hi", "send_at": "10000-01-01T00:00:00Z"},
        {"number": "+14155552671", "body": "Hi", "unknown": 1},
    ],
)
def test_a_preview_of_nonsense_is_refused(shared_office: Office, fields: Json) -> None:
    answer = shared_office.boss.http.post("/texts/preview", json=fields)
    assert (answer.status_code, problem_of(answer)["code"]) == (422, "invalid_request")


# --- at the carrier's doors -----------------------------------------------------------------------


def test_a_call_without_the_carriers_signature_is_refused(office: Office) -> None:
    http = office.system.http()
    for door in ("inbound", "status"):
        answer = http.post(f"/v1/carriers/twilio/{door}", data={"MessageSid": "SM1", "Body": "STOP"})
        assert (answer.status_code, problem_of(answer)["code"]) == (403, "bad_signature")


def test_a_signed_call_that_makes_no_sense_is_kept_and_can_be_read(ada: Person) -> None:
    form = {"MessageSid": "SM" + "5" * 32, "From": "not a number", "To": ada.office.sender, "Body": "Hello"}
    assert carrier_posts(ada.office.system, "inbound", form).status_code == 200
    letters = eventually(lambda: ada.office.boss.get("/dead-letters")["items"])
    assert letters[0]["reason"] == "fields_wrong"
    opened = ada.office.boss.get(f"/dead-letters/{letters[0]['id']}")
    assert "not+a+number" in opened["body"]
    goes_on(ada.office)


@pytest.mark.parametrize("status", ["teleported", ""])
def test_a_status_that_nobody_knows_is_kept(ada: Person, status: str) -> None:
    query = f"?account={ada.office.account}&text={uuid4()}"
    form = {"MessageSid": "SM" + "4" * 32, "To": ada.number, "MessageStatus": status}
    assert carrier_posts(ada.office.system, "status", form, query).status_code == 204
    letters = eventually(lambda: ada.office.boss.get("/dead-letters")["items"])
    assert letters[0]["reason"] == "status_unknown"


def test_a_status_of_a_text_that_nobody_knows_changes_nothing(ada: Person) -> None:
    query = f"?account={ada.office.account}&text={uuid4()}"
    form = {"MessageSid": "SM" + "3" * 32, "To": ada.number, "MessageStatus": "delivered"}
    assert carrier_posts(ada.office.system, "status", form, query).status_code == 204
    goes_on(ada.office)
    assert ada.messages() == []


def test_a_receipt_says_when_by_the_clock_in_utc(office: Office) -> None:
    at = office.boss.command("buy-package").json()["at"]
    assert abs((datetime.fromisoformat(at).astimezone(UTC) - office.system.clock()).total_seconds()) < 60
