"""Reading over HTTP: what was sent stands in the views, page by page, for whoever may see it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from producers.http import examples
from projections import cursors
from schemas.actors import Permission
from tests.producers.test_commands import code
from tests.producers.world import RECRUITER, Caller, World, thread
from tests.support.sayso import eventually


def send(boss: Caller, candidate: str, number: str, body: str) -> str:
    receipt = boss.must("send-text", candidate=candidate, number=number, body=body, override_quiet_hours=True)
    return str(receipt["command_id"])


def test_the_account_shows_its_settings_and_sender(world: World) -> None:
    boss = world.account()
    found = boss.get().json()
    assert (found["country"], found["currency"], found["balance"]) == ("US", "USD", 50)
    assert found["settings"]["company"] == "Acme Robotics"
    assert found.keys() == examples.ACCOUNT.keys()


def test_a_thread_shows_its_messages_newest_first(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    sent = [send(boss, candidate, number, f"Hi Ada, {i}") for i in range(5)]
    path = thread(candidate, number)
    first = boss.get(path, limit=3).json()
    assert [message["id"] for message in first["items"]] == sent[:1:-1]
    second = boss.get(path, limit=3, cursor=first["next"]).json()
    assert [message["id"] for message in second["items"]] == [sent[1], sent[0]]
    assert second["next"] is None
    assert first["items"][0].keys() == examples.MESSAGE.keys()


def test_a_candidate_shows_numbers_and_threads(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    threads = boss.get(f"/candidates/{candidate}/threads").json()
    assert [(one["number"], one["consent"]) for one in threads] == [(number, "granted")]
    found = boss.get(f"/candidates/{candidate}").json()
    assert [one["number"] for one in found["numbers"]] == [number]
    listed = boss.get("/candidates").json()
    assert listed["items"] == [
        {
            "candidate": candidate,
            "name": "Ada Byron",
            "numbers": [{"number": number, "consent": "granted", "under_review": False}],
            "unread": 0,
        }
    ]
    boss.must("remove-number", candidate=candidate, number=number)
    assert boss.get(f"/candidates/{candidate}/threads").json() == []


def test_a_bulk_names_whom_its_texts_went_to_and_what_became_of_each(world: World) -> None:
    boss = world.account()
    people = [boss.candidate() for _ in range(3)]
    silent = boss.candidate(consent=False)
    whom = [{"candidate": candidate, "number": number} for candidate, number in (*people, silent)]
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    receipt = boss.must("send-bulk", recipients=whom, body="Can you start?", send_at=later)["result"]
    path = f"/bulks/{receipt['bulk']}/texts"
    first = boss.get(path, limit=2).json()
    second = boss.get(path, limit=2, cursor=first["next"]).json()
    listed = [*first["items"], *second["items"]]
    assert second["next"] is None
    assert {(one["candidate"], one["number"]) for one in listed} == set(people)
    assert {(one["candidate"], one["text_id"]) for one in listed} == {
        (one["candidate"], one["text_id"]) for one in receipt["accepted"]
    }
    assert listed[0].keys() == examples.BULK_TEXT.keys()
    assert "Can you start?" not in json.dumps(listed)

    gone = receipt["accepted"][0]
    candidate, number = people[0]
    boss.must("cancel-text", candidate=candidate, number=number, text_id=gone["text_id"])
    boss.must("pause-bulk", bulk=receipt["bulk"])
    (cancelled,) = boss.get(path, status="cancelled").json()["items"]
    assert (cancelled["text_id"], cancelled["name"]) == (gone["text_id"], "Ada Byron")
    assert (cancelled["reason"], cancelled["detail"]) == ("cancelled_by_member", "by Grace Hopper")
    waiting = boss.get(path, status=["queued", "scheduled"]).json()["items"]
    assert {one["candidate"] for one in waiting} == {candidate for candidate, _ in people[1:]}
    assert {(one["bulk_paused"], one["detail"]) for one in waiting} == {
        ("member", "It waits: its bulk is paused.")
    }
    (text,) = boss.get(thread(*people[1])).json()["items"]
    assert (text["bulk"], text["bulk_paused"]) == (receipt["bulk"], "member")


def test_a_bulk_is_not_for_other_accounts_and_its_texts_have_known_statuses(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    whom = [{"candidate": candidate, "number": number}]
    path = f"/bulks/{boss.must('send-bulk', recipients=whom, body='Hi')['command_id']}/texts"
    assert boss.get(path).status_code == 200
    stranger = world.account().get(path)
    assert (stranger.status_code, code(stranger)) == (404, "not_found")
    for status in ("lost", ["queued"] * 12):
        answer = boss.get(path, status=status)
        assert (answer.status_code, code(answer)) == (422, "invalid_request")


def test_consent_shows_who_when_and_the_whole_history(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    boss.must("withdraw-consent", candidate=candidate, number=number, reason="Asked by e-mail")
    found = boss.get(thread(candidate, number) + "/consent").json()
    assert (found["status"], found["by"]["name"], found["reason"]) == (
        "withdrawn",
        "Grace Hopper",
        "Asked by e-mail",
    )
    assert [step["kind"] for step in found["history"]][:2] == ["withdrawn", "granted"]
    assert found.keys() == examples.CONSENT.keys()


def test_credits_add_up_and_the_statement_says_why(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    text_id = send(boss, candidate, number, "Hi Ada")
    found = boss.get("/credits").json()
    assert (
        found["free"] + found["bought"] - found["debited"] + found["refunded"] + found["adjusted"]
        == (found["balance"])
    )
    lines = boss.get("/credits/statement").json()["items"]
    assert text_id in [line["text_id"] for line in lines]
    assert lines[-1]["kind"] == "free"


@pytest.mark.parametrize(
    "path",
    [
        "/candidates/nobody",
        "/candidates/nobody/threads",
        "/candidates/nobody/threads/%2B14155550123",
        "/candidates/nobody/threads/%2B14155550123/consent",
        f"/bulks/{UUID(int=1)}",
        f"/bulks/{UUID(int=1)}/texts",
        "/dead-letters/1",
        "/nothing",
        "/credits/",
    ],
)
def test_what_is_not_there_is_404(world: World, path: str) -> None:
    answer = world.account().get(path)
    assert (answer.status_code, code(answer)) == (404, "not_found")


def test_an_account_without_a_history_is_404(world: World) -> None:
    stranger = world.caller("unheard-of", *RECRUITER)
    for path in ("", "/credits"):
        assert stranger.get(path).status_code == 404
    assert stranger.get("/candidates").json() == {"items": [], "next": None}


def test_a_number_must_be_whole(world: World) -> None:
    answer = world.account().get("/candidates/c-1/threads/0415")
    assert (answer.status_code, code(answer)) == (422, "invalid_request")
    assert answer.json()["errors"][0]["parameter"] == "number"
    assert "openapi.json shows the form" in answer.json()["errors"][0]["detail"]


def test_of_several_values_of_a_parameter_the_wrong_one_is_named_by_the_parameter(world: World) -> None:
    answer = world.account().get(f"/bulks/{UUID(int=1)}/texts", status=["queued", "blub"])
    assert [one["parameter"] for one in answer.json()["errors"]] == ["status"]


LISTS = (
    "/candidates",
    "/bulks",
    f"/bulks/{UUID(int=1)}/texts",
    "/credits/statement",
    "/notifications",
    "/dead-letters",
)


@pytest.mark.parametrize("path", LISTS)
def test_pages_are_bounded(world: World, path: str) -> None:
    boss = world.account()
    for limit in ("0", "201", "-1", "many", "1e9"):
        answer = boss.get(path, limit=limit)
        assert (answer.status_code, code(answer)) == (422, "invalid_request")


HUGE = 10**30
CURSORS = ["x", "é", "A" * 1_000, "A" * 2_000, "W10", "bnVsbA"] + [
    cursors.write(listing, place)
    for listing in (
        "candidates",
        "bulks",
        "bulk-texts",
        "statement",
        "notifications",
        "messages",
        "dead-letters",
    )
    for place in ((HUGE,), (-HUGE,), ("\0",), ("\ud800",), (HUGE, HUGE), (HUGE, "x"), ())
]


@pytest.mark.parametrize("path", LISTS)
def test_no_cursor_breaks_a_list(world: World, path: str) -> None:
    boss = world.account()
    for cursor in CURSORS:
        answer = boss.get(path, cursor=cursor)
        assert (answer.status_code, code(answer)) == (422, "invalid_request")
        assert answer.json()["errors"][0]["parameter"] == "cursor"


# --- who may read what ------------------------------------------------------------------------------

READS = {
    "": {Permission.VIEW, Permission.MANAGE, Permission.AUDIT, Permission.OPERATE},
    "/candidates": {Permission.VIEW},
    "/candidates/c-1": {Permission.VIEW},
    "/candidates/c-1/threads": {Permission.VIEW},
    "/candidates/c-1/threads/%2B14155550123": {Permission.VIEW},
    "/candidates/c-1/threads/%2B14155550123/consent": {Permission.VIEW, Permission.AUDIT},
    "/bulks": {Permission.VIEW},
    f"/bulks/{UUID(int=1)}": {Permission.VIEW},
    f"/bulks/{UUID(int=1)}/texts": {Permission.VIEW},
    "/credits": {Permission.VIEW, Permission.MANAGE},
    "/credits/statement": {Permission.VIEW, Permission.MANAGE},
    "/notifications": {Permission.VIEW},
    "/dead-letters": {Permission.AUDIT, Permission.MANAGE},
    "/dead-letters/1": {Permission.AUDIT, Permission.MANAGE},
}


@pytest.mark.parametrize("path", READS)
def test_each_route_holds_to_its_permissions(world: World, path: str) -> None:
    boss = world.account()
    for permission in Permission:
        answer = world.caller(boss.account, permission).get(path)
        if permission in READS[path]:
            assert answer.status_code in (200, 404)
        else:
            assert (answer.status_code, code(answer)) == (403, "scope_missing")
            assert "insufficient_scope" in answer.headers["WWW-Authenticate"]


def test_a_receipt_is_for_its_sender_and_for_those_who_may_see_others(world: World) -> None:
    boss = world.account()
    command_id = boss.must("follow-candidate", candidate="c-1")["command_id"]
    path = f"/receipts/{command_id}"
    assert world.caller(boss.account, member="m-7").get(path).status_code == 200
    stranger = world.caller(boss.account, Permission.SEND, member="m-8").get(path)
    assert (stranger.status_code, code(stranger)) == (404, "receipt_unknown")
    for permission in (Permission.VIEW, Permission.MANAGE, Permission.AUDIT, Permission.ACT_AS):
        assert world.caller(boss.account, permission, member="m-8").get(path).status_code == 200


def test_an_unknown_receipt_may_come_yet(world: World) -> None:
    answer = world.account().get(f"/receipts/{uuid4()}")
    assert (answer.status_code, code(answer), answer.headers["Retry-After"]) == (404, "receipt_unknown", "1")


# --- the page's cookie ------------------------------------------------------------------------------


def with_cookie(world: World, boss: Caller, method: str, path: str, **headers: str) -> Any:
    cookie = {"Cookie": f"sayso_session={boss.token}"}
    body = {"type": "follow-candidate", "candidate": "c-1"} if method == "POST" else None
    return world.http.request(
        method, f"/v1/accounts/{boss.account}{path}", headers={**cookie, **headers}, json=body
    )


def test_the_cookie_counts_like_the_token(world: World) -> None:
    boss = world.account()
    assert with_cookie(world, boss, "GET", "/credits").status_code == 200
    same_site = {"Sec-Fetch-Site": "same-origin"}
    assert with_cookie(world, boss, "POST", "/commands", **same_site).status_code == 202
    assert with_cookie(world, boss, "POST", "/commands", Origin=origin(world)).status_code in (200, 202)


def origin(world: World) -> str:
    return str(world.http.base_url).rstrip("/")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_another_site_cannot_use_the_cookie(world: World, headers: dict[str, str]) -> None:
    answer = with_cookie(world, world.account(), "POST", "/commands", **headers)
    assert (answer.status_code, code(answer)) == (403, "cross_site")


def test_notifications_are_the_members_own(world: World) -> None:
    boss = world.account()
    assert boss.get("/notifications").json() == {"items": [], "next": None}


def test_views_follow_within_a_moment(world: World) -> None:
    boss = world.account()
    answer = boss.post({"type": "follow-candidate", "candidate": "c-9"}, wait=None)
    eventually(lambda: world.http.get(answer.headers["Location"], headers=boss.headers).status_code == 200)
