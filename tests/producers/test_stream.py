"""Live: what changed is told as it happens, to those who may see it, and what was missed on return."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest

from producers.http import stream
from producers.http.webhooks import INBOUND_PATH
from schemas.actors import Permission
from tests.producers.test_commands import code
from tests.producers.world import RECRUITER, Caller, Json, World
from tests.support.sayso import eventually


class Stream:
    """Server-sent events as they come, without their comments."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()

    def next(self) -> Json:
        """The next event: its `event`, `id` and `data`."""
        event: Json = {}
        for line in self._lines:
            if not line and "event" in event:
                return event
            name, _, value = line.partition(": ")
            if name in ("event", "id"):
                event[name] = value
            elif name == "data":
                event["data"] = json.loads(value)
        raise EOFError

    def until(self, kind: str) -> Json:
        """The next change of that kind."""
        while True:
            event = self.next()
            if event.get("data", {}).get("kind") == kind:
                return event


@contextmanager
def following(caller: Caller, **headers: str) -> Iterator[Stream]:
    address = f"/v1/accounts/{caller.account}/stream"
    with caller.world.http.stream("GET", address, headers={**caller.headers, **headers}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer)


def test_a_change_is_told_as_it_happens(world: World) -> None:
    boss = world.account()
    with following(boss) as heard:
        candidate, _ = boss.candidate()
        assert heard.until("candidate")["data"]["subject"] == candidate
        assert int(heard.until("consent")["id"]) > 0


def test_whoever_returns_hears_what_they_missed(world: World) -> None:
    boss = world.account()
    with following(boss) as heard:
        boss.must("follow-candidate", candidate="c-1")
        seen = heard.until("receipt")["id"]
    boss.must("follow-candidate", candidate="c-2")
    with following(boss, **{"Last-Event-ID": seen}) as heard:
        assert heard.until("candidate")["data"]["subject"] == "c-2"


@pytest.mark.parametrize("seen", ["999999999", "nonsense", "9" * 40, "-1", "²"])
def test_whoever_missed_too_much_is_told_to_read_again(world: World, seen: str) -> None:
    boss = world.account()
    header = {"Last-Event-ID": seen.encode()}
    with following(boss, **header) as heard:  # type: ignore[arg-type]
        assert heard.next()["event"] == "reload"


def test_nothing_is_told_of_another_account(world: World) -> None:
    ours, theirs = world.account(), world.account()
    with following(ours) as heard:
        theirs.must("follow-candidate", candidate="c-theirs")
        ours.must("follow-candidate", candidate="c-ours")
        assert heard.until("candidate")["data"]["subject"] == "c-ours"


def test_a_stream_ends_with_its_token(world: World) -> None:
    brief = world.caller(world.account().account, Permission.VIEW, lifetime=timedelta(seconds=1))
    with following(brief) as heard, pytest.raises(EOFError):
        heard.next()


def test_only_those_who_may_view_follow(world: World) -> None:
    boss = world.account()
    manager = world.caller(boss.account, Permission.MANAGE)
    answer = manager.get("/stream")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_a_reader_who_leaves_is_forgotten(world: World) -> None:
    boss = world.account()
    for i in range(3):
        with following(boss) as heard:
            boss.must("follow-candidate", candidate=f"c-{i}")
            heard.until("candidate")
    eventually(lambda: "sayso_http_streams_open 0.0" in world.http.get("/metrics").text)


def test_a_notification_is_told_to_the_one_it_is_for(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    follower = world.caller(boss.account, *RECRUITER, member="m-8")
    follower.must("follow-candidate", candidate=candidate)
    follower.must("set-notifications", profile_actions=True)
    with following(boss) as others, following(follower) as own:
        form = {
            "MessageSid": "SM" + "7" * 32,
            "From": number,
            "To": boss.get().json()["sender"],
            "Body": "Hi",
        }
        world.carrier_posts(INBOUND_PATH, form)
        assert own.until("notification")["data"]["subject"] == "m-8"
        boss.must("follow-candidate", candidate="c-last")
        said = [others.next()["data"]]
        while said[-1] != {"kind": "candidate", "subject": "c-last"}:
            said.append(others.next()["data"])
    assert "message" in [data["kind"] for data in said]
    assert "notification" not in [data["kind"] for data in said]
    told = follower.get("/notifications").json()["items"]
    assert [(one["candidate"], one["about"]) for one in told] == [(candidate, "reply")]
    assert boss.get("/notifications").json()["items"] == []


def test_one_process_follows_so_many_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    boss = world.account()
    monkeypatch.setattr(stream, "STREAMS_MAX", 0)
    answer = boss.get("/stream")
    assert (answer.status_code, code(answer), answer.headers["Retry-After"]) == (503, "busy", "10")
