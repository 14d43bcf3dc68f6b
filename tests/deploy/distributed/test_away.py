"""What callers and operators of the distributed form meet while PostgreSQL or the brokers are away."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from twilio.request_validator import RequestValidator

from deploy import topics
from deploy.distributed.api import ApiProcess
from deploy.distributed.projector import ProjectorProcess
from deploy.distributed.worker import WorkerProcess
from deploy.local.broker import Broker
from deploy.local.postgres import Postgres
from deploy.parts import auth_of, client_of
from deploy.serving import HttpServer
from deploy.settings import LOOPBACK
from producers.http.access import SESSION_COOKIE
from producers.http.auth import issue
from producers.http.pages.site import add_pages
from producers.http.webhooks import INBOUND_PATH
from projections.watching import SILENT_S_MAX
from tests.support.sayso import ALL, Client, eventually, reachable_settings
from tests.support.servers import frozen

ADA = "+4520123456"  # Denmark has no quiet hours
SENDER = "+15005550006"
THREAD = f"/candidates/ada/threads/{quote(ADA, safe='')}"
SOON_S = 90.0
PROBES = 100
AT_ONCE_S = 1.0
"""How long Twilio's calls may take, whatever is away."""


@dataclass(frozen=True)
class Running:
    """One process of each kind, and what they lean on."""

    broker: Broker
    postgres: Postgres
    api: ApiProcess
    urls: dict[str, str]
    """By role."""
    token: str
    ats: Client

    def read(self, path: str) -> httpx.Response:
        return self.ats.http.get(self.ats.url + path)

    def page(self, path: str) -> httpx.Response:
        cookies = {SESSION_COOKIE: self.token}
        return httpx.get(self.urls["api"] + path, cookies=cookies, trust_env=False, timeout=20)

    def texted(self, body: str) -> httpx.Response:
        """The answer to the carrier's call, signed, that Ada texted."""
        settings = self.api.settings
        sid = f"SM{uuid4().hex}"
        form = {
            "MessageSid": sid, "AccountSid": settings.twilio_account_sid, "From": ADA, "To": SENDER,
            "Body": body, "NumMedia": "0",
        }  # fmt: skip
        secret = settings.twilio_auth_token.get_secret_value()
        signature = RequestValidator(secret).compute_signature(settings.public_url + INBOUND_PATH, form)
        return httpx.post(
            self.urls["api"] + INBOUND_PATH,
            data=form,
            headers={"X-Twilio-Signature": signature},
            trust_env=False,
            timeout=20,
        )

    def ready(self, role: str) -> httpx.Response:
        return httpx.get(f"{self.urls[role]}/readyz", trust_env=False, timeout=20)

    def replies(self) -> list[str]:
        return [one["body"] for one in self.ats.get(THREAD)["items"] if one["kind"] == "reply"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("away")
    with ExitStack() as stack:
        broker = stack.enter_context(Broker(folder / "broker"))
        postgres = stack.enter_context(Postgres(folder / "postgres"))
        settings = reachable_settings(
            folder / "data",
            kafka_bootstrap=broker.bootstrap,
            database_url=postgres.create_database("sayso"),
            partitions=1,
            replication=1,
        )
        topics.create(client_of(settings), settings.topic_prefix, 1, 1)
        worker = stack.enter_context(WorkerProcess(settings))
        projector = stack.enter_context(ProjectorProcess(settings))
        api = stack.enter_context(ApiProcess(settings))
        add_pages(api.app)
        ports = {"api": settings.port, "worker": 0, "projector": 0}
        apps = {"api": api.app, "worker": worker.app, "projector": projector.app}
        urls = {
            role: stack.enter_context(HttpServer(app, LOOPBACK, ports[role])).url
            for role, app in apps.items()
        }
        auth, now = auth_of(settings), datetime.now(UTC)
        token = issue(auth, "acme", "rita", ALL, now, timedelta(hours=1), "Rita")
        connections = stack.enter_context(httpx.HTTPTransport(trust_env=False))
        ats = Client(urls["api"], "acme", token, connections)
        started = Running(broker, postgres, api, urls, token, ats)
        for role in apps:
            eventually(lambda role=role: started.ready(role).status_code == 200, SOON_S)  # type: ignore[misc]
        agreement = {"accepted": True, "version": "1"}
        started.ats.accepted(
            "activate-texting", country="DK", currency="EUR", company="Acme", agreement=agreement
        )
        started.ats.accepted("assign-sender", sender=SENDER)
        started.ats.accepted("add-number", candidate="ada", number=ADA, name="Ada Byron")
        yield started


@pytest.fixture
def without_postgres(running: Running) -> Iterator[Running]:
    """The same, PostgreSQL stopped; it is started again in the end."""
    running.postgres.stop()
    try:
        yield running
    finally:
        running.postgres.start()
        eventually(lambda: running.ready("api").status_code == 200, SOON_S)


def test_what_is_read_while_postgresql_is_away_is_503_and_there_again_afterwards(running: Running) -> None:
    kinds = (
        "",
        "/candidates",
        THREAD,
        "/credits",
        f"/receipts/{uuid4()}",
        "/dead-letters",
        "/dead-letters/1",
    )
    before = {path: running.read(path).status_code for path in kinds}
    running.postgres.stop()
    try:
        answers = [running.read(path) for path in kinds]
    finally:
        running.postgres.start()
    for answer in answers:
        assert (answer.status_code, code(answer)) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    eventually(lambda: {path: running.read(path).status_code for path in kinds} == before, SOON_S)


def test_while_postgresql_is_away_a_page_says_so_in_the_sites_look(without_postgres: Running) -> None:
    for path in ("/", "/candidates/ada"):
        answer = without_postgres.page(path)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
        assert int(answer.headers["Retry-After"]) > 0
        assert "/static/base.css" in answer.text
        assert 'data-testid="away"' in answer.text


def test_while_postgresql_is_away_a_command_is_not_promised_and_taken_once_it_is_back(
    running: Running,
) -> None:
    command_id = uuid4()
    running.postgres.stop()
    try:
        for _ in range(2):
            problem = running.ats.command("follow-candidate", command_id, candidate="ada")
            assert (problem.status_code, code(problem)) == (503, "unavailable")
            assert problem.json()["detail"].startswith("It is not known whether the command was stored.")
            assert problem.json()["command_id"] == str(command_id)  # an earlier try of it may be under way
            assert int(problem.headers["Retry-After"]) > 0
        taken = running.ats.command("assign-sender", sender="+15005550007")
        assert (taken.status_code, code(taken)) == (503, "unavailable")
    finally:
        running.postgres.start()
    assert eventually(lambda: _accepted(running, command_id), SOON_S)
    assert running.ats.get("")["senders"][0]["sender"] == SENDER


def code(answer: httpx.Response) -> str:
    return str(answer.json()["code"])


def _accepted(running: Running, command_id: object) -> bool:
    answer = running.ats.command("follow-candidate", command_id, candidate="ada")  # type: ignore[arg-type]
    return answer.status_code == 200 and "Idempotent-Replayed" not in answer.headers


def test_while_postgresql_is_away_the_carriers_calls_are_answered_and_done_when_it_is_back(
    running: Running,
) -> None:
    running.postgres.stop()
    try:
        for body in ("Tuesday works!", "Or Friday?"):
            answer = running.texted(body)
            assert (answer.status_code, answer.elapsed.total_seconds() < AT_ONCE_S) == (200, True)
        assert running.api.spool.standing().waiting == 2
    finally:
        running.postgres.start()
    eventually(lambda: running.api.spool.standing().waiting == 0, SOON_S)
    assert eventually(lambda: len(found := running.replies()) == 2 and found, SOON_S) == [
        "Or Friday?",
        "Tuesday works!",
    ]


def test_no_process_is_ready_while_the_broker_is_dead_and_all_are_again_afterwards(running: Running) -> None:
    running.broker.kill()
    try:
        assert {role: running.ready(role).status_code for role in running.urls} == dict.fromkeys(
            running.urls, 200
        )
        for role, url in running.urls.items():
            eventually(lambda role=role: _says_silent(running, role, "brokers"), SILENT_S_MAX + SOON_S)  # type: ignore[misc]
            gauges = httpx.get(f"{url}/metrics", trust_env=False, timeout=60).text
            assert 'sayso_ready{check="brokers"} 0.0' in gauges
    finally:
        running.broker.start()
    for role in running.urls:
        eventually(lambda role=role: running.ready(role).status_code == 200, SOON_S)  # type: ignore[misc]


def test_no_process_is_ready_while_postgresql_is_frozen_and_all_are_again_afterwards(
    running: Running,
) -> None:
    with frozen(running.postgres):
        for role in running.urls:
            eventually(lambda role=role: _says_silent(running, role, "database"), SILENT_S_MAX + SOON_S)  # type: ignore[misc]
    for role in running.urls:
        eventually(lambda role=role: running.ready(role).status_code == 200, SOON_S)  # type: ignore[misc]


def _says_silent(running: Running, role: str, check: str) -> bool:
    answer = running.ready(role)
    return answer.status_code == 503 and " not answered" in answer.json()["failures"].get(check, "")


def test_asking_for_readiness_makes_no_connections(running: Running) -> None:
    """Clients make some of their own, now and then: many questions cause no more of them than one does."""
    made: list[str] = []
    bootstrap = running.broker.bootstrap

    def listen(event: str, args: tuple[Any, ...]) -> None:
        if event == "socket.connect" and isinstance(args[1], tuple) and bootstrap.endswith(f":{args[1][1]}"):
            made.append(event)

    sys.addaudithook(listen)
    for role in running.urls:
        eventually(lambda role=role: running.ready(role).status_code == 200, SOON_S)  # type: ignore[misc]
        answers = [running.ready(role) for _ in range(PROBES)]
        assert [answer.text for answer in answers if answer.status_code != 200] == []
    assert len(made) < PROBES
