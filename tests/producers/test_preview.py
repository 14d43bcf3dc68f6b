"""Looking at a text before it is sent: what the preview says is what sending then does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.actors import Permission
from tests.producers.test_commands import code
from tests.producers.world import Caller, Json, World, fresh_number


def look(caller: Caller, **text: Any) -> Any:
    address = f"/v1/accounts/{caller.account}/texts/preview"
    return caller.world.http.post(address, json=text, headers=caller.headers)


def seen(caller: Caller, **text: Any) -> Json:
    answer = look(caller, **text)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def test_it_counts_as_the_network_will(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    plain = seen(boss, candidate=candidate, number=number, body="a" * 161)
    assert (plain["encoding"], plain["units"], plain["segments"], plain["credits"]) == ("GSM-7", 161, 2, 2)
    assert (plain["segment_units_left"], plain["text_units_left"], plain["swapped"]) == (145, 1239, None)
    fancy = seen(boss, candidate=candidate, number=number, body="It’s 10 o’clock")
    assert (fancy["encoding"], fancy["forcing"][0]["positions"]) == ("UCS-2", [2, 9])
    assert (fancy["swapped"]["body"], fancy["swapped"]["encoding"]) == ("It's 10 o'clock", "GSM-7")


def test_a_text_that_would_go_is_not_refused_and_goes(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    text = {"candidate": candidate, "number": number, "body": "Hi Ada", "override_quiet_hours": True}
    found = seen(boss, **text)
    assert (found["refusal"], found["send_at"], found["deferred"]) == (None, None, False)
    receipt = boss.must("send-text", **text)["result"]
    assert (receipt["encoding"], receipt["segments"]) == (found["encoding"], found["segments"])
    assert receipt["advice"] == found["advice"] != []


def test_nothing_is_done(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    before = boss.get().json()
    seen(boss, candidate=candidate, number=number, body="Hi Ada")
    assert boss.get().json() == before
    assert boss.get("/credits/statement").json()["items"][0]["kind"] == "free"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"number": "12"}, "number_region_needed"),
        ({"number": "not a number"}, "number_invalid"),
        ({"number": "+33612345678"}, "number_unknown"),
        ({"number": "+14155559999"}, "number_unknown"),
        ({"candidate": "c-somebody-else"}, "number_unknown"),
        ({"body": "  "}, "body_empty"),
        ({"body": "a" * 1_401}, "body_too_long"),
        ({"send_at": "2020-01-01T00:00:00Z"}, "send_at_past"),
    ],
)
def test_it_refuses_what_sending_refuses(world: World, change: Json, expected: str) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    text = {"candidate": candidate, "number": number, "body": "Hi", **change}
    found = seen(boss, **text)
    sent = boss.post({"type": "send-text", **text})
    assert found["refusal"]["code"] == sent.json()["code"]
    assert found["refusal"]["sentence"] == sent.json()["detail"]
    assert found["refusal"]["code"] in (expected, "country_blocked")


def test_a_number_that_somebody_has_needs_no_candidate(world: World) -> None:
    boss = world.account()
    _, number = boss.candidate(consent=False)
    assert seen(boss, number=number, body="Hi")["refusal"]["code"] == "consent_not_given"
    assert seen(boss, number=fresh_number(), body="Hi")["refusal"]["code"] == "number_unknown"


def test_a_removed_number_is_nobodys(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    boss.must("remove-number", candidate=candidate, number=number)
    assert seen(boss, number=number, body="Hi")["refusal"]["code"] == "number_unknown"


def test_it_says_when_a_text_would_go(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    later = datetime.now(UTC) + timedelta(days=2)
    text = {"candidate": candidate, "number": number, "body": "Hi", "send_at": later.isoformat()}
    found = seen(boss, **text)
    sent = boss.must("send-text", **text)["result"]
    assert datetime.fromisoformat(found["send_at"]) == datetime.fromisoformat(str(sent["send_at"]))
    assert found["deferred"] == sent["deferred"]


def test_without_send_permission_it_says_so(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    viewer = world.caller(boss.account, Permission.VIEW)
    assert seen(viewer, candidate=candidate, number=number, body="Hi")["refusal"]["code"] == "not_permitted"
    sender = world.caller(boss.account, Permission.SEND)
    assert code(look(sender, number=number, body="Hi")) == "scope_missing"


def test_an_account_that_is_not_active_is_told(world: World) -> None:
    stranger = world.caller("nothing-yet", Permission.VIEW, Permission.SEND)
    assert seen(stranger, number="+14155550123", body="Hi")["refusal"]["code"] == "not_activated"


@pytest.mark.parametrize(
    "change",
    [
        {"number": ""},
        {"number": None},
        {"body": None},
        {"body": "x" * 10_001},
        {"body": "nul \0"},
        {"candidate": "../x"},
        {"more": 1},
        {"send_at": "10000-01-01T00:00:00Z"},
        {"send_at": "tomorrow"},
        {"override_quiet_hours": 0},
    ],
)
def test_what_cannot_be_understood_gets_a_clear_no(world: World, change: Json) -> None:
    answer = look(world.account(), **{"number": "+14155550123", "body": "Hi", **change})
    assert (answer.status_code, code(answer)) == (422, "invalid_request")
    assert answer.json()["errors"][0]["pointer"] == "#/" + next(iter(change))
