"""The ledger cannot be written, the process is killed: what the carrier said is not lost, nor done twice."""

import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx
from twilio.request_validator import RequestValidator

from deploy import demo
from deploy.settings import Settings
from deploy.simulator.server import SimulatorServer
from deploy.stores import LEDGER_FILE
from producers.http.webhooks import INBOUND_PATH
from tests.product.test_restart import views_equal_a_replay
from tests.support.office import Person, open_office, quick
from tests.support.sayso import Client, Clock, eventually, reachable_settings, serving
from tests.support.served import calling, process

PEOPLE = 4
ANSWERS = 20
SOON_S = 60


@contextmanager
def locked(ledger: Path) -> Iterator[None]:
    """Somebody else, a backup for instance, holds the ledger's write lock."""
    holder = sqlite3.connect(ledger, isolation_level=None, timeout=30)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.close()


class Twilio:
    """Calls Sayso, and keeps calling until the end of the context."""

    def __init__(self, settings: Settings, sender: str) -> None:
        self._url = settings.public_url + INBOUND_PATH
        self._sender = sender
        self._validator = RequestValidator(settings.twilio_auth_token.get_secret_value())
        self._http = httpx.Client(trust_env=False, timeout=20)

    def form(self, number: str, body: str) -> dict[str, str]:
        return {
            "MessageSid": f"SM{uuid4().hex}",
            "From": number,
            "To": self._sender,
            "Body": body,
            "NumMedia": "0",
        }

    def tells(self, form: dict[str, str]) -> int:
        headers = {"X-Twilio-Signature": self._validator.compute_signature(self._url, form)}
        return self._http.post(self._url, data=form, headers=headers).status_code

    def close(self) -> None:
        self._http.close()


def answers(boss: Client, person: Person) -> list[str]:
    """What the thread shows of the candidate's own words, oldest first."""
    items = boss.get(person.path)["items"]
    return [one["body"] for one in reversed(items) if one["kind"] == "reply"]


def all_said(boss: Client, person: Person, said: list[str]) -> bool:
    return sorted(answers(boss, person)) == said


def test_killed_between_the_spool_and_the_ledger_nothing_is_lost_and_nothing_comes_twice(
    tmp_path: Path,
) -> None:
    settings = reachable_settings(tmp_path, hand_overs_max=4)
    with SimulatorServer(quick(demo.simulator_settings(settings))) as carrier, ThreadPoolExecutor(8) as pool:
        with serving(settings, carrier.url, Clock()) as system:
            office = open_office(system)
            people = [office.candidate() for _ in range(PEOPLE)]
            token = system.token(account=office.account, member="grace", name="Grace Hopper")
        twilio = Twilio(settings, office.sender)
        calls = [twilio.form(people[n % PEOPLE].number, f"answer {n}") for n in range(ANSWERS)]
        stop = twilio.form(people[0].number, "STOP")

        with process(settings, carrier) as first, locked(settings.data_dir / LEDGER_FILE):
            assert set(pool.map(twilio.tells, calls)) == {200}
            assert twilio.tells(stop) == 200
            first.send_signal(signal.SIGKILL)
            first.wait(SOON_S)

        with process(settings, carrier) as second, calling(settings, office.account, token) as boss:
            assert set(pool.map(twilio.tells, calls)) == {200}  # as if Twilio had heard nothing
            for n, person in enumerate(people):
                said = sorted(f"answer {m}" for m in range(n, ANSWERS, PEOPLE))
                eventually(partial(all_said, boss, person, said), SOON_S)
            assert boss.get(f"{people[0].path}/consent")["status"] == "revoked"
            second.send_signal(signal.SIGTERM)
            assert second.wait(SOON_S) == 0
        twilio.close()
    assert views_equal_a_replay(settings)
