"""For whoever runs Sayso: health, measurements, headers, and what happens when something breaks."""

import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from consumers.inbox import Inbox
from domain.refusals import REFUSALS
from producers.http import limits
from producers.http.app import create_app
from producers.http.problems import KINDS, codes
from producers.http.webhooks import INBOUND_PATH
from tests.producers.test_commands import FOLLOW, code
from tests.producers.world import World, calling, fresh_number, thread
from tests.support.sayso import eventually


@contextmanager
def with_deps(world: World, **changes: Any) -> Iterator[World]:
    """The same Sayso behind another door, of which `changes` are different."""
    deps = replace(world.sayso.app.state.deps, registry=CollectorRegistry(), **changes)
    with calling(create_app(deps)) as http:
        yield World(world.sayso, http)


def break_down() -> str | None:
    raise RuntimeError("secret words")


# --- health and measurements ------------------------------------------------------------------------


def test_it_is_alive_and_ready(world: World) -> None:
    assert world.http.get("/livez").json() == {"status": "alive"}
    assert world.http.get("/readyz").json() == {"status": "ready"}


def test_it_says_what_is_not_ready(world: World) -> None:
    checks = {"worker": lambda: None, "projector": lambda: "The projector has stopped."}
    with with_deps(world, readiness=checks) as other:
        answer = other.http.get("/readyz")
    assert (answer.status_code, code(answer), answer.headers["Retry-After"]) == (503, "not_ready", "1")
    assert answer.json()["failures"] == {"projector": "The projector has stopped."}
    assert answer.json()["detail"] == "The projector has stopped."


def test_measurements_name_no_account_and_no_number(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    boss.get(thread(candidate, number))
    world.http.request("BREW", "/v1/accounts/secret")
    found = world.http.get("/metrics")
    assert found.headers["content-type"].startswith("text/plain")
    names = set(re.findall(r"^([a-z_]+?)(?:_bucket|_count|_sum|_created)?(?:\{| )", found.text, re.MULTILINE))
    assert names
    assert all(name.startswith(("sayso_", "process_")) for name in names)
    assert "/v1/accounts/{account}/candidates/{candidate}/threads/{number}" in found.text
    for said in (boss.account, candidate, number[1:], "BREW", "secret"):
        assert said not in found.text


# --- every answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/livez", "/v1/accounts/acme", "/nowhere", "/metrics"])
def test_every_answer_is_guarded(world: World, path: str) -> None:
    headers = world.http.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "POST", "BREW"])
def test_another_method_is_a_problem(world: World, method: str) -> None:
    answer = world.http.request(method, "/v1/accounts/acme/credits")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert method == "HEAD" or code(answer) == "method_not_allowed"


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/accounts/acme/", "/docs", "/v1/accounts/a/b", "/%00", "/%ff"]
)
def test_another_address_is_a_problem(world: World, path: str) -> None:
    answer = world.http.get(path)
    assert (answer.status_code, code(answer)) == (404, "not_found")


def test_every_kind_of_problem_can_be_looked_up(world: World) -> None:
    listed = world.http.get("/v1/problems").json()
    assert [kind["code"] for kind in listed] == list(codes())
    assert {*KINDS, *REFUSALS} == {kind["code"] for kind in listed}
    for kind in listed:
        assert 400 <= kind["status"] < 600
        assert world.http.get(f"/v1/problems/{kind['code']}").json() == kind
    assert world.http.get("/v1/problems/none").status_code == 404


# --- when something breaks --------------------------------------------------------------------------


def test_a_failure_is_answered_and_logged_without_what_it_says(world: World) -> None:
    with with_deps(world, readiness={"broken": break_down}) as other, capture_logs() as logs:
        answer = other.http.get("/readyz")
    assert (answer.status_code, code(answer)) == (500, "internal_error")
    failure = next(line for line in logs if line["event"] == "request_failed")
    assert (failure["error"], failure["instance"]) == ("RuntimeError", answer.json()["instance"])
    assert any("break_down" in frame for frame in failure["frames"])
    assert "secret" not in json.dumps(logs) + answer.text


