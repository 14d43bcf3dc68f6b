"""What becomes of a signed call where the ledger, a view or the letters are away: spooled, and done once."""

import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs
from twilio.request_validator import RequestValidator

from consumers.inbox import Inbox
from producers.dead_letters import DeadLetters
from producers.http.app import create_app
from producers.http.call_intake import CallIntake
from producers.http.carrier_call import CarrierCall
from producers.http.public_address import networks
from producers.http.twilio_signature import CarrierSecrets
from producers.http.webhooks import INBOUND_PATH
from projections.engine import open_engine
from tests.producers.test_commands import code
from tests.producers.test_webhooks import a_text, callback, messages, reply
from tests.producers.world import PUBLIC_URL, TWILIO_TOKEN, Caller, Json, World, calling, fresh_number, thread
from tests.support.intakes import ROOM_BYTES, intake
from tests.support.sayso import eventually

MANY = 12


@contextmanager
def behind(
    world: World, folder: Path, door: Any, bytes_max: int = ROOM_BYTES, stores: Any = None
) -> Iterator[tuple[World, CallIntake]]:
    """The same Sayso, whose carrier's calls go through `door`, and a spool in `folder`."""
    registry = CollectorRegistry()
    with intake(stores or world.sayso.stores, folder, door, bytes_max, registry) as calls:
        deps = replace(world.sayso.app.state.deps, calls=calls, registry=registry)
        with calling(create_app(deps)) as http:
            yield World(world.sayso, http), calls


def closed() -> Inbox:
    inbox = Inbox(0)
    inbox.close()
    return inbox


def replayed(world: World, folder: Path) -> None:
    """As after a restart: what waits in `folder` is taken in."""
    with intake(world.sayso.stores, folder, world.sayso.inbox) as calls:
        assert calls.start(40)


def outcomes(world: World) -> dict[str, float]:
    """The carrier's calls so far, by outcome."""
    lines = world.http.get("/metrics").text.splitlines()
    found = [line.split() for line in lines if line.startswith("sayso_webhooks_total{")]
    return {name.split('"')[1]: float(count) for name, count in found}


def gauge(world: World, name: str) -> float:
    lines = world.http.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


# --- the door is away ---------------------------------------------------------------------------------


def test_while_the_door_is_closed_calls_are_spooled_and_then_done_once(world: World, tmp_path: Path) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    _, texted, text_id = a_text(boss)
    form = reply(boss, number, "Tuesday is fine")
    news = {"MessageSid": f"SM{uuid4().hex}", "MessageStatus": "sent", "To": texted}
    with behind(world, tmp_path, closed()) as (away, _):
        assert away.carrier_posts(INBOUND_PATH, form).status_code == 200
        assert away.carrier_posts(callback(boss, text_id), news).status_code == 204
        assert away.carrier_posts(INBOUND_PATH, form).status_code == 200
        assert outcomes(away) == {"spooled": 3}
        assert gauge(away, "sayso_spool_waiting") == 3
        assert gauge(away, "sayso_spool_oldest_seconds") >= 0
        assert messages(boss, candidate, number, "reply") == []
    shutil.copytree(tmp_path, tmp_path / "as it was")
    replayed(world, tmp_path)
    found = eventually(lambda: messages(boss, candidate, number, "reply"))
    assert [one["body"] for one in found] == ["Tuesday is fine"]

    replayed(world, tmp_path / "as it was")  # killed after the door took them, before the spool forgot them
    world.carrier_posts(INBOUND_PATH, reply(boss, number, "Or Friday"))
    eventually(lambda: len(messages(boss, candidate, number, "reply")) > 1)
    assert [one["body"] for one in messages(boss, candidate, number, "reply")] == [
        "Or Friday",
        "Tuesday is fine",
    ]
    assert boss.get("/dead-letters").json()["items"] == []


def test_a_door_that_does_not_answer_is_not_waited_for_and_not_asked_again(
    world: World, tmp_path: Path
) -> None:
    boss = world.account()
    unread = Inbox(0)
    with behind(world, tmp_path, unread) as (slow, calls), ThreadPoolExecutor(MANY) as pool:
        forms = [reply(boss, fresh_number(), "Hello") for _ in range(MANY)]
        answers = [*pool.map(lambda form: slow.carrier_posts(INBOUND_PATH, form), forms)]
        assert {answer.status_code for answer in answers} == {200}
        asked = unread.waiting
        assert 0 < asked <= MANY
        assert slow.carrier_posts(INBOUND_PATH, reply(boss, fresh_number(), "Hello")).status_code == 200
        assert unread.waiting == asked  # it went behind those that wait
        assert calls.spool.standing().waiting == MANY + 1


