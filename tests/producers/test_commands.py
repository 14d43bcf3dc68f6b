"""Commands over HTTP: one answer each, whatever way it is asked for, and none from whoever may not."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from producers.http.limits import BODY_BYTES_MAX
from schemas.actors import Permission
from tests.producers.world import RECRUITER, Caller, Json, World, fresh_number
from tests.support.sayso import eventually

FOLLOW = {"type": "follow-candidate", "candidate": "c-1"}


def code(answer: Any) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"/v1/problems/{problem['code']}"
    assert {"title", "detail", "instance"} <= problem.keys()
    return str(problem["code"])


# --- the ways to an answer ------------------------------------------------------------------------


def test_with_prefer_the_receipt_is_the_answer(world: World) -> None:
    boss = world.account()
    answer = boss.post({"type": "add-number", "candidate": "c-1", "number": fresh_number()})
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "wait=10")
    receipt = answer.json()
    assert (receipt["accepted"], receipt["command_type"], receipt["account"]) == (
        True,
        "add-number",
        boss.account,
    )
    assert receipt["by"] == {"kind": "member", "id": "m-7", "name": "Grace Hopper"}
    assert UUID(receipt["command_id"]).version == 7


def test_without_prefer_the_receipt_stands_at_its_location(world: World) -> None:
    boss = world.account()
    answer = boss.post(FOLLOW, wait=None)
    assert answer.status_code == 202
    assert answer.json()["receipt"] == answer.headers["Location"]

    def read() -> Any:
        found = world.http.get(answer.headers["Location"], headers=boss.headers)
        return found.status_code == 200 and found.json()

    assert eventually(read)["command_id"] == answer.json()["command_id"]


def test_the_receipt_is_the_same_in_the_answer_and_at_its_address(world: World) -> None:
    boss = world.account()
    for command in (FOLLOW, FOLLOW):  # the second is refused: already following
        answer = boss.post(command)
        receipt = answer.json() if answer.status_code == 200 else answer.json()["receipt"]
        assert seen(boss, receipt["command_id"]) == receipt


def seen(boss: Caller, command_id: str) -> Json:
    """The receipt, once the views show it."""
    eventually(lambda: boss.get(f"/receipts/{command_id}").status_code == 200)
    receipt: Json = boss.get(f"/receipts/{command_id}").json()
    return receipt


def test_a_refusal_is_a_problem_with_the_receipt_in_it(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate(consent=False)
    answer = boss.post({"type": "send-text", "candidate": candidate, "number": number, "body": "Hi"})
    assert (answer.status_code, code(answer)) == (409, "consent_not_given")
    problem = answer.json()
    assert problem["detail"] == problem["receipt"]["sentence"]
    assert (problem["receipt"]["code"], problem["receipt"]["accepted"]) == ("consent_not_given", False)


@pytest.mark.parametrize(
    ("command", "status", "refusal"),
    [
        ({"type": "adjust-segments", "segments": -51, "reason": "x"}, 409, "balance_would_be_negative"),
        ({"type": "buy-package", "package": "huge"}, 422, "no_such_package"),
        ({"type": "add-number", "candidate": "c-1", "number": "12"}, 422, "number_region_needed"),
        (
            {"type": "cancel-text", "candidate": "c-1", "number": "+14155550199", "text_id": str(uuid4())},
            409,
            None,
        ),
    ],
)
def test_the_status_tells_the_class_of_a_refusal(
    world: World, command: Json, status: int, refusal: str | None
) -> None:
    answer = world.account().post(command)
    assert answer.status_code == status
    assert refusal in (None, code(answer))


def test_no_credit_is_402(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    boss.must("adjust-segments", segments=-50, reason="all gone")
    send = {
        "type": "send-text",
        "candidate": candidate,
        "number": number,
        "body": "Hi Ada. Reply STOP to end.",
    }
    answer = boss.post({**send, "override_quiet_hours": True})
    assert (answer.status_code, code(answer)) == (402, "insufficient_credit")


def test_what_the_member_may_not_is_refused_by_the_rules(world: World) -> None:
    boss = world.account()
    answer = world.caller(boss.account, Permission.VIEW).post({"type": "buy-package"})
    assert (answer.status_code, code(answer)) == (403, "not_permitted")
    assert answer.json()["receipt"]["code"] == "not_permitted"


# --- once, however often --------------------------------------------------------------------------


@pytest.mark.parametrize("wait", [10, None])
def test_the_same_id_again_gives_the_same_answer(world: World, wait: int | None) -> None:
    boss = world.account()
    command = {**FOLLOW, "command_id": str(uuid4())}
    first = boss.post(command)
    again = boss.post(command, wait=wait)
    assert (again.status_code, again.json()) == (200, first.json())
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("wait", [10, None])
def test_the_same_id_with_other_content_is_refused(world: World, wait: int | None) -> None:
    boss = world.account()
    command_id = str(uuid4())
    boss.post({**FOLLOW, "command_id": command_id})
    answer = boss.post({**FOLLOW, "candidate": "c-2", "command_id": command_id}, wait=wait)
    assert (answer.status_code, code(answer)) == (422, "command_id_reused")


@pytest.mark.parametrize("key", ["order 7, line 2", '"order 8"', "01936f00-1111-7000-8000-000000000001"])
def test_a_key_makes_a_retry_harmless(world: World, key: str) -> None:
    boss = world.account()
    first, again = (boss.post(FOLLOW, headers={"Idempotency-Key": key}) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = boss.post({**FOLLOW, "candidate": "c-2"}, headers={"Idempotency-Key": key})
    assert code(other) == "command_id_reused"


def test_a_refusal_is_repeated_too(world: World) -> None:
    boss = world.account()
    command = {"type": "buy-package", "package": "huge", "command_id": str(uuid4())}
    first, again = boss.post(command), boss.post(command)
    assert again.json()["receipt"] == first.json()["receipt"]
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("stated", ["01936f00-1111-7000-8000-000000000001", "no id", 7, None])
def test_a_key_and_an_id_must_agree(world: World, stated: object) -> None:
    boss = world.account()
    answer = boss.post({**FOLLOW, "command_id": stated}, headers={"Idempotency-Key": "another"})
    assert (answer.status_code, code(answer)) == (422, "invalid_request")
    assert answer.json()["errors"][0]["parameter"] == "Idempotency-Key"


def test_a_key_and_an_id_may_agree(world: World) -> None:
    command = {**FOLLOW, "command_id": str(uuid4())}
    key = {"Idempotency-Key": command["command_id"].upper()}
    assert world.account().post(command, headers=key).is_success


@pytest.mark.parametrize("key", ["", "é", "k" * 256])
def test_a_key_that_is_none_is_refused(world: World, key: str) -> None:
    answer = world.account().post(FOLLOW, headers={"Idempotency-Key": key.encode()})  # type: ignore[dict-item]
    assert (answer.status_code, code(answer)) == (422, "invalid_request")


# --- who --------------------------------------------------------------------------------------------


def test_another_accounts_token_gets_nowhere(world: World) -> None:
    ours, theirs = world.account(), world.account()
    for path in ("", "/credits", "/candidates", "/receipts/" + str(uuid4()), "/stream", "/dead-letters"):
        answer = world.http.get(f"/v1/accounts/{theirs.account}{path}", headers=ours.headers)
        assert (answer.status_code, code(answer)) == (403, "wrong_account")
    answer = world.http.post(f"/v1/accounts/{theirs.account}/commands", json=FOLLOW, headers=ours.headers)
    assert (answer.status_code, code(answer)) == (403, "wrong_account")
    assert code(ours.post({**FOLLOW, "account": theirs.account})) == "wrong_account"


def test_an_account_that_does_not_exist_looks_like_another(world: World) -> None:
    answer = world.http.get("/v1/accounts/nobody", headers=world.account().headers)
    assert (answer.status_code, code(answer)) == (403, "wrong_account")


def test_without_a_token_there_is_nothing(world: World) -> None:
    answer = world.http.post("/v1/accounts/acme/commands", json=FOLLOW)
    assert (answer.status_code, code(answer)) == (401, "token_missing")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    answer = world.http.get("/v1/accounts/acme", headers={"Authorization": "Bearer nonsense"})
    assert (answer.status_code, code(answer)) == (401, "token_invalid")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_only_a_service_that_may_act_as_others_states_an_actor(world: World) -> None:
    boss = world.account()
    actor = {"kind": "member", "id": "m-9", "name": "Joan", "permissions": ["texts:view", "texts:manage"]}
    recruiter = world.caller(boss.account, *RECRUITER)
    answer = recruiter.post({**FOLLOW, "actor": actor})
    assert (answer.status_code, code(answer)) == (403, "acting_not_allowed")

    ats = world.caller(boss.account, Permission.ACT_AS, Permission.VIEW, member="ats", kind="service")
    assert ats.post({**FOLLOW, "actor": actor}).json()["by"] == {
        "kind": "member",
        "id": "m-9",
        "name": "Joan",
    }


def test_nobody_may_do_more_through_a_service_than_the_service_may(world: World) -> None:
    boss = world.account()
    ats = world.caller(boss.account, Permission.ACT_AS, Permission.VIEW, kind="service")
    actor = {"kind": "member", "id": "m-9", "permissions": ["texts:manage", "texts:view"]}
    assert code(ats.post({"type": "buy-package", "actor": actor})) == "not_permitted"


@pytest.mark.parametrize("kind", ["carrier", "system"])
def test_nobody_acts_as_the_carrier_or_as_sayso(world: World, kind: str) -> None:
    answer = world.account().post(
        {**FOLLOW, "actor": {"kind": kind, "id": "x", "permissions": ["texts:view"]}}
    )
    assert (answer.status_code, code(answer)) == (403, "acting_not_allowed")


@pytest.mark.parametrize(
    "kind", ["receive-text", "start-dispatch", "record-handover", "report-status", "record-attachment"]
)
def test_commands_of_the_carriers_doors_are_not_for_this_one(world: World, kind: str) -> None:
    answer = world.account().post({"type": kind})
    assert (answer.status_code, code(answer)) == (403, "internal_command")


# --- what cannot be read ----------------------------------------------------------------------------


def send_bytes(world: World, data: bytes, kind: str = "application/json") -> Any:
    boss = world.account()
    headers = {**boss.headers, "Content-Type": kind, "Prefer": "wait=10"}
    return world.http.post(f"/v1/accounts/{boss.account}/commands", content=data, headers=headers)


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (b"", 400, "bad_json"),
        (b"\xff\xfe", 400, "bad_json"),
        (b'{"type": NaN}', 400, "bad_json"),
        (b'{"type":' + b"[" * 30_000, 400, "bad_json"),
        (rb'{"type": "follow-candidate", "candidate": "\ud800"}', 400, "bad_json"),
        (b'{"type": "follow-candidate", "type": "buy-package"}', 400, "bad_json"),
        (b"[]", 400, "bad_json"),
        (b"{}", 422, "invalid_command"),
        (b'{"type": "fly"}', 422, "invalid_command"),
        (b'{"type": ["follow-candidate"]}', 422, "invalid_command"),
        (b'{"type": "follow-candidate"}', 422, "invalid_command"),
        (b'{"type": "follow-candidate", "candidate": "c", "more": 1}', 422, "invalid_command"),
        (b'{"type": "follow-candidate", "candidate": "../c"}', 422, "invalid_command"),
        (b'{"type": "follow-candidate", "candidate": "c", "command_id": 7}', 422, "invalid_command"),
        (b'{"type": "set-notifications", "profile_actions": "yes"}', 422, "invalid_command"),
        (b'{"type": "adjust-segments", "segments": "5", "reason": "x"}', 422, "invalid_command"),
        (b'{"type": "follow-candidate", "candidate": "c", "command_id": null}', 422, "invalid_command"),
        (b'{"type": "follow-candidate", "candidate": "c", "actor": null}', 422, "invalid_command"),
        (b'{"type": "follow-candidate", "candidate": "c", "account": null}', 403, "wrong_account"),
        (b'{"type": "buy-package", "package": "\\u0000"}', 422, "invalid_command"),
    ],
)
def test_what_cannot_be_understood_gets_a_clear_no(
    world: World, body: bytes, status: int, expected: str
) -> None:
    answer = send_bytes(world, body)
    assert (answer.status_code, code(answer)) == (status, expected)


@pytest.mark.parametrize("year", ["10000", "9999", "0001", "1999"])
def test_years_beyond_reason_are_refused(world: World, year: str) -> None:
    command = {
        "type": "send-text",
        "candidate": "c-1",
        "number": "+14155550123",
        "body": "Hi",
        "send_at": f"{year}-01-01T00:00:00Z",
    }
    answer = world.account().post(command)
    assert (answer.status_code, code(answer)) == (422, "invalid_command")
    assert answer.json()["errors"][0]["pointer"] == "#/send_at"


@pytest.mark.parametrize(
    "kind", ["text/plain", "", "application/xml", "application/json; charset=latin-1", "multipart/form-data"]
)
def test_only_json_in_utf_8_is_taken(world: World, kind: str) -> None:
    answer = send_bytes(world, b"{}", kind)
    assert (answer.status_code, code(answer)) == (415, "unsupported_media_type")


def test_five_megabytes_are_too_much(world: World) -> None:
    answer = send_bytes(world, b'{"type": "send-text", "body": "' + b"x" * 5_000_000 + b'"}')
    assert (answer.status_code, code(answer)) == (413, "body_too_large")


def test_the_limit_is_exact(world: World) -> None:
    frame = b'{"type": "follow-candidate", "candidate": "c-1"%s}'
    fits = frame % (b" " * (BODY_BYTES_MAX - len(frame) + 2))
    assert len(fits) == BODY_BYTES_MAX
    assert send_bytes(world, fits).status_code == 200
    assert send_bytes(world, fits + b" ").status_code == 413


def test_a_bulk_may_be_larger_and_nothing_else(world: World) -> None:
    """A thousand recipients with ids and numbers as long as they may be, and the longest body."""
    whom = [{"candidate": f"{number:0128}", "number": f"{number:064}"} for number in range(1_000)]
    bulk = {"type": "send-bulk", "recipients": whom, "body": "\u0416" * 10_000}
    answer = world.account().post(bulk)
    assert (answer.status_code, code(answer)) == (422, "body_too_long")
    assert code(world.account().post({**bulk, "pad": "x" * 100_000})) == "body_too_large"
    assert code(world.account().post({**bulk, "type": "send-text"})) == "body_too_large"
    assert code(world.account().post({**bulk, "recipients": [*whom, whom[0]]})) == "invalid_command"


def test_a_receipt_of_a_thousand_recipients_is_taken_and_shown(world: World) -> None:
    boss = world.account()
    whom = [
        {"candidate": f"{number:0128}", "number": f"+1415{2_000_000 + number}"} for number in range(1_000)
    ]
    answer = boss.post({"type": "send-bulk", "recipients": whom, "body": "Hello"})
    result = answer.json()["result"]
    assert (answer.status_code, result["accepted"], len(result["refused"])) == (200, [], 1_000)
    assert {one["code"] for one in result["refused"]} == {"number_unknown"}
    assert seen(boss, result["bulk"])["result"] == result
    bulk = boss.get(f"/bulks/{result['bulk']}").json()
    assert (bulk["state"], bulk["total"], bulk["refused"]) == ("finished", 1_000, 1_000)
    assert boss.get("/bulks").json() == {"items": [bulk], "next": None}


@pytest.mark.parametrize(
    ("prefer", "status"),
    [
        ("wait=5", 200),
        ("respond-async, wait=5", 200),
        ("WAIT = 5", 200),
        ('wait="5"', 200),
        ("wait=100000", 200),
        ("wait=0", 202),
        ("wait", 202),
        ("wait=soon", 202),
        ("await=5", 202),
        ("wait=-1", 202),
        ("", 202),
    ],
)
def test_preferences_are_read_kindly(world: World, prefer: str, status: int) -> None:
    answer = world.account().post(FOLLOW, wait=None, headers={"Prefer": prefer})
    assert answer.status_code == status


def test_a_trace_can_be_followed_from_the_header(world: World) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert world.account().post(FOLLOW, headers={"traceparent": trace}).is_success
    assert world.account().post(FOLLOW, headers={"traceparent": "nonsense"}).is_success