def test_the_log_holds_nothing_personal(world: World) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    with capture_logs() as logs:
        boss.get(thread(candidate, number))
        boss.post({"type": "send-text", "candidate": candidate, "number": number, "body": "secret words"})
        boss.post({"type": "send-text", "body": {"secret words": 1}})
        form = {"MessageSid": "SM1", "From": number, "To": fresh_number(), "Body": "secret words"}
        world.carrier_posts(INBOUND_PATH, form)
        world.http.post(INBOUND_PATH, data=form)
    said = json.dumps(logs, default=str)
    assert '"request"' in said
    assert "dead_letter" in said
    for word in (number[1:], "secret", "Ada", boss.token):
        assert word not in said


def test_no_room_is_503_with_a_time_to_come_back(world: World) -> None:
    boss = world.account()
    closed = Inbox(0)
    closed.close()
    with with_deps(world, door=closed) as full:
        answer = full.caller(boss.account).post(FOLLOW)
        assert (answer.status_code, code(answer), answer.headers["Retry-After"]) == (503, "busy", "1")


def test_what_could_not_be_stored_is_503(world: World) -> None:
    boss = world.account()
    unread = Inbox(0)
    with with_deps(world, door=unread) as stuck, ThreadPoolExecutor() as pool:
        asking = pool.submit(stuck.caller(boss.account).post, FOLLOW)
        eventually(lambda: unread.waiting == 1)
        unread.close()
        answer = asking.result()
    assert (answer.status_code, code(answer)) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


# --- bodies without end -----------------------------------------------------------------------------


def endless(size: int) -> Iterator[bytes]:
    """A body in pieces, whose length nobody announces."""
    for _ in range(size // 10_000):
        yield b" " * 10_000


def test_a_body_is_counted_whatever_it_claims(world: World) -> None:
    boss = world.account()
    headers = {**boss.headers, "Content-Type": "application/json"}
    path = f"/v1/accounts/{boss.account}/commands"
    answer = world.http.post(path, content=endless(400_000), headers=headers)
    assert (answer.status_code, code(answer)) == (413, "body_too_large")
    assert "Content-Length" not in answer.request.headers


@pytest.mark.parametrize("content", [b" " * 5_000_000, b" " * 330_000])
def test_the_answer_arrives_before_the_connection_is_closed(world: World, content: bytes) -> None:
    boss = world.account()
    headers = {**boss.headers, "Content-Type": "application/json"}
    answer = world.http.post(f"/v1/accounts/{boss.account}/commands", content=content, headers=headers)
    assert (answer.status_code, code(answer)) == (413, "body_too_large")


def test_whoever_asks_first_need_not_send_in_vain(world: World) -> None:
    address = (world.http.base_url.host, world.http.base_url.port)
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(
            b"POST /v1/accounts/acme/commands HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Content-Length: 5000000\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 413 ")


def dial(world: World, announced: bytes = b"100") -> socket.socket:
    """A connection on which a body of that length was announced, and a little of it sent."""
    address = (world.http.base_url.host, world.http.base_url.port)
    connection = socket.create_connection(address, timeout=10)
    connection.sendall(
        b"POST /v1/carriers/twilio/inbound HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " + announced + b"\r\n\r\nBody="
    )
    return connection


def test_whoever_sends_too_slowly_is_answered_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DRAIN_S_MAX", 0.2)
    with dial(world, announced=b"5000000") as connection:
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 413 ")


def test_whoever_leaves_in_the_middle_is_counted_and_no_failure(world: World) -> None:
    with capture_logs() as logs:
        dial(world).close()
        eventually(lambda: 499 in [line.get("status") for line in logs])
    assert "request_failed" not in [line["event"] for line in logs]


def test_an_answer_that_breaks_off_looks_broken(world: World) -> None:
    boss = world.account()
    with with_deps(world, clock=break_down) as other, capture_logs() as logs:
        asking = replace(boss, world=other)
        with pytest.raises(httpx.RemoteProtocolError):
            asking.get("/stream")
    failure = next(line for line in logs if line["event"] == "request_failed")
    assert failure["error"] == "ExceptionGroup"