def test_what_waits_is_replayed_in_order_and_what_comes_meanwhile_goes_behind_it(
    world: World, tmp_path: Path
) -> None:
    """P6: a START that came after a STOP must not be decided before it."""
    boss = world.account()
    candidate, number = boss.candidate()
    with behind(world, tmp_path, closed()) as (away, _):
        for word in ("STOP", "START", "STOP", "START", "one", "two", "three"):
            away.carrier_posts(INBOUND_PATH, reply(boss, number, word))
    with behind(world, tmp_path, world.sayso.inbox) as (back, calls):
        back.carrier_posts(INBOUND_PATH, reply(boss, number, "four"))
        assert outcomes(back) == {"spooled": 1}
        assert calls.start(40)
        assert gauge(back, "sayso_spool_waiting") == 0
        back.carrier_posts(INBOUND_PATH, reply(boss, number, "five"))
        assert outcomes(back) == {"spooled": 1, "taken": 1}
    eventually(lambda: len(messages(boss, candidate, number, "reply")) == 5)
    bodies = [one["body"] for one in reversed(messages(boss, candidate, number, "reply"))]
    assert bodies == ["one", "two", "three", "four", "five"]
    assert boss.get(thread(candidate, number) + "/consent").json()["status"] == "granted"


def test_where_the_spool_is_full_the_answer_is_503_and_nothing_is_kept(world: World, tmp_path: Path) -> None:
    boss = world.account()
    with behind(world, tmp_path, closed(), bytes_max=64_000) as (away, calls), capture_logs() as logs:
        forms = [reply(boss, fresh_number(), "x" * 1_500) for _ in range(40)]
        answers = [away.carrier_posts(INBOUND_PATH, form) for form in forms]
        full = [answer for answer in answers if answer.status_code != 200]
        assert 0 < len(full) < len(forms)
        assert {(answer.status_code, code(answer), answer.headers["Retry-After"]) for answer in full} == {
            (503, "busy", "60")
        }
        assert outcomes(away) == {"spooled": len(forms) - len(full), "not_kept": len(full)}
        assert calls.spool.standing().waiting == len(forms) - len(full)
    assert "call_lost" in [line["event"] for line in logs]


