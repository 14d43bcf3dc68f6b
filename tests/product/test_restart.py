"""Stopped, or killed at any moment: after the next start nothing is lost and nothing comes twice."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from rich.console import Console

from deploy import demo, maintenance
from deploy.archive import opened
from deploy.clock import utc_now
from deploy.settings import Settings
from deploy.simulator.server import SimulatorServer
from tests.support.office import POLITE, Office, Person, new_account, office_hours, open_office, quick
from tests.support.sayso import Client, Clock, System, eventually, reachable_settings, serving
from tests.support.served import calling, process


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return reachable_settings(tmp_path, hand_overs_max=4)


@pytest.fixture
def carrier(settings: Settings) -> Iterator[SimulatorServer]:
    """It runs on while Sayso is down."""
    with SimulatorServer(quick(demo.simulator_settings(settings))) as carrier:
        yield carrier


def moved(office: Office, system: System) -> Office:
    """The same account, after the restart."""
    return replace(office, system=system, boss=system.client(account=office.account, member="grace"))


def views_equal_a_replay(settings: Settings) -> bool:
    """Sayso is down meanwhile."""
    with opened(settings) as archive:
        return maintenance.replay(archive, Console(quiet=True))


def test_a_stop_and_a_start_lose_nothing_and_do_nothing_twice(
    settings: Settings, carrier: SimulatorServer
) -> None:
    clock = Clock()
    clock.set(office_hours(utc_now()))
    with serving(settings, carrier.url, clock) as before:
        office = open_office(before)
        later, slow, *people = [office.candidate() for _ in range(12)]
        scheduled = later.gets(send_at=(clock()).replace(hour=20).isoformat())
        slow.phone.behaves(answer_after_s=0.5)
        texts = [(person, person.gets()["text_id"]) for person in (slow, *people)]
        repeated = uuid4()
        office.boss.accepted("follow-candidate", command_id=repeated, candidate=later.candidate)
        statement = office.statement()

    with serving(settings, carrier.url, clock) as after:
        office = moved(office, after)
        texts = [(replace(person, office=office), text_id) for person, text_id in texts]
        later = replace(later, office=office)
        assert office.statement() == statement
        again = office.boss.command("follow-candidate", repeated, candidate=later.candidate)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert later.message(scheduled["text_id"])["status"] == "scheduled"

        after.wait(hours=1, minutes=1)  # whatever was reported while we were away is asked for by then
        for person, text_id in texts:
            person.becomes(text_id, "delivered")
            person.phone.shows(POLITE)
        after.wait_until(clock().replace(hour=20, minute=0))
        later.becomes(scheduled["text_id"], "delivered")
        later.phone.shows(POLITE)
        assert office.balance == 50 - 12
    assert views_equal_a_replay(settings)


def test_a_stop_keyword_that_came_before_the_restart_counts_after_it(
    settings: Settings, carrier: SimulatorServer
) -> None:
    clock = Clock()
    with serving(settings, carrier.url, clock) as before:
        office = open_office(before)
        person = office.candidate()
        person.writes("STOP")
    with serving(settings, carrier.url, clock) as after:
        person = replace(person, office=moved(office, after))
        assert person.consent()["status"] == "revoked"
        assert person.office.boss.refused("send-text", **person.at, body=POLITE) == "revoked_by_keyword"


# --- kill -9 --------------------------------------------------------------------------------------


def test_killed_in_the_middle_of_sends_every_text_arrives_once_and_every_command_has_one_answer(
    settings: Settings, carrier: SimulatorServer
) -> None:
    with serving(settings, carrier.url, Clock()) as system:
        office = open_office(system)
        people = [office.candidate() for _ in range(40)]
        for person in people:
            person.phone.behaves(answer_after_s=0.1)
        token = system.token(account=office.account, member="grace", name="Grace Hopper")
    commands = [uuid4() for _ in people]

    with (
        process(settings, carrier) as first,
        calling(settings, office.account, token) as boss,
        ThreadPoolExecutor(8) as pool,
    ):
        sends = [pool.submit(_send, boss, *one) for one in zip(commands, people, strict=True)]
        eventually(lambda: _arrived(carrier) >= 8)
        first.send_signal(signal.SIGKILL)
        answered = [send.result() for send in sends]

    with process(settings, carrier) as second:
        with calling(settings, office.account, token) as boss:
            for known, command_id, person in zip(answered, commands, people, strict=True):
                again = _send(boss, command_id, person)  # whoever heard nothing sends again, others may
                assert again is not None
                assert known in (None, again)
        second.send_signal(signal.SIGTERM)
        assert second.wait(60) == 0

    with serving(settings, carrier.url, Clock()) as third:
        office = moved(office, third)
        people = [replace(person, office=office) for person in people]
        texts = list(zip(people, map(str, commands), strict=True))

        def delivered() -> bool:
            """Those cut short are doubted after a minute, then looked for; an hour later, asked about."""
            third.wait(minutes=31)
            return all(person.message(text_id)["status"] == "delivered" for person, text_id in texts)

        # What never left has to leave first: an hour later, it would come too late.
        eventually(lambda: all(person.message(text_id)["status"] != "queued" for person, text_id in texts))
        eventually(delivered, timeout_s=30)
        for person in people:
            person.phone.shows(POLITE)
        assert office.balance == 50 - 40
    assert views_equal_a_replay(settings)


def _arrived(carrier: SimulatorServer) -> int:
    """How many phones have got a text."""
    phones = httpx.get(f"{carrier.url}/phones", trust_env=False).json()["phones"]
    return sum(phone["messages"] > 0 for phone in phones)


def _send(boss: Client, command_id: UUID, person: Person) -> str | None:
    """The receipt; None where no answer came."""
    try:
        answer = boss.command("send-text", command_id, **person.at, body=POLITE, override_quiet_hours=True)
    except httpx.TransportError:
        return None
    return answer.text if answer.is_success else None


def test_a_fresh_folder_knows_nothing_of_another(
    settings: Settings, carrier: SimulatorServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with serving(settings, carrier.url, Clock()) as system:
        office = open_office(system)
    elsewhere = settings.model_copy(update={"data_dir": tmp_path_factory.mktemp("elsewhere")})
    with serving(elsewhere, carrier.url, Clock()) as system:
        assert new_account(system).boss.http.get("/credits").status_code == 404
        assert moved(office, system).boss.http.get("/credits").status_code == 404
