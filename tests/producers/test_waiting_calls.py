"""Whose calls wait in a spool, as others are told: when a call is answered, until it was taken in."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import sleep
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from producers import waiting_calls
from producers.http import spool_notices
from producers.http.app import create_app
from producers.http.call_intake import CallIntake
from producers.http.webhooks import INBOUND_PATH
from producers.waiting_calls import WaitingCalls
from schemas.door import Unavailable
from tests.drills.proxy import WELL, Manner, Proxy
from tests.producers.test_call_intake import closed
from tests.producers.test_webhooks import a_text, callback, messages, reply
from tests.producers.world import World, calling, fresh_number
from tests.support.intakes import ROOM_BYTES, intake
from tests.support.sayso import eventually

SECRET = b"n" * 32
AWAY = Manner(refuses=True)


@pytest.fixture
def waiting(database: str) -> Iterator[WaitingCalls]:
    with closing(WaitingCalls(database, SECRET)) as waiting:
        yield waiting


@pytest.fixture
def link(database: str) -> Iterator[Proxy]:
    """A way to the database that can be cut."""
    with Proxy(int(psycopg.conninfo.conninfo_to_dict(database)["port"] or 0)) as link:
        yield link


@pytest.fixture
def linked(database: str, link: Proxy) -> Iterator[WaitingCalls]:
    """As another process reaches it over that link."""
    way = psycopg.conninfo.conninfo_to_dict(database)
    url = f"postgresql://{way['user']}@127.0.0.1:{link.port}/{way['dbname']}"
    with closing(WaitingCalls(url, SECRET)) as waiting:
        yield waiting


@contextmanager
def behind(
    world: World, folder: Path, waiting: WaitingCalls, door: Any
) -> Iterator[tuple[World, CallIntake]]:
    """The same Sayso, whose carrier's calls go through `door`, and who tells of what waits."""
    registry = CollectorRegistry()
    with intake(world.sayso.stores, folder, door, ROOM_BYTES, registry, waiting) as calls:
        deps = replace(world.sayso.app.state.deps, calls=calls, registry=registry)
        with calling(create_app(deps)) as http:
            yield World(world.sayso, http), calls


# --- the table ----------------------------------------------------------------------------------------


def test_a_number_waits_until_each_of_its_calls_was_taken_in(waiting: WaitingCalls) -> None:
    ada, grace, (first, second, third) = fresh_number(), fresh_number(), [uuid4() for _ in range(3)]
    spool = uuid4()
    waiting.add(spool, {first: ada, second: ada})
    waiting.add(spool, {second: ada, third: grace})
    assert waiting.any_from(ada)
    waiting.remove([first, third])
    assert waiting.any_from(ada)
    assert not waiting.any_from(grace)
    waiting.remove([second])
    waiting.remove([second])
    waiting.add(spool, {})
    waiting.remove([])
    assert not waiting.any_from(ada)


def test_what_was_never_kept_is_taken_back_in_the_end_and_nothing_of_another_spool(
    waiting: WaitingCalls,
) -> None:
    ours, theirs, ada, grace = uuid4(), uuid4(), fresh_number(), fresh_number()
    waiting.add(ours, {uuid4(): ada})
    waiting.add(theirs, {uuid4(): grace})
    waiting.sweep(ours, timedelta(minutes=1))
    assert waiting.any_from(ada)
    waiting.sweep(ours, timedelta())
    assert not waiting.any_from(ada)
    assert waiting.any_from(grace)


def test_nobodys_number_stands_in_it(waiting: WaitingCalls, database: str) -> None:
    number = fresh_number()
    waiting.add(uuid4(), {uuid4(): number})
    with psycopg.connect(database) as connection:
        (row,) = connection.execute("SELECT * FROM waiting_calls").fetchall()
    assert number[1:] not in str(row)
    assert number[1:].encode() not in row[2]
    with closing(WaitingCalls(database, b"another secret" * 2)) as other:
        assert not other.any_from(number)


def test_where_the_database_is_away_it_says_so(linked: WaitingCalls, link: Proxy) -> None:
    link.behave(AWAY)
    link.reset()
    for ask in (
        lambda: linked.any_from(fresh_number()),
        lambda: linked.add(uuid4(), {uuid4(): fresh_number()}),
        lambda: linked.remove([uuid4()]),
        lambda: linked.sweep(uuid4(), timedelta()),
    ):
        with pytest.raises(Unavailable):
            ask()


# --- who writes it ------------------------------------------------------------------------------------


def test_who_called_is_known_when_the_call_is_answered_and_until_it_is_taken_in(
    world: World, tmp_path: Path, waiting: WaitingCalls
) -> None:
    boss = world.account()
    candidate, number = boss.candidate()
    _, texted, text_id = a_text(boss)
    with behind(world, tmp_path, waiting, closed()) as (away, _):
        assert away.carrier_posts(INBOUND_PATH, reply(boss, number, "STOP")).status_code == 200
        assert waiting.any_from(number)
        news = {"MessageSid": f"SM{uuid4().hex}", "MessageStatus": "sent", "To": texted}
        assert away.carrier_posts(callback(boss, text_id), news).status_code == 204
        assert not waiting.any_from(texted)  # news of a text stop nobody
    with behind(world, tmp_path, waiting, world.sayso.inbox) as (_, calls):
        assert calls.start(40)
    assert not waiting.any_from(number)
    eventually(lambda: len(messages(boss, candidate, number, "keyword")) == 1)


def test_what_could_not_be_told_is_told_once_the_database_is_back(
    world: World, tmp_path: Path, waiting: WaitingCalls, linked: WaitingCalls, link: Proxy
) -> None:
    boss = world.account()
    _, number = boss.candidate()
    link.behave(AWAY)
    link.reset()
    with behind(world, tmp_path, linked, closed()) as (away, _):
        assert away.carrier_posts(INBOUND_PATH, reply(boss, number, "STOP")).status_code == 200
        assert not waiting.any_from(number)
        with behind(world, tmp_path, linked, closed()) as (
            _,
            another,
        ):  # of the same folder: any of them tells
            another.start()
            sleep(2 * spool_notices.LOOK_EVERY_S)
            assert not waiting.any_from(number)
            link.behave(WELL)
            eventually(lambda: waiting.any_from(number))
            eventually(lambda: not another.spool.untold(1))


def test_what_was_told_and_never_kept_is_taken_back(
    world: World, tmp_path: Path, waiting: WaitingCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_notices, "NEVER_KEPT_AFTER", timedelta())
    monkeypatch.setattr(spool_notices, "SWEEP_EVERY_S", 0.0)
    number = fresh_number()
    with behind(world, tmp_path, waiting, closed()) as (_, calls):
        waiting.add(calls.spool.id, {uuid4(): number})
        calls.start()
        eventually(lambda: not waiting.any_from(number))


# --- who reads it ------------------------------------------------------------------------------------


def test_nothing_is_believed_before_spools_had_time_to_tell(
    linked: WaitingCalls, link: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_calls, "GRACE_S", 0.5)
    number = fresh_number()
    assert not linked.may_wait(number)
    link.behave(AWAY)
    link.reset()
    with pytest.raises(Unavailable):
        linked.may_wait(number)
    link.behave(WELL)
    assert linked.may_wait(number)
    eventually(lambda: not linked.may_wait(number))
    linked.add(uuid4(), {uuid4(): number})
    assert linked.may_wait(number)
    assert not linked.may_wait(fresh_number())