def test_a_spool_that_cannot_be_written_is_503(world: World, tmp_path: Path) -> None:
    boss = world.account()
    with behind(world, tmp_path, closed()) as (away, _):
        holder = sqlite3.connect(tmp_path / "spool.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        answer = away.carrier_posts(INBOUND_PATH, reply(boss, fresh_number(), "Hello"))
        holder.close()
    assert (answer.status_code, code(answer)) == (503, "unavailable")


def test_of_processes_that_share_a_spool_one_replays_and_the_others_go_on(
    world: World, tmp_path: Path
) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    with (
        behind(world, tmp_path, world.sayso.inbox) as (_, replaying),
        behind(world, tmp_path, closed()) as (spooling, calls),
    ):
        assert replaying.start(40)
        assert replaying.spool.mine()
        assert spooling.carrier_posts(INBOUND_PATH, reply(boss, number, "Hello")).status_code == 200
        assert calls.spool.waiting
        calls.start()
        eventually(lambda: messages(boss, candidate, number, "reply"))
        eventually(lambda: not calls.spool.waiting)


# --- the views and the letters are away -----------------------------------------------------------------


class _Stores:
    """Views and letters of a Sayso, of which one is away."""

    def __init__(self, world: World, **other: Any) -> None:
        self.views = other.get("views", world.sayso.stores.views)
        self.dead_letters = other.get("dead_letters", world.sayso.stores.dead_letters)


def test_where_nobody_can_tell_whose_number_it_is_the_call_waits(world: World, tmp_path: Path) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    gone = open_engine(f"sqlite:///{tmp_path / 'nowhere' / 'views.db'}")
    with behind(world, tmp_path, world.sayso.inbox, stores=_Stores(world, views=gone)) as (away, _):
        assert away.carrier_posts(INBOUND_PATH, reply(boss, number, "Hello")).status_code == 200
        assert outcomes(away) == {"spooled": 1}
    gone.dispose()
    replayed(world, tmp_path)
    eventually(lambda: messages(boss, candidate, number, "reply"))


def test_a_letter_that_cannot_be_kept_waits_too(world: World, tmp_path: Path) -> None:
    boss = world.account()
    letters = DeadLetters.on_sqlite(str(tmp_path / "letters.db"), b"m" * 32)
    stores = _Stores(world, dead_letters=letters)
    holder = sqlite3.connect(tmp_path / "letters.db", isolation_level=None)
    with behind(world, tmp_path, world.sayso.inbox, stores=stores) as (away, calls):
        holder.execute("BEGIN IMMEDIATE")
        form = {**reply(boss, fresh_number(), "Hello"), "MessageSid": ""}
        assert away.carrier_posts(INBOUND_PATH, form).status_code == 200
        assert outcomes(away) == {"spooled": 1}
        holder.execute("ROLLBACK")
        assert calls.start(40)
        assert letters.page(None, 1)[0].reason == "fields_wrong"
    holder.close()
    letters.close()


def test_a_call_that_breaks_something_is_kept_and_holds_nothing_up(world: World, tmp_path: Path) -> None:
    boss = world.account()
    with behind(world, tmp_path, closed()) as (away, calls):
        broken = CarrierCall("status", b"account=acme&text=x", b"MessageStatus=sent&To=1")
        calls.spool.keep(broken.write(), world.sayso.app.state.deps.clock()).result(30)
        away.carrier_posts(INBOUND_PATH, reply(boss, fresh_number(), "Hello"))
    with intake(world.sayso.stores, tmp_path, _Breaking(world.sayso.inbox)) as calls:
        assert calls.start(40)
    newest = world.sayso.stores.dead_letters.page(None, 2)
    assert {one.reason for one in newest} == {"internal_error", "fields_wrong"}


class _Breaking:
    """A door in which a mistake of ours shows itself."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def submit(self, command: Any, wait_s: float) -> None:
        raise ZeroDivisionError

    def put(self, command: Any) -> Any:
        return self._inbox.put(command)


# --- the same call again, and calls through proxies -------------------------------------------------------


def test_the_same_message_many_times_at_once_is_one_reply(world: World, tmp_path: Path) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    form = reply(boss, number, "Yes, gladly")
    with (
        behind(world, tmp_path / "1", world.sayso.inbox) as (one, _),
        behind(world, tmp_path / "2", world.sayso.inbox) as (other, _),
        ThreadPoolExecutor(MANY) as pool,
    ):
        asked = [pool.submit((one, other)[n % 2].carrier_posts, INBOUND_PATH, form) for n in range(MANY * 2)]
        assert {answer.result().status_code for answer in asked} == {200}
        told = [outcomes(one), outcomes(other)]
    assert sum(outcome.get("taken", 0) for outcome in told) == 1
    assert sum(outcome.get("repeated", 0) for outcome in told) == MANY * 2 - 1
    world.carrier_posts(INBOUND_PATH, reply(boss, number, "And another"))
    eventually(lambda: len(messages(boss, candidate, number, "reply")) > 1)
    assert len(messages(boss, candidate, number, "reply")) == 2


def signed(url: str, form: Json, secret: str, algorithm: str = "HMAC_SHA1") -> dict[str, str]:
    return {"X-Twilio-Signature": RequestValidator(secret).compute_signature(url, form, algorithm)}


@contextmanager
def told(world: World, **changes: Any) -> Iterator[tuple[httpx.Client, Caller]]:
    """The same Sayso with something else about the carrier, and an account."""
    deps = world.sayso.app.state.deps
    carrier = replace(deps.carrier, **changes)
    with calling(create_app(replace(deps, carrier=carrier, registry=CollectorRegistry()))) as http:
        yield http, world.account()


@pytest.mark.parametrize(("proxies", "status"), [("127.0.0.0/8", 200), ("10.0.0.0/8", 403), ("", 403)])
def test_only_a_trusted_proxy_tells_what_was_called(world: World, proxies: str, status: int) -> None:
    with told(world, proxies=networks(proxies)) as (http, boss):
        form = reply(boss, fresh_number(), "Hello")
        url = f"https://front.example/sayso{INBOUND_PATH}"
        via = {
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "front.example",
            "X-Forwarded-Prefix": "/sayso",
            "X-Forwarded-For": "127.0.0.1",  # says nothing about who is connected
        }
        answer = http.post(INBOUND_PATH, data=form, headers={**via, **signed(url, form, TWILIO_TOKEN)})
        assert answer.status_code == status
        ours = signed(PUBLIC_URL + INBOUND_PATH, form, TWILIO_TOKEN)
        assert http.post(INBOUND_PATH, data=form, headers={**via, **ours}).status_code == 200


def test_the_newer_signature_is_let_in_with_a_shared_key(world: World) -> None:
    with told(world, secrets={"": CarrierSecrets(TWILIO_TOKEN, ("a shared key",))}) as (http, boss):
        form = reply(boss, fresh_number(), "Hello")
        url, newer = PUBLIC_URL + INBOUND_PATH, "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
        for secret, status in (("a shared key", 200), (TWILIO_TOKEN, 403), ("another", 403)):
            headers = signed(url, form, secret, "HMAC_SHA256")
            answer = http.post(
                INBOUND_PATH, data=form, headers={**headers, "X-Twilio-Webhooks-Signature-Settings": newer}
            )
            assert answer.status_code == status
